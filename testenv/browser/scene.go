package main

import (
	"fmt"
	"math"
	"time"

	"evergate/gateway/api"
)

// scene is what a made-up gateway has: its services, with a cluster as the first if there are many.
type scene struct {
	started  time.Time
	services []api.Service
	clients  int
	// failovers are those so far; the last may be under way.
	failovers []api.Failover
	// rare is a service of which each tenth second has a read.
	rare string
}

// smallScene is one service behind three Sentinels.
func smallScene(now time.Time) *scene {
	s := &scene{started: now.Add(-26*time.Hour - 13*time.Minute), clients: 128, failovers: []api.Failover{}}
	s.services = []api.Service{sentinelService("main", 7000, 3, now)}
	return s
}

// largeScene is a cluster of 11 shards with three servers each and nine services of three: ten services, 60 servers.
func largeScene(now time.Time, clients int) *scene {
	s := &scene{started: now.Add(-26 * time.Hour), clients: clients, failovers: []api.Failover{}}
	s.services = append(s.services, clusterService("orders", 11, 3, now))
	for i, name := range []string{"sessions", "carts", "prices", "search", "mail", "images", "limits", "queue", "stock"} {
		s.services = append(s.services, sentinelService(name, 7100+10*i, 3, now))
	}
	return s
}

// oddScene has services in the states in which there is little to draw, or much.
func oddScene(now time.Time) *scene {
	s := &scene{started: now.Add(-time.Minute), clients: 3, failovers: []api.Failover{}}
	nothing := sentinelService("nothing", 7000, 0, now)
	nothing.Shards, nothing.Nodes, nothing.Epoch, nothing.Steady = []api.Shard{}, []api.Node{}, 0, false
	nothing.Sentinels = []api.Sentinel{{Addr: "sentinel-0.redis.example.svc.cluster.local:26379", Why: "no such host"}}
	orphan := sentinelService("orphan", 7010, 3, now)
	orphan.Shards[0].Condition, orphan.Shards[0].Primary, orphan.Steady = api.Orphan, "", false
	orphan.Nodes[0].Role, orphan.Nodes[0].Shard = api.RoleUnknown, ""
	crowded := sentinelService("crowded", 7020, 12, now)
	crowded.Nodes[1].Busy, crowded.Nodes[2].Reachable = "BUSY a script is running", false
	crowded.Shards[0].Provisional = true
	long := "[2001:db8:1111:2222:3333:4444:5555:6666]:6379"
	crowded.Nodes[3].Addr, crowded.Shards[0].Replicas[2] = long, long
	crowded.Hedges.DeniedRecent, crowded.Nodes[4].LeftOut, crowded.Acks.Unconfirmed, crowded.Acks.Rejected = 18, true, 12, 3
	fenced := sentinelService("fenced", 7040, 2, now)
	fenced.Shards[0].Demoted, fenced.Shards[0].Primary = fenced.Shards[0].Primary, ""
	fenced.Nodes[0].Role, fenced.Shards[0].Condition, fenced.Steady = api.RoleDemoted, api.Switching, false
	fenced.Shards[0].Fence = "1 of 3 Sentinels are reachable, and 10.0.70.40:6379 has no replica"
	wide := clusterService("wide", 60, 2, now)
	wide.Shards[59].Condition, wide.Shards[59].Primary = api.Switching, ""
	wide.Shards[59].Demoted, wide.Shards[58].Condition = wide.Nodes[118].Addr, api.Suspect
	s.services = []api.Service{nothing, orphan, crowded, fenced, wide}
	return s
}

