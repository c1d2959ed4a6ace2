package worker_test

import (
	"strings"
	"testing"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/testenv/play"
	"evergate/topology"
)

// fake is a loop with nodes a, b and c, for what scripts cannot say: texts, versions of nodes, numbers of connections.
type fake struct {
	*play.Loop
	*play.Record
	t       *testing.T
	servers map[worker.ConnID]*play.Server
}

func newFake(t *testing.T) *fake { return seededFake(t, 1) }

func seededFake(t *testing.T, seed uint64) *fake {
	f := &fake{t: t, Record: play.NewRecord(), servers: map[worker.ConnID]*play.Server{}}
	f.Loop = play.New(worker.Config{Seed: seed}, worker.Env{}, f, t.Fatalf)
	return f
}

// Dial implements play.Net.
func (f *fake) Dial(c *play.Conn) {
	f.servers[c.Conn] = &play.Server{}
	f.Record.Dial(c)
}

// ToServer implements play.Net.
func (f *fake) ToServer(c *play.Conn, b []byte) int {
	f.servers[c.Conn].Add(b)
	return f.Record.ToServer(c, b)
}

// steady makes a client and a connection to node a, number 0, that has been open long enough to be dialled again at
// once.
func (f *fake) steady() uint32 {
	f.see(0, -1)
	c := f.open()
	f.Rest()
	f.connect()
	f.after(2 * time.Second)
	return c
}

// open connects a client.
func (f *fake) open() uint32 { return f.Open(0).ID }

// see has a view come: which of the nodes a, b and c is the primary and which has the lowest version; -1 for none. The
// others are replicas.
func (f *fake) see(primary, lowest int) {
	v := &topology.View{Epoch: 1, Shards: []topology.Shard{{Name: "main"}}}
	if f.View != nil {
		v.Epoch = f.View.Epoch + 1
	}
	for i, addr := range []string{"a:1", "b:1", "c:1"} {
		n := &topology.Node{ID: topology.NodeID(i), Addr: addr, Announced: addr, Version: "7.2.4"}
		v.Nodes = append(v.Nodes, n)
		if i == primary {
			v.Shards[0].Primary = n
		} else {
			v.Shards[0].Replicas = append(v.Shards[0].Replicas, n)
		}
		if i == lowest {
			v.Lowest = n
		}
	}
	f.View = v
	f.Tick(f.Now)
}

// say sends commands, separated by " / ".
func (f *fake) say(client uint32, commands string) {
	var b []byte
	for command := range strings.SplitSeq(commands, " / ") {
		b = resp.AppendCommandStrings(b, strings.Fields(command)...)
	}
	f.FromClient(client, b)
}

// after moves the clock.
func (f *fake) after(d time.Duration) {
	f.Tick(f.Now + d)
	f.Rest()
}

// connect has all dials succeed.
func (f *fake) connect() {
	for id := range worker.ConnID(f.Conns()) {
		if c := f.Conn(id); c != nil && !c.Open {
			f.Connected(id, upstream.Greeting{})
		}
	}
	f.Rest()
}

// connections are the numbers of the connections that are open.
func (f *fake) conns() (all []worker.ConnID) {
	for id := range worker.ConnID(f.Conns()) {
		if c := f.Conn(id); c != nil && c.Open {
			all = append(all, id)
		}
	}
	return all
}

// connTo is the number of the connection to a node, by its letter.
func (f *fake) connTo(node string) worker.ConnID {
	f.t.Helper()
	for _, id := range f.conns() {
		if strings.HasPrefix(f.Conn(id).Addr, node) {
			return id
		}
	}
	f.t.Fatalf("nothing is connected to %s", node)
	return 0
}

// reply has a server say something.
func (f *fake) reply(id worker.ConnID, text string) {
	f.servers[id].Replied([]byte(text))
	f.FromServer(id, []byte(text))
	f.Rest()
}

// owes is how many requests a server has not answered.
func (f *fake) owes(id worker.ConnID) int { return f.servers[id].Owes() }

// lose ends a connection from outside.
func (f *fake) lose(id worker.ConnID) {
	f.Lose(id, worker.PeerClosed)
	f.Rest()
}

// wantGot fails the test unless a client was sent this and nothing else.
func (f *fake) wantGot(client uint32, want string) {
	f.t.Helper()
	if got := string(f.Clients[client]); got != want {
		f.t.Errorf("the client was sent %q, want %q", got, want)
	}
}

// answerAdmin replies to the oldest request to all workers.
func (f *fake) answerAdmin(reply string) {
	f.t.Helper()
	if len(f.Asked) == 0 {
		f.t.Fatal("nothing is asked of all workers")
	}
	r := f.Asked[0]
	f.Asked = f.Asked[1:]
	f.Worker.AdminReply(r.Client, r.Seq, []byte(reply))
	f.Rest()
}
