package worker

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"evergate/gateway/resp"
	"evergate/topology"
)

// BenchmarkMGET has one client ask for a hundred keys over three shards, as make bench ARGS=-apps does.
func BenchmarkMGET(b *testing.B) {
	p := newPlayer(b)
	p.setView("cluster", []string{"a:0-5461", "b:5462-10922", "c:10923-16383"})
	v := p.view
	now := time.Second
	w := New(Config{
		Services: []Service{{Name: "main"}}, Limits: resp.DefaultLimits(), QueryBytesMax: 1 << 20, OutputBytesMax: 1 << 20,
	}, Env{View: func(int) *topology.View { return v }, ClientNumber: func() int64 { return 1 }})
	w.Tick(now)
	client := w.ClientOpened(0, "", "")
	requests := make([][]byte, 256)
	for i := range requests {
		args := []string{"MGET"}
		for range 100 {
			args = append(args, fmt.Sprintf("key:%012d", rand.IntN(100_000)))
		}
		requests[i] = resp.AppendCommandStrings(nil, args...)
	}
	for _, d := range w.Out().Dials {
		w.LaneOpened(d.Lane, Met{})
	}
	w.Out()
	value := resp.AppendBulk([]byte("*1\r\n"), make([]byte, 64))
	values := bytes.Repeat(value, 100)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now += time.Microsecond
		w.Tick(now)
		w.ClientRead(client, requests[i%len(requests)])
		lanes := w.Out().Lanes
		for _, id := range lanes {
			w.LaneWrote(id, len(w.LaneBytes(id)))
		}
		for _, id := range lanes {
			w.LaneRead(id, values[:w.lanes[id].Inflight.Len()*len(value)])
		}
		for _, id := range w.Out().Clients {
			w.ClientWrote(id, len(w.ClientBytes(id)))
		}
	}
}
