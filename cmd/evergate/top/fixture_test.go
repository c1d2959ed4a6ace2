package top

import (
	"errors"
	"fmt"
	"math"
	"time"

	"evergate/gateway/api"
)

// What two gateways report: a service behind Sentinels in the middle of a failover and a cluster of two shards at the
// first, and nothing at the second.

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

func fixtureOverview() *api.Overview {
	return &api.Overview{Now: noon, Version: "v0.9.0", Revision: "0123abc", Started: noon.Add(-26 * time.Hour),
		PID: 4711, Host: "gw-1", Ready: true, Workers: 4, Clients: 1240, ClientsMax: 10000,
		Services: []string{"main", "cache"}}
}

func fixtureNode(addr, role, shard string, requests uint64) api.Node {
	return api.Node{Addr: addr, Announced: addr, Role: role, Shard: shard, Version: "7.0.15",
		Reachable: addr != "10.0.0.1:6379", Reads: role != api.RoleDemoted, Connections: 4, InFlight: 12, Requests: requests,
		P50: ptr(81.), P99: ptr(412.5)}
}

// fixtureServices are as they were after so many seconds of the fixture.
func fixtureServices(after int) *api.Services {
	requests := uint64(1000000 + 5000*after)
	primary, replica := fixtureNode("10.0.0.1:6379", api.RoleDemoted, "mymaster", requests),
		fixtureNode("10.0.0.2:6379", api.RoleReplica, "mymaster", requests/2)
	primary.Why = "connection refused"
	replica.LagBytes, replica.Lag, replica.Zone, primary.Zone = ptr[int64](1536), ptr(5.2), "b", "a"
	lagging := fixtureNode("10.0.0.3:6379", api.RoleReplica, "mymaster", 0)
	lagging.Reads, lagging.InFlight, lagging.LagBytes = false, 0, ptr[int64](73_400_320)
	busy := fixtureNode("10.1.0.2:7000", api.RolePrimary, "8192-16383", requests/4)
	busy.Busy = "BUSY Redis is busy running a script"
	since := noon.Add(-time.Hour)
	return &api.Services{Now: noon.Add(time.Duration(after-2) * time.Second), Services: []api.Service{
		{Name: "main", Kind: api.KindSentinel, Reads: "prefer-replica", Hold: "15s", Epoch: 12, HadPrimary: true,
			Shards: []api.Shard{{Name: "mymaster", Condition: api.Switching, Since: noon.Add(-1400 * time.Millisecond),
				Demoted: "10.0.0.1:6379", Replicas: []string{"10.0.0.2:6379"},
				Unused: []api.Unused{{Addr: "10.0.0.3:6379", Why: "synchronises with its primary"}}}},
			Nodes: []api.Node{primary, replica, lagging},
			Sentinels: []api.Sentinel{{Addr: "10.0.0.1:26379", Why: "connection refused", Since: &since},
				{Addr: "10.0.0.2:26379", Reachable: true, Since: &since}},
			Counters: api.Counters{Clients: 1180, Requests: 48_123_456, Errors: 31, Uncertain: 8, Retried: 112,
				BufferedNow: 214, Failovers: 3, Switched: 2, P50: ptr(212.5), P99: ptr(1430.), P999: ptr(15600.)},
			ReplicaReads: api.ReplicaReads{OnReplicas: 9_000_000, OnPrimaries: 400_000, Share: ptr(0.961),
				Reasons: []api.ReadReason{{Reason: "not-reached", Reads: 380_000, Recent: 700},
					{Reason: "in-flight", Reads: 15_000, Recent: 100}, {Reason: "pipelined", Reads: 5000}}},
			Hedges: api.Hedges{After: "p99", Sent: 6100, Won: 4000, Lost: 2100, SentRecent: 64, Budget: 1170, DeniedRecent: 3},
			Acks:   api.Acks{Level: "1", Timeout: "1s", Confirmed: 70_000, Unconfirmed: 2, P50: ptr(310.), P99: ptr(942.)}},
		{Name: "cache", Kind: api.KindCluster, Reads: "primary", Hold: "12s", Epoch: 3, HadPrimary: true, Steady: true,
			Shards: []api.Shard{{Name: "0-8191", Slots: 8192, Condition: api.Steady, Primary: "10.1.0.1:7000"},
				{Name: "8192-16383", Slots: 8192, Condition: api.Steady, Primary: "10.1.0.2:7000"}},
			Nodes:    []api.Node{fixtureNode("10.1.0.1:7000", api.RolePrimary, "0-8191", requests/4), busy},
			Counters: api.Counters{Clients: 60, Requests: 1234, P50: ptr(95.), P99: ptr(302.), P999: ptr(999.)}},
	}}
}

