package worker_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/testenv/play"
	"evergate/topology"
)

// growing is a worker whose services come and go, each with one server.
type growing struct {
	*play.Loop
	*play.Record
	t    *testing.T
	conf *worker.Config
	// served has the views of the services.
	served []*topology.View
}

func newGrowing(t *testing.T) *growing {
	g := &growing{t: t, Record: play.NewRecord()}
	g.conf = &worker.Config{Places: 4, QueryBytesMax: 1 << 20, OutputBytesMax: 1 << 20}
	g.conf.Limits = resp.DefaultLimits()
	g.put("a")
	g.Loop = play.New(*g.conf, worker.Env{Config: func() *worker.Config { return g.conf },
		View: func(of int) *topology.View { return g.served[of] }}, g.Record, t.Fatalf)
	g.Tick(g.Now)
	g.connect()
	return g
}

// put adds a service to the configuration, with a listener.
func (g *growing) put(name string) {
	next, node := *g.conf, &topology.Node{Addr: name + ":1"}
	next.Services = append(next.Services[:len(next.Services):len(next.Services)], worker.Service{Name: name,
		Hold: session.Hold{Mode: session.HoldFor, Window: time.Minute}})
	next.Listeners = append(next.Listeners[:len(next.Listeners):len(next.Listeners)],
		worker.Listener{Service: len(next.Services) - 1, Hold: next.Services[0].Hold})
	g.served = append(g.served, &topology.View{Epoch: 1, Nodes: []*topology.Node{node},
		Shards: []topology.Shard{{Name: "main", Primary: node}}})
	g.conf = &next
}

// connect has all dials succeed.
func (g *growing) connect() {
	g.Rest()
	for _, d := range g.Dials {
		if c := g.Conn(d.Conn); c != nil && !c.Open {
			g.Connected(d.Conn, upstream.Greeting{})
		}
	}
	g.Rest()
}

// to returns the connections to the server of a service.
func (g *growing) to(name string) (all []worker.ConnID) {
	for id := range worker.ConnID(g.Conns()) {
		if c := g.Conn(id); c != nil && strings.HasPrefix(c.Addr, name) {
			all = append(all, id)
		}
	}
	return all
}

func (g *growing) remove(all, atOnce bool) int {
	left := worker.Remove(g.Worker, []int{1}, all, atOnce, math.MaxInt)
	g.Check()
	g.Rest()
	return left
}

func TestServiceIsAddedAndRemoved(t *testing.T) {
	g := newGrowing(t)
	first := g.Open(g.conf.Places)
	g.put("b")
	g.Tick(g.Now)
	g.connect()
	if len(g.to("a")) == 0 || len(g.to("b")) == 0 {
		t.Fatalf("connections to %v, %v", g.to("a"), g.to("b"))
	}
	second, idle := g.Open(g.conf.Places+1), g.Open(g.conf.Places+1)
	g.FromClient(second.ID, []byte("SET k v\r\n"))
	g.FromClient(first.ID, []byte("SET k a\r\n"))
	g.Rest()
	g.Tick(g.Now + time.Hour)
	if left := g.remove(false, false); left != 1 || g.Client(idle.ID) != nil || g.Client(second.ID) == nil {
		t.Fatalf("%d are left", left)
	}
	server := g.to("b")[0]
	if got := string(g.Servers[server]); got != "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n" {
		t.Fatalf("%q", got)
	}
	g.FromServer(server, []byte("+OK\r\n"))
	g.Rest()
	g.Tick(g.Now + time.Hour)
	g.remove(false, false)
	if left := g.remove(false, false); left != 0 || len(g.to("b")) > 0 || string(g.Clients[second.ID]) != "+OK\r\n" {
		t.Fatalf("%d are left, %v, %q", left, g.to("b"), g.Clients[second.ID])
	}
	if g.Client(first.ID) == nil || len(g.to("a")) == 0 {
		t.Error("another service is concerned")
	}
	g.served[1] = nil // nobody asks for it
	g.put("b")
	g.Tick(g.Now)
	g.connect()
	if s := g.Worker.Snapshot(); len(s.Services) != 3 || s.Services[1].Clients != 0 || len(g.to("b")) == 0 {
		t.Errorf("%+v", s.Services)
	}
}

// TestRemovedServiceAtOnce: whatever its clients wait for, nothing is left.
func TestRemovedServiceAtOnce(t *testing.T) {
	g := newGrowing(t)
	g.put("b")
	g.Tick(g.Now)
	g.connect()
	for _, commands := range []string{"SET k v\r\nGET k\r\n", "BLPOP l 0\r\n", "SUBSCRIBE c\r\n", "MULTI\r\nSET k v\r\n",
		"WATCH k\r\n", "SELECT 3\r\nGET k\r\n", "MONITOR\r\n", "*1\r\n$1000\r\nhalf", "CLIENT PAUSE 100000\r\n"} {
		g.FromClient(g.Open(g.conf.Places+1).ID, []byte(commands))
		g.connect()
	}
	node := g.served[1].Nodes[0]
	g.served[1] = &topology.View{Epoch: 2, Nodes: g.served[1].Nodes,
		Shards: []topology.Shard{{Name: "main", Condition: topology.Switching, Demoted: node}}}
	g.Tick(g.Now)
	g.FromClient(g.Open(g.conf.Places+1).ID, []byte("GET k\r\n"))
	g.Rest()
	if g.remove(true, false) == 0 {
		t.Error("nothing was under way")
	}
	if left := g.remove(true, true); left != 0 || len(g.to("b")) > 0 {
		t.Errorf("%d are left, %v", left, g.to("b"))
	}
	if s := g.Worker.Snapshot(); s.Clients != 0 || s.BlockedSessions != 0 || s.Waiting != 0 || s.Subscribers != 0 {
		t.Errorf("%+v", s)
	}
	g.Tick(g.Now + time.Hour)
	g.Rest()
}
