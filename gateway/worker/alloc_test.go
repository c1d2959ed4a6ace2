package worker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/acks"
	"evergate/gateway/ratelimit"
	"evergate/gateway/resp"
	"evergate/gateway/slowlog"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/testenv/play"
	"evergate/topology"
)

// steady is a loop with one client, one connection and one kind of request that goes round and round.
type steady struct {
	*play.Loop
	client  uint32
	conn    worker.ConnID
	request []byte
	reply   []byte
	// wait is the WAIT that follows the request, of which the reply ends with the answer; empty for none.
	wait []byte
	// toServer and toClient are how many bytes were written since the last look.
	toServer, toClient int
	fault              string
}

// newSteady needs what the first request has sent ahead of it to be answered with ahead.
func newSteady(request, reply, ahead []byte, rights ...string) *steady {
	return newSteadyAt(worker.Rates{}, request, reply, ahead, rights...)
}

// newSteadyAt is newSteady for a client with rates.
func newSteadyAt(rates worker.Rates, request, reply, ahead []byte, rights ...string) *steady {
	return newSteadyOn(acks.Terms{}, rates, request, reply, ahead, rights...)
}

// newAcked is newSteady for writes that a replica must confirm.
func newAcked(request, reply []byte) *steady {
	return newSteadyOn(acks.Terms{Level: 1, Timeout: time.Second}, worker.Rates{}, request,
		append(slices.Clone(reply), ":1\r\n"...), nil)
}

// newSteadyOn is newSteadyAt for a client whose writes are confirmed on these terms.
func newSteadyOn(terms acks.Terms, rates worker.Rates, request, reply, ahead []byte, rights ...string) *steady {
	a := &topology.Node{Addr: "a:1", Announced: "a:1"}
	s := &steady{request: request, reply: reply}
	if terms.Asked() {
		s.wait = acks.AppendWait(nil, 1, terms.Timeout)
	}
	s.Loop = play.New(worker.Config{
		Services:      []worker.Service{{Name: "main", Acks: terms}},
		QueryBytesMax: 1 << 20, OutputBytesMax: 1 << 20, HotKeys: true,
		SlowerThan: 10 * time.Millisecond,
	}, worker.Env{
		Script:           func(int, []byte) []byte { return []byte("return 1") },
		ScriptSeen:       func(int, []byte) {},
		ScriptsForgotten: func(int) {},
		LongScripts:      func(int, int) int { return 0 },
		Users:            usersWith(rights),
		Slow:             func(int, slowlog.Entry) { s.fault = "a slow request" },
		Rates:            rates,
	}, s, func(format string, _ ...any) { s.fault = format })
	s.View = &topology.View{Epoch: 1, Shards: []topology.Shard{{Primary: a}}, Nodes: []*topology.Node{a}}
	s.View.Shards[0].Copies = topology.Copies{Attached: 1, Promotable: 1}
	s.Unchecked = true
	s.Tick(s.Now)
	s.client = s.Open(0).ID
	s.pieces(request, s.clientSends)
	s.Round()
	s.Connected(s.conn, upstream.Greeting{})
	s.Round()
	s.pieces(append(ahead, reply...), s.serverSends)
	s.Round()
	return s
}

// usersWith are users of whom the default one has these rights, or all without any.
func usersWith(rights []string) func(int) *access.Users {
	users := access.WithoutPassword()
	if len(rights) > 0 {
		users, _ = access.Parse("test", []string{"user default on nopass " + rights[0]})
	}
	return func(int) *access.Users { return users }
}

// greatRates are rates of users and addresses that no test exceeds.
func greatRates() worker.Rates {
	rate := ratelimit.Rate{Commands: ratelimit.PerSecondMax, Bytes: ratelimit.PerSecondMax}
	user, address := ratelimit.NewAccount("user", rate, 2), ratelimit.NewAccount("address", rate, 2)
	return worker.Rates{
		RateOfUser:    func(int, string, bool) (*ratelimit.Account, bool) { return user, true },
		RateOfAddress: func(string) *ratelimit.Account { return address },
	}
}

// someRights are those of a typical application.
const someRights = "~user:* %R~shared:* ~k* &* +@all -@dangerous"

// Dial implements play.Net, as the next ones do.
func (s *steady) Dial(c *play.Conn) { s.conn = c.Conn }

func (s *steady) ToServer(_ *play.Conn, b []byte) int {
	s.toServer += len(b)
	return len(b)
}

func (s *steady) ToClient(_ *play.Client, b []byte) int {
	s.toClient += len(b)
	return len(b)
}

func (s *steady) Reading(worker.Reading)           {}
func (s *steady) Closed(worker.ConnID, *play.Conn) {}
func (s *steady) ClientClosed(*play.Client)        {}

func (s *steady) clientSends(b []byte) { s.FromClient(s.client, b) }
func (s *steady) serverSends(b []byte) { s.FromServer(s.conn, b) }

// round sends the request and has it answered.
func (s *steady) round() {
	s.Tick(s.Now + time.Microsecond)
	s.toServer, s.toClient = 0, 0
	s.pieces(s.request, s.clientSends)
	if s.Round(); s.toServer != len(s.request)+len(s.wait) {
		s.fault = "not the request for the server"
	}
	s.Tick(s.Now)
	s.pieces(s.reply, s.serverSends)
	answer := 0
	if len(s.wait) > 0 {
		answer = len(":1\r\n")
	}
	if s.Round(); s.toClient != len(s.reply)-answer {
		s.fault = "not the reply for the client"
	}
}