func fixtureFailovers() *api.Failovers {
	at := noon.Add(-5 * time.Hour)
	return &api.Failovers{Now: noon, Failovers: []api.Failover{
		{ID: "main/2", Service: "main", Number: 2, Shard: "mymaster", Began: at, Why: "s1: sdown", From: "10.0.0.2:6379",
			To: "10.0.0.1:6379", Outcome: api.OutcomeSwitched, Held: ptr(0.), Promoted: ptr(1371.), Resumed: ptr(1375.),
			Confirmed: ptr(1820.), Steps: []api.Step{
				{After: 0, Kind: api.StepSuspected, Event: "primary suspected", From: "10.0.0.2:6379", Why: "s1: sdown"},
				{After: 0, Kind: api.StepHeld, Event: "failover started", From: "10.0.0.2:6379", Why: "s1: odown"},
				{After: 1371, Kind: api.StepPromoted, Event: "primary promoted", To: "10.0.0.1:6379"},
				{After: 1375, Kind: api.StepResumed, Event: "requests resumed", To: "10.0.0.1:6379"},
				{After: 1375, Kind: api.StepReceipt, Event: "failover receipt", From: "10.0.0.2:6379", To: "10.0.0.1:6379"},
				{After: 1376, Kind: api.StepOther, Event: "replicas changed", From: "[]", To: "[10.0.0.3:6379]"},
				{After: 1420, Kind: api.StepOther, Event: "sentinel reachable", Subject: "10.0.0.1:26379"},
				{After: 1820, Kind: api.StepConfirmed, Event: "primary confirmed", To: "10.0.0.1:6379"},
			},
			Receipt: &api.Receipt{Acknowledged: 4826, LostAtMost: ptr[uint64](16), Proven: true,
				Text: "at most 16 of 4826 acknowledged writes were lost"},
			Effect: &api.Effect{Complete: true, Buffered: 640, Resumed: 640, Uncertain: 8, Retried: 27, Errors: 8,
				LongestWait: ptr(1376.4)}},
	}}
}

// fixtureFailover is the one that is under way.
func fixtureFailover() *api.Failover {
	return &api.Failover{ID: "main/3", Service: "main", Number: 3, Shard: "mymaster",
		Began: noon.Add(-1430 * time.Millisecond), Why: "s2: try-failover", From: "10.0.0.1:6379",
		Outcome: api.OutcomeRunning, Held: ptr(12.), Steps: []api.Step{
			{After: 0, Kind: api.StepSuspected, Event: "primary suspected", From: "10.0.0.1:6379", Why: "s2: sdown"},
			{After: 12, Kind: api.StepHeld, Event: "failover started", From: "10.0.0.1:6379", Why: "s2: try-failover"},
			{After: 1230, Kind: api.StepCandidate, Event: "candidate selected", To: "10.0.0.2:6379"},
		}}
}

func fixtureSeries() *api.Series {
	line := func(name string, base float64) api.Line {
		l := api.Line{Service: name}
		for i := range seconds120 {
			l.Requests = append(l.Requests, base*(1+0.5*math.Sin(float64(i)/9)))
			l.Errors = append(l.Errors, 0)
			l.Clients = append(l.Clients, 10)
			l.Buffered = append(l.Buffered, 0)
			l.Share = append(l.Share, 0.96-0.5*float64(i%7/6))
		}
		l.Requests[seconds120-2] = math.NaN()
		return l
	}
	return &api.Series{Now: noon, From: noon.Unix() - seconds120, Step: 1, All: line("", 12000),
		Services: []api.Line{line("main", 11000), line("cache", 1000)}}
}

const seconds120 = 120

func fixtureSample() *api.Sample {
	return &api.Sample{At: noon.Unix() - 1, Ready: true, Clients: 1240,
		All: api.Point{Requests: 12345, Errors: 2.5, Buffered: 214, Clients: 1240, P50: ptr(190.), P99: ptr(1400.)},
		Services: []api.Point{
			{Service: "main", Requests: 11321, Errors: 2.5, Buffered: 214, Clients: 1180, P50: ptr(205.), P99: ptr(1512.),
				Share: ptr(0.97), P999: ptr(12_345_678.)},
			{Service: "cache", Requests: 1024, Clients: 60, P50: ptr(93.4), P99: ptr(298.)},
		}}
}

