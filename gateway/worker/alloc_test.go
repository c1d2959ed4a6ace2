package worker

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"evergate/gateway/backend"
	"evergate/gateway/resp"
	"evergate/gateway/wait"
	"evergate/topology"
)

// steady is a worker with one client, one lane and one kind of request that goes round and round.
type steady struct {
	w       *Worker
	client  uint32
	lane    backend.LaneID
	now     time.Duration
	request []byte
	reply   []byte
	fault   string

	clientSays, laneSays func(b []byte)
}

// newSteady needs what the first request has sent ahead of it to be answered with ahead.
func newSteady(request, reply, ahead []byte) *steady {
	a := &topology.Node{Addr: "a:1", Announced: "a:1"}
	v := &topology.View{Epoch: 1, Shards: []topology.Shard{{Primary: a}}, Nodes: []*topology.Node{a}}
	s := &steady{request: request, reply: reply}
	s.w = New(Config{
		Services: []Service{{Name: "main"}}, Limits: resp.DefaultLimits(), QueryBytesMax: 1 << 20, OutputBytesMax: 1 << 20,
	}, Env{
		View:             func(int) *topology.View { return v },
		ClientNumber:     func() int64 { return 1 },
		Script:           func(int, []byte) []byte { return []byte("return 1") },
		ScriptSeen:       func(int, []byte) {},
		ScriptsForgotten: func(int) {},
		LongScripts:      func(int, int) int { return 0 },
	})
	s.clientSays = func(b []byte) { clientSends(s.w, s.client, b) }
	s.laneSays = func(b []byte) { s.w.LaneRead(s.lane, b) }
	s.w.Tick(1)
	s.client = s.w.ClientOpened(0, "", "")
	s.pieces(request, s.clientSays)
	s.lane = s.w.Out().Dials[0].Lane
	s.w.LaneOpened(s.lane, Met{})
	s.w.Out()
	s.w.LaneWrote(s.lane, len(s.w.LaneBytes(s.lane)))
	s.pieces(append(ahead, reply...), s.laneSays)
	s.w.Out()
	s.w.ClientWrote(s.client, len(s.w.ClientBytes(s.client)))
	s.w.Out()
	return s
}

// round sends the request and has it answered.
func (s *steady) round() {
	s.now += time.Microsecond
	s.w.Tick(s.now)
	s.pieces(s.request, s.clientSays)
	s.answer()
}

// pieces hands bytes over as a loop reads them.
func (s *steady) pieces(b []byte, to func(b []byte)) {
	for len(b) > 0 {
		n := min(len(b), 64<<10)
		to(b[:n])
		b = b[n:]
	}
}

func (s *steady) answer() {
	out := s.w.Out()
	if len(out.Lanes) != 1 {
		s.fault = "nothing for the lane"
		return
	}
	if n := len(s.w.LaneBytes(s.lane)); n == len(s.request) {
		s.w.LaneWrote(s.lane, n)
	} else {
		s.fault = "not the request for the lane"
	}
	s.w.Tick(s.now)
	s.pieces(s.reply, s.laneSays)
	out = s.w.Out()
	if len(out.Clients) != 1 {
		s.fault = "nothing for the client"
		return
	}
	if n := len(s.w.ClientBytes(s.client)); n == len(s.reply) {
		s.w.ClientWrote(s.client, n)
	} else {
		s.fault = "not the reply for the client"
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
		s := newSteady(k.request, k.reply, k.ahead)
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
	if kept := s.w.blocks.Kept(); kept < 200<<10 {
		t.Fatalf("%d bytes are kept: what should be given back?", kept)
	}
	for ticks := 0; s.w.blocks.Kept() > 0; ticks++ {
		at := s.w.NextTimer()
		if at > s.w.clock.Now+time.Second || ticks > 10 {
			t.Fatalf("%d bytes are kept for %v, and the next round is at %v", s.w.blocks.Kept(), s.w.clock.Now, at)
		}
		s.w.Tick(at)
		s.w.Out()
	}
	if s.w.trimAt != wait.Never {
		t.Error("an empty pool keeps the gateway awake")
	}
}

func BenchmarkRound(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			s := newSteady(k.request, k.reply, k.ahead)
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

// TestIdleClientIsSmall: past 384 bytes Go takes 416, and each of many idle clients costs that.
func TestIdleClientIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(client{}); size > 384 {
		t.Errorf("a client has grown to %d bytes: what few need belongs behind a pointer", size)
	}
}
