package outage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/topology"
)

func TestTroubleIsLoggedOnceWhileItRepeats(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1000, 0)
	l := NewServers(hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true}))
	l.clock = func() time.Time { return now }
	refused := errors.New("refused")
	wants := func(step string, lines ...string) {
		t.Helper()
		if got := strings.TrimSpace(out.String()); got != strings.Join(lines, "\n") {
			t.Errorf("%s:\n%s", step, got)
		}
		out.Reset()
	}
	lost := trouble{service: "a", addr: "x:1", what: connectionLost}

	l.note(lost, nil)
	l.note(lost, nil)
	wants("two lanes die", "[WARN]  server connection lost: service=a server=x:1")

	for range 5 {
		l.DialFailed("a", upstream.Dial{Addr: "x:1"}, refused)
		l.note(lost, nil) // the worker reports the same
		now = now.Add(3 * time.Second)
	}
	wants("dials fail", "[WARN]  server connection failed: service=a server=x:1 error=refused")

	l.DialFailed("b", upstream.Dial{Addr: "x:1"}, refused)
	l.DialFailed("a", upstream.Dial{Addr: "y:1"}, refused)
	wants("others", "[WARN]  server connection failed: service=b server=x:1 error=refused",
		"[WARN]  server connection failed: service=a server=y:1 error=refused")

	now = now.Add(50 * time.Second)
	l.DialFailed("a", upstream.Dial{Addr: "x:1"}, refused)
	wants("a minute later", "[WARN]  server connection failed: service=a server=x:1 error=refused repeated=4")

	alice := session.UserPassword("alice", "secret")
	rejected := fmt.Errorf("%w: WRONGPASS", upstream.ErrNotAuthenticated)
	for range 2 {
		l.DialFailed("a", upstream.Dial{Addr: "x:1", As: &alice}, rejected)
	}
	wants("a user is rejected", "[WARN]  server rejects a user: service=a server=x:1 user=alice error="+
		`"the server rejects the user or the password: WRONGPASS"`)

	now = now.Add(time.Hour)
	l.note(trouble{service: "a", addr: "x:1", what: connectionLost}, nil)
	wants("an hour later", "[WARN]  server connection lost: service=a server=x:1")
	if len(l.logged) != 1 {
		t.Errorf("%d troubles are kept", len(l.logged))
	}
}

func TestConnectionReportsAreLoggedAndNeverBlock(t *testing.T) {
	var out bytes.Buffer
	l := NewServers(hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true}))
	view := &topology.View{Nodes: []*topology.Node{nil, {ID: 1, Addr: "x:1"}}}
	for node := range 3 {
		l.Report("a", topology.Report{Kind: topology.ConnectionSilent, Node: topology.NodeID(node)})
		l.Report("a", topology.Report{Kind: topology.Refused, Node: topology.NodeID(node)})
	}
	ctx, cancel := context.WithCancel(t.Context())
	l.Report("a", topology.Report{Kind: topology.ConnectionLost, Node: 1})
	seen := 0
	l.Run(ctx, func(string) *topology.View {
		if seen++; seen == 4 {
			cancel()
		}
		return view
	})
	want := "[WARN]  server not responding: service=a server=x:1\n" +
		"[WARN]  server connection lost: service=a server=x:1\n"
	if out.String() != want {
		t.Errorf("got %s", out.String())
	}
	for range 2 * reportsMax {
		l.Report("a", topology.Report{Kind: topology.ConnectionLost})
	}
}
