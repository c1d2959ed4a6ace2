package watch_test

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tidwall/redcon"

	"evergate/testenv/servers"
	"evergate/topology/watch"
)

// fakeSentinel is the address of a Sentinel that confirms subscriptions and knows no master. It passes each command on
// first; one for which that returns true gets no answer.
func fakeSentinel(t *testing.T, ignore func(name string, args [][]byte) bool) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := redcon.NewServer("", func(conn redcon.Conn, cmd redcon.Command) {
		switch name := strings.ToLower(string(cmd.Args[0])); {
		case ignore(name, cmd.Args):
		case name == "psubscribe":
			conn.WriteArray(3)
			conn.WriteBulkString(name)
			conn.WriteBulk(cmd.Args[1])
			conn.WriteInt(1)
		default:
			conn.WriteError("ERR No such master with that name")
		}
	}, nil, nil)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return listener.Addr().String()
}

// TestDeadSubscriptionIsReplaced: a subscription whose connection does not even answer PING, while other connections to
// its Sentinel work, is renewed.
func TestDeadSubscriptionIsReplaced(t *testing.T) {
	var subscriptions, pings atomic.Int32
	addr := fakeSentinel(t, func(name string, _ [][]byte) bool {
		switch name {
		case "psubscribe":
			subscriptions.Add(1)
		case "ping":
			pings.Add(1)
		}
		return name == "ping"
	})
	follow(t, watch.Service{Name: "s", Sentinels: []string{addr}, MasterName: "main"})
	servers.Until(t, servers.Patience, "a second subscription", func() error {
		if s, p := subscriptions.Load(), pings.Load(); s < 2 || p < 1 {
			return fmt.Errorf("%d subscriptions, %d PINGs", s, p)
		}
		return nil
	})
}
