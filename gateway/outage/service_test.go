package outage

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/topology"
	"evergate/topology/decide"
)

// TestRefusalIsLoggedOnceWithItsEnd: one line at ERROR for however many refusals, and one when it is over.
func TestRefusalIsLoggedOnceWithItsEnd(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1000, 0)
	u := NewService(hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true}), "orders")
	u.clock, u.started = func() time.Time { return now }, now
	well := &topology.View{Shards: []topology.Shard{{Primary: &topology.Node{Addr: "x:1"}}}}
	held := &topology.View{Shards: []topology.Shard{{Condition: topology.Switching}}}
	wants := func(step string, lines ...string) {
		t.Helper()
		select {
		case <-u.wake:
			u.first()
		default:
		}
		if got := strings.TrimSpace(out.String()); got != strings.Join(lines, "\n") {
			t.Errorf("%s:\n%s", step, got)
		}
		out.Reset()
	}
	u.look(nil)
	u.look(well)
	wants("nothing was refused")

	u.Note("the topology is not known yet")
	wants("the first moment")
	u.look(well)
	now = now.Add(unservedStart)
	u.look(well)
	wants("they were found soon")
	u.NoteCause(decide.Event{Kind: decide.Suspected, From: "x:1", Why: "connection refused"})
	for range 3 {
		u.Note("shard 'm' has had no primary for 10s")
	}
	wants("refused", "[ERROR] service unavailable: service=orders reason=\"shard 'm' has had no primary for 10s\" "+
		"cause=\"x:1: connection refused\"")

	now = now.Add(7 * time.Second)
	u.Note("shard 'm' has had no primary for 17s")
	u.look(well)
	now = now.Add(unservedQuiet)
	u.look(held)
	u.look(nil)
	wants("nobody asks, and it is not over")
	u.NoteCause(decide.Event{Kind: decide.Released, To: "x:1"})
	u.look(well)
	u.look(well)
	wants("over", "[INFO]  service available again: service=orders duration=7s rejected=4")

	now = now.Add(time.Hour)
	u.Note("no replica can serve reads")
	wants("again", "[ERROR] service unavailable: service=orders reason=\"no replica can serve reads\"")
	now = now.Add(unservedQuiet)
	u.look(well)
	wants("over again", "[INFO]  service available again: service=orders duration=0s rejected=1")
}

// TestStartWithoutServersIsLogged: what is not told of the first moment is told when the servers are not found soon.
func TestStartWithoutServersIsLogged(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1000, 0)
	u := NewService(hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true}), "orders")
	u.clock, u.started = func() time.Time { return now }, now
	u.Note("the topology is not known yet")
	<-u.wake
	u.first()
	u.look(nil)
	if out.Len() > 0 {
		t.Error(out.String())
	}
	u.NoteCause(decide.Event{Kind: decide.SentinelGone, Subject: "s:1", Why: "ERR No such master with that name"})
	now = now.Add(unservedStart)
	u.look(nil)
	u.look(nil)
	if want := "[ERROR] service unavailable: service=orders reason=\"the topology is not known yet\" " +
		"cause=\"s:1: ERR No such master with that name\"\n"; out.String() != want {
		t.Error(out.String())
	}
}