func fixtureSlowlog() *api.Slowlog {
	return &api.Slowlog{Now: noon, Threshold: ptr(10000.), Total: 381, KeysShown: true, Commands: []api.SlowCommand{
		{ID: 381, At: noon.Add(-3 * time.Second), Service: "main", Command: "zrangebyscore", Keys: []string{"board:daily"},
			Arguments: 6, RequestBytes: 88, ReplyBytes: 1_400_000, Client: "10.2.0.7:51344", Name: "board-worker",
			User: "default", Node: "10.0.0.1:6379", Duration: 48_210, Gateway: 310, Server: 40_900, Acks: 7000},
		{ID: 380, At: noon.Add(-9 * time.Second), Service: "main", Command: "mget", Keys: []string{"a", "b"}, KeysMore: 98,
			Arguments: 101, RequestBytes: 2048, ReplyBytes: 120, Client: "10.2.0.9:40112", User: "default",
			Duration: 1_390_400, Gateway: 400, Server: 1000, Hold: 1_389_000},
	}}
}

func fixtureHotKeys() *api.HotKeys {
	return &api.HotKeys{Now: noon, On: true, KeysShown: true, Window: 60, SampleOneIn: 64,
		Hot: []api.HotKey{{Key: "session:1", Service: "main", Share: 0.183, PerSecond: 2071},
			{Key: "config", Service: "main", Share: 0.021, PerSecond: 240}},
		Big: []api.BigKey{{Key: "board:daily", Service: "main", Command: "zrangebyscore", Bytes: 1_400_000, At: noon}}}
}

// fixtureClients has a client whose name would clear the screen and set the window's title.
func fixtureClients() *api.Clients {
	return &api.Clients{Now: noon, Total: 1240, Shown: 3, Clients: []api.Client{
		{ID: 7, Service: "main", Addr: "10.2.0.7:51344", Name: "board-worker", User: "default", Library: "redis-py",
			LibraryVersion: "8.0.1", Proto: 3, Age: 93_000, Idle: 0.2, Command: "zadd", Memory: 21_000, Waits: "no-primary",
			Waited: ptr(1302.)},
		{ID: 8, Service: "main", Addr: "10.2.0.8:40000", Name: "\x1b[2J\x1b]0;owned\x07\u202eabc", User: "default", Proto: 2,
			Age: 61, Idle: 60, Command: "blpop", Memory: 512, Waits: "blocking-command"},
		{ID: 9, Service: "cache", Addr: "10.2.0.9:40001", Name: "日本語の名前", User: "app", Proto: 2, DB: 3, Age: 5, Idle: 1,
			Command: "get", Memory: 4096},
	}}
}

var errRefused = errors.New("connection refused")

// fixture is a screen of a size after all news, at noon.
func fixture(width, height int) *Screen {
	s := New([]string{"10.0.0.10:9121", "unix:/run/evergate/admin.sock"})
	s.Resize(width, height)
	fill(s)
	return s
}

// alone is a screen of one gateway.
func alone(width, height int) *Screen {
	s := New([]string{"10.0.0.10:9121"})
	s.Resize(width, height)
	fill(s)
	return s
}

func fill(s *Screen) {
	s.Take(0, News{At: noon.Add(-2 * time.Second), Overview: fixtureOverview(), Services: fixtureServices(0),
		Failovers: fixtureFailovers(), Series: fixtureSeries()})
	s.Take(0, News{At: noon, Overview: fixtureOverview(), Services: fixtureServices(2), Slowlog: fixtureSlowlog(),
		HotKeys: fixtureHotKeys(), Clients: fixtureClients()})
	s.Take(0, News{At: noon, Sample: fixtureSample()})
	s.Take(0, News{At: noon, Failover: fixtureFailover()})
	if len(s.gateways) > 1 {
		s.Take(1, News{At: noon.Add(-83 * time.Second), Lost: errRefused})
	}
}

// large fills a screen with so many services, each with as many nodes.
func large(services, nodes int) *Screen {
	s := New([]string{"10.0.0.10:9121"})
	all := &api.Services{Now: noon}
	for i := range services {
		service := api.Service{Name: fmt.Sprintf("service-%d", i), Kind: api.KindCluster, Epoch: 1, Steady: true,
			Shards: []api.Shard{{Name: "0-16383", Condition: api.Steady}}}
		for j := range nodes {
			addr := fmt.Sprintf("10.%d.0.%d:6379", i, j)
			service.Nodes = append(service.Nodes, fixtureNode(addr, api.RolePrimary, "0-16383", 1))
		}
		all.Services = append(all.Services, service)
	}
	clients := &api.Clients{Now: noon, Total: 5000, Shown: 500}
	for i := range clients.Shown {
		clients.Clients = append(clients.Clients,
			api.Client{ID: int64(i), Addr: fmt.Sprintf("10.0.0.1:%d", 10000+i), Service: "service-0"})
	}
	s.Take(0, News{At: noon, Overview: fixtureOverview(), Services: all, Clients: clients})
	return s
}
