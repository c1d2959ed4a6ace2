package worker_test

import (
	"testing"
	"time"

	"evergate/gateway/ratelimit"
	"evergate/gateway/session"
	"evergate/gateway/worker"
	"evergate/testenv/play"
	"evergate/topology"
)

// BenchmarkConfigure is how long a new configuration holds up the clients of a worker that has 2,000 of them.
func BenchmarkConfigure(b *testing.B) {
	a, c := &topology.Node{Addr: "a:1"}, &topology.Node{ID: 1, Addr: "c:1"}
	view := &topology.View{Epoch: 1, Nodes: []*topology.Node{a, c},
		Shards: []topology.Shard{{Primary: a, Replicas: []*topology.Node{c}}}}
	var confs [2]worker.Config
	for i := range confs {
		hold := session.Hold{Mode: session.HoldFor, Window: time.Second * time.Duration(i+1)}
		confs[i] = worker.Config{QueryBytesMax: 1 << 20, OutputBytesMax: 1 << 20 << i, IdleMax: time.Hour,
			Services: []worker.Service{{Name: "main", Hold: hold, Reading: session.Reading{From: session.Reads(i)},
				Users: map[string]worker.UserTerms{"default": {Databases: []int32{0}}}}}}
	}
	now, rates := &confs[0], greatRates()
	rates.RateLeft = func(*ratelimit.Account, time.Duration) {}
	l := play.New(confs[0], worker.Env{Rates: rates, Config: func() *worker.Config { return now },
		View: func(int) *topology.View { return view }}, play.NewRecord(), b.Fatalf)
	l.Unchecked = true
	l.Tick(l.Now)
	for range 2000 {
		l.Open(0)
	}
	l.Round()
	for i := 0; b.Loop(); i++ {
		now = &confs[i%2]
		l.Worker.Tick(l.Now)
		l.Worker.Out()
	}
}