func sentinelService(name string, port, servers int, now time.Time) api.Service {
	s := api.Service{Name: name, Kind: api.KindSentinel, Reads: "prefer-replica", Hold: "10s", Epoch: 7, HadPrimary: true,
		Steady: true, DownAfter: 5000,
		Listeners: []api.Listener{{Addr: fmt.Sprintf("127.0.0.1:%d", port-600), Reads: "prefer-replica", Hold: "10s"}}}
	shard := api.Shard{Name: name, Condition: api.Steady, Since: now.Add(-time.Hour), ConfigEpoch: 3}
	for i := range servers {
		n := node(fmt.Sprintf("10.0.%d.%d:6379", port/100%100, port%100+i), name)
		if i == 0 {
			shard.Primary, n.Role, n.LagBytes, n.Lag = n.Addr, api.RolePrimary, nil, nil
		} else {
			shard.Replicas = append(shard.Replicas, n.Addr)
		}
		n.Zone = string(rune('a' + i%3))
		s.Nodes = append(s.Nodes, n)
		since := now.Add(-time.Hour)
		s.Sentinels = append(s.Sentinels, api.Sentinel{Addr: fmt.Sprintf("10.0.0.%d:26379", i+1), Reachable: true,
			Since: &since})
	}
	shard.Unused = []api.Unused{}
	s.Shards = []api.Shard{shard}
	consistent(&s)
	return s
}

// consistent has reads go to replicas as far as these have what was written.
func consistent(s *api.Service) {
	share, p50, p99 := 0.962, 212.0, 940.0
	s.Consistency = "gateway"
	s.ReplicaReads = api.ReplicaReads{OnReplicas: 9_201_455, OnPrimaries: 402_988, Share: &share, Reasons: []api.ReadReason{
		{Reason: "not-reached", Text: "the replica was not seen to have the last write to the key", Reads: 388_120, Recent: 903},
		{Reason: "in-flight", Text: "a write to the key was in flight", Reads: 14_861, Recent: 41},
		{Reason: "no-replica", Text: "no replica may serve reads", Reads: 7}}}
	s.Hedges = api.Hedges{After: "p99", Sent: 61_203, Won: 40_118, Lost: 21_085, Denied: 912, NoReplica: 31, SentRecent: 64,
		Budget: 1170}
	s.Acks = api.Acks{Level: "1", Timeout: "1s", Confirmed: 1_200_345, Waits: 301_220, P50: &p50, P99: &p99}
}

func clusterService(name string, shards, servers int, now time.Time) api.Service {
	s := api.Service{Name: name, Kind: api.KindCluster, Reads: "prefer-replica", Hold: "10s", Epoch: 12, HadPrimary: true,
		Steady: true, DownAfter: 15000, Sentinels: []api.Sentinel{},
		Listeners: []api.Listener{{Addr: "127.0.0.1:6379", Reads: "prefer-replica", Hold: "10s"},
			{Addr: "127.0.0.1:6380", Emulates: "cluster", TLS: true, Reads: "primary", Hold: "10s"}}}
	for i := range shards {
		from, to := 16384*i/shards, 16384*(i+1)/shards-1
		shard := api.Shard{Name: fmt.Sprintf("%d-%d", from, to), Slots: to - from + 1,
			SlotRanges: fmt.Sprintf("%d-%d", from, to), Condition: api.Steady, Since: now.Add(-time.Hour),
			ConfigEpoch: uint64(i + 1), Unused: []api.Unused{}}
		for k := range servers {
			n := node(fmt.Sprintf("10.1.%d.%d:7000", k, i+1), shard.Name)
			if k == 0 {
				shard.Primary, n.Role, n.LagBytes = n.Addr, api.RolePrimary, nil
			} else {
				shard.Replicas = append(shard.Replicas, n.Addr)
			}
			s.Nodes = append(s.Nodes, n)
		}
		s.Shards = append(s.Shards, shard)
	}
	s.ReplicaReads.Reasons = []api.ReadReason{}
	s.Consistency, s.Hedges, s.Acks = "eventual", api.Hedges{After: "off"}, api.Acks{Level: "0", Timeout: "1s"}
	return s
}

func node(addr, shard string) api.Node {
	lag, p50, p99, late := int64(1840), 74.5, 288.1, 5.0
	return api.Node{P50: &p50, P99: &p99, Addr: addr, Announced: addr, Role: api.RoleReplica, Shard: shard, Version: "8.2.1", Reads: true,
		Reachable: true, Connections: 4, LagBytes: &lag, Lag: &late}
}