// pieces hands bytes over as a loop reads them.
func (s *steady) pieces(b []byte, to func(b []byte)) {
	for len(b) > 0 {
		n := min(len(b), 64<<10)
		to(b[:n])
		b = b[n:]
	}
}

type kind struct {
	name                  string
	request, reply, ahead []byte
}

// kinds are the requests that must not cost the collector anything.
var kinds = []kind{
	{"GET", resp.AppendCommandStrings(nil, "GET", "key:000000012345"), resp.AppendBulk(nil, make([]byte, 64)), nil},
	{"SET", resp.AppendCommandStrings(nil, "SET", "key:000000012345", string(make([]byte, 64))), resp.OK, nil},
	{"16 GETs", times(16, resp.AppendCommandStrings(nil, "GET", "k")),
		times(16, resp.AppendBulk(nil, make([]byte, 64))), nil},
	{"16 EVALSHAs", times(16, resp.AppendCommandStrings(nil, "EVALSHA", strings.Repeat("a", 40), "1", "key")),
		times(16, resp.AppendBulk(nil, make([]byte, 64))), resp.AppendBulk(nil, make([]byte, 40))},
	{"GET of 16 KB", resp.AppendCommandStrings(nil, "GET", "k"), resp.AppendBulk(nil, make([]byte, 16<<10)), nil},
	{"SET of 16 KB", resp.AppendCommandStrings(nil, "SET", "k", string(make([]byte, 16<<10))), resp.OK, nil},
	{"GET of 200 KB", resp.AppendCommandStrings(nil, "GET", "k"), resp.AppendBulk(nil, make([]byte, 200<<10)), nil},
	{"SET of 200 KB", resp.AppendCommandStrings(nil, "SET", "k", string(make([]byte, 200<<10))), resp.OK, nil},
	{"16 SETs", times(16, resp.AppendCommandStrings(nil, "SET", "k", string(make([]byte, 64)))), times(16, resp.OK), nil},
}

func times(n int, b []byte) []byte {
	var all []byte
	for range n {
		all = append(all, b...)
	}
	return all
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	for _, k := range kinds {
		for _, s := range []*steady{newSteady(k.request, k.reply, k.ahead),
			newSteady(k.request, k.reply, k.ahead, someRights),
			newSteadyAt(greatRates(), k.request, k.reply, k.ahead, someRights)} {
			if n := testing.AllocsPerRun(2000, s.round); n != 0 {
				t.Errorf("%s: %v allocations", k.name, n)
			}
			if s.fault != "" {
				t.Errorf("%s: %s", k.name, s.fault)
			}
		}
	}
}

// TestConfirmedWritesDoNotAllocate: nor do those that replicas confirm.
func TestConfirmedWritesDoNotAllocate(t *testing.T) {
	for _, k := range kinds {
		if !strings.Contains(k.name, "SET") {
			continue
		}
		s := newAcked(k.request, k.reply)
		if n := testing.AllocsPerRun(2000, s.round); n != 0 {
			t.Errorf("%s: %v allocations", k.name, n)
		}
		if s.fault != "" {
			t.Errorf("%s: %s", k.name, s.fault)
		}
	}
}

// TestMemoryIsGivenBackAfterAPeak: also when nothing happens any more.
func TestMemoryIsGivenBackAfterAPeak(t *testing.T) {
	k := kinds[slices.IndexFunc(kinds, func(k kind) bool { return k.name == "SET of 200 KB" })]
	s := newSteady(k.request, k.reply, k.ahead)
	s.round()
	if kept := s.Worker.Kept(); kept < 200<<10 {
		t.Fatalf("%d bytes are kept: what should be given back?", kept)
	}
	for ticks := 0; s.Worker.Kept() > 0; ticks++ {
		at := s.Worker.NextTimer()
		if at > s.Now+time.Second || ticks > 10 {
			t.Fatalf("%d bytes are kept for %v, and the next round is at %v", s.Worker.Kept(), s.Now, at)
		}
		s.Tick(at)
		s.Round()
	}
	if at := s.Worker.NextTimer(); at < s.Now+time.Hour {
		t.Errorf("an empty pool keeps the gateway awake: the next round is in %v", at-s.Now)
	}
}

func BenchmarkRound(b *testing.B) {
	for _, k := range kinds {
		for _, c := range []struct {
			name   string
			rates  worker.Rates
			rights []string
			acked  bool
		}{{name: "free"}, {name: "rights", rights: []string{someRights}}, {name: "rates", rates: greatRates()},
			{name: "acks", acked: true}} {
			b.Run(k.name+"/"+c.name, func(b *testing.B) {
				if c.name == "rates" && len(k.request)+len(k.reply) > 4<<10 {
					b.Skip("exceeds the rate")
				}
				if c.acked && !strings.Contains(k.name, "SET") {
					b.Skip("writes nothing")
				}
				s := newSteadyAt(c.rates, k.request, k.reply, k.ahead, c.rights...)
				if c.acked {
					s = newAcked(k.request, k.reply)
				}
				b.ReportAllocs()
				for b.Loop() {
					s.round()
				}
				if s.fault != "" {
					b.Fatal(s.fault)
				}
			})
		}
	}
}
