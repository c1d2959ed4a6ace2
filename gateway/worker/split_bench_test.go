package worker_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/testenv/play"
)

// threeShards answers what is asked of it with as many values of one key each.
type threeShards struct {
	*play.Record
	asked [3]int
}

// ToServer implements play.Net.
func (s *threeShards) ToServer(c *play.Conn, b []byte) int {
	s.asked[c.Conn] += bytes.Count(b, []byte("\r\nMGET\r\n"))
	return len(b)
}

// ToClient implements play.Net.
func (s *threeShards) ToClient(_ *play.Client, b []byte) int { return len(b) }

// BenchmarkMGET has one client ask for a hundred keys over three shards, as make bench ARGS=-apps does.
func BenchmarkMGET(b *testing.B) {
	p := newPlayer(b)
	p.setView("cluster", []string{"a:0-5461", "b:5462-10922", "c:10923-16383"})
	s := &threeShards{Record: play.NewRecord()}
	l := play.New(worker.Config{Services: []worker.Service{{Name: "main"}}}, worker.Env{}, s, b.Fatalf)
	l.View, l.Unchecked = p.view, true
	l.Tick(l.Now)
	client := l.Open(0).ID
	requests := make([][]byte, 256)
	for i := range requests {
		args := []string{"MGET"}
		for range 100 {
			args = append(args, fmt.Sprintf("key:%012d", rand.IntN(100_000)))
		}
		requests[i] = resp.AppendCommandStrings(nil, args...)
	}
	l.Round()
	for id := range worker.ConnID(l.Conns()) {
		l.Connected(id, upstream.Greeting{})
	}
	l.Round()
	value := resp.AppendBulk([]byte("*1\r\n"), make([]byte, 64))
	values := bytes.Repeat(value, 100)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.Tick(l.Now + time.Microsecond)
		l.FromClient(client, requests[i%len(requests)])
		l.Round()
		for id := range worker.ConnID(l.Conns()) {
			if n := s.asked[id]; n > 0 {
				s.asked[id] = 0
				l.FromServer(id, values[:n*len(value)])
			}
		}
		l.Round()
	}
}