// pulse is a load that rises and falls, about 1 at most; the same for the same second.
func pulse(at int64, phase float64) float64 {
	t := float64(at)
	return 0.62 + 0.2*math.Sin(t/400+phase) + 0.06*math.Sin(t/17+2*phase) + 0.05*math.Sin(t*1.7+phase)
}

// point is the second of one service, the i-th.
func (s *scene) point(at int64, i int) api.Point {
	service := s.services[i]
	load := pulse(at, float64(i))
	us := func(n float64) *float64 { n = math.Round(n*10) / 10; return &n }
	p := api.Point{Service: service.Name, Requests: math.Round(load * 9000 / float64(1+i)),
		Clients: s.clients / len(s.services), P50: us(70 + 40*load), P99: us(260 + 300*load), P999: us(900 + 1500*load),
		RoundP99: us(12 + 20*load)}
	share := math.Round(1e4*(0.9+0.1*load)) / 1e4
	if p.Share = &share; service.Name == s.rare && at%10 != 0 {
		p.Share = nil
	}
	if service.Acks.Asked() {
		p.AckP50, p.AckP99 = us(180+60*load), us(700+400*load)
	}
	if i == 0 && at%97 == 0 {
		p.Errors = float64(at % 5)
	}
	for _, f := range s.failovers {
		began, held := f.Began.Unix(), f.Held != nil
		if f.Service == service.Name && held && at >= began && (f.Resumed == nil || at <= began+int64(*f.Resumed/1000)) {
			p.Requests, p.Buffered = 0, s.clients/len(s.services)
			p.P50, p.P99, p.P999, p.Share, p.AckP50, p.AckP99 = nil, nil, nil, nil, nil, nil
		}
	}
	return p
}

// sample is the second that ended.
func (s *scene) sample(at int64) api.Sample {
	out := api.Sample{At: at, Ready: true, Clients: s.clients, ClientMemory: int64(s.clients) * 20000}
	for i := range s.services {
		p := s.point(at, i)
		out.Services = append(out.Services, p)
		out.All.Requests += p.Requests
		out.All.Errors += p.Errors
		out.All.Buffered += p.Buffered
		out.All.Clients += p.Clients
	}
	first := out.Services[0]
	for _, p := range out.Services {
		out.All.AckP50, out.All.AckP99 = p.AckP50, p.AckP99
		if p.AckP50 != nil {
			break
		}
	}
	out.All.P50, out.All.P99, out.All.P999, out.All.RoundP99 = first.P50, first.P99, first.P999, first.RoundP99
	out.All.Share = first.Share
	return out
}

// series are the samples of the last hour.
func (s *scene) series(now time.Time) api.Series {
	out := api.Series{Now: now, From: now.Unix() - api.SeriesSeconds, Step: 1, Services: make([]api.Line, len(s.services))}
	value := func(n *float64) float64 {
		if n == nil {
			return math.NaN()
		}
		return *n
	}
	add := func(l *api.Line, p api.Point) {
		l.Service = p.Service
		l.Requests, l.Errors = append(l.Requests, p.Requests), append(l.Errors, p.Errors)
		l.Uncertain, l.Buffered = append(l.Uncertain, p.Uncertain), append(l.Buffered, float64(p.Buffered))
		l.Clients, l.P50 = append(l.Clients, float64(p.Clients)), append(l.P50, value(p.P50))
		l.P99, l.P999 = append(l.P99, value(p.P99)), append(l.P999, value(p.P999))
		l.RoundP99, l.Share = append(l.RoundP99, value(p.RoundP99)), append(l.Share, value(p.Share))
		l.AckP50, l.AckP99 = append(l.AckP50, value(p.AckP50)), append(l.AckP99, value(p.AckP99))
	}
	for at := out.From; at < now.Unix(); at++ {
		sample := s.sample(at)
		add(&out.All, sample.All)
		for i, p := range sample.Services {
			add(&out.Services[i], p)
		}
	}
	return out
}
