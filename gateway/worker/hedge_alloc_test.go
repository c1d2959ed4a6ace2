package worker_test

import (
	"testing"
	"time"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/testenv/play"
	"evergate/topology"
)

// newHedged is newSteady for a client that reads from two replicas in turn.
func newHedged(k kind, when session.Hedge) *hedged {
	s := &hedged{steady{request: k.request, reply: k.reply}}
	view := &topology.View{Epoch: 1, Shards: []topology.Shard{{}}}
	for i, addr := range []string{"a:1", "b:1", "c:1"} {
		view.Nodes = append(view.Nodes, &topology.Node{ID: topology.NodeID(i), Addr: addr, Announced: addr})
	}
	view.Shards[0].Primary, view.Shards[0].Replicas = view.Nodes[0], view.Nodes[1:]
	s.Loop = play.New(worker.Config{
		Services:      []worker.Service{{Name: "main", Reading: session.Reading{From: session.OnlyReplica}, Hedge: when}},
		QueryBytesMax: 1 << 20, OutputBytesMax: 1 << 20,
	}, worker.Env{}, s, func(format string, _ ...any) { s.fault = format })
	s.View, s.Unchecked = view, true
	s.Tick(s.Now)
	s.client = s.Open(0).ID
	s.Round()
	for i := range 3 {
		s.Connected(worker.ConnID(i), upstream.Greeting{})
	}
	for range 1000 { // the histograms of both replicas, and the time of the reads
		s.round()
		s.Tick(s.Now + 2*time.Millisecond)
	}
	return s
}

type hedged struct{ steady }

// ToServer notes which server is asked.
func (s *hedged) ToServer(c *play.Conn, b []byte) int {
	s.conn = c.Conn
	return s.steady.ToServer(c, b)
}

// TestHedgingDoesNotAllocate, and sends nothing, while no read is late.
func TestHedgingDoesNotAllocate(t *testing.T) {
	for _, when := range []session.Hedge{{After: time.Millisecond}, {P99: true}} {
		s := newHedged(kinds[0], when)
		n := testing.AllocsPerRun(2000, func() {
			s.round()
			s.Tick(s.Now + 300*time.Microsecond)
		})
		if n != 0 || s.fault != "" {
			t.Errorf("%+v: %v allocations, %s", when, n, s.fault)
		}
		if hedges := s.Worker.Stats().Hedges; hedges.Sent+hedges.Denied+hedges.NoReplica > 0 {
			t.Errorf("%+v: %+v", when, hedges)
		}
	}
}

func BenchmarkHedgedRound(b *testing.B) {
	for name, when := range map[string]session.Hedge{"off": {}, "5ms": {After: 5 * time.Millisecond}, "p99": {P99: true}} {
		b.Run(name, func(b *testing.B) {
			s := newHedged(kinds[0], when)
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
