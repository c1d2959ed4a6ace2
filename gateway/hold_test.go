package gateway

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/gateway/config"
	"evergate/gateway/worker"
	"evergate/topology"
)

// behindOne is a valid config with one service behind one primary.
func behindOne() config.Gateway {
	c := config.Default()
	s := config.DefaultService()
	s.Primary = "10.0.0.1:6379"
	c.Services = []config.Service{s}
	return c
}

// waits is how long a worker has a GET wait that no server can take, in steps of a second, and what it then says.
func waits(t *testing.T, conf config.Gateway, listener int, downAfter time.Duration) (time.Duration, string) {
	t.Helper()
	view := &topology.View{Epoch: 1, DownAfter: downAfter,
		Shards: []topology.Shard{{Name: "main", Condition: topology.Orphan}}}
	r := (&roster{}).with(&conf)
	_, own := listenerIDs(&conf, r)
	w := worker.New(workerConfig(&conf, r, len(r.parts), own, &userBounds{}), worker.Env{
		View:         func(int) *topology.View { return view },
		Report:       func(int, topology.Report) {},
		ClientNumber: func() int64 { return 1 },
	})
	w.Tick(time.Second)
	id := w.ClientOpened(listener, "c:1", "l:1")
	w.ClientRead(id, []byte("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"))
	for waited := time.Duration(0); waited < time.Hour; waited += time.Second {
		w.Tick(time.Second + waited)
		w.Out()
		if reply := w.ClientBytes(id); len(reply) > 0 {
			return waited, string(reply)
		}
	}
	t.Fatal("it waits for ever")
	return 0, ""
}

func TestLongestHoldIsThatOfTheWorker(t *testing.T) {
	conf := behindOne()
	conf.Workers = 1
	for _, hold := range []config.Hold{{}, {Mode: config.HoldFor, Window: 3 * time.Second}, {Mode: config.HoldOff},
		{Mode: config.HoldDryRun}} {
		for _, downAfter := range []time.Duration{0, time.Second, 30 * time.Second, time.Minute, time.Hour} {
			conf.Services[0].Hold = hold
			waited, reply := waits(t, conf, 0, downAfter)
			if waited != hold.Longest(downAfter) || !strings.HasPrefix(reply, "-LOADING evergate: service 'default': ") {
				t.Errorf("hold %v, down-after %v: waits %v, not %v; %s", hold, downAfter, waited, hold.Longest(downAfter), reply)
			}
		}
	}
}

func TestListenersHaveTheirOwnHolds(t *testing.T) {
	conf := behindOne()
	conf.Workers = 1
	conf.Services = append(conf.Services, conf.Services[0])
	conf.Services[1].Name = "other"
	conf.Services[0].Listen = []string{"127.0.0.1:1", "127.0.0.1:2"}
	conf.Services[0].ListenHold = map[string]config.Hold{"127.0.0.1:2": {Mode: config.HoldOff}}
	conf.Services[1].Listen = []string{"127.0.0.1:3", "127.0.0.1:4"}
	conf.Services[1].Hold = config.Hold{Mode: config.HoldFor, Window: 7 * time.Second}
	conf.Services[1].ListenHold = map[string]config.Hold{"127.0.0.1:3": {Mode: config.HoldFor, Window: 2 * time.Second}}
	ids, own := listenerIDs(&conf, (&roster{}).with(&conf))
	if !slices.Equal(ids, []int{4, 5, 6, 7}) || len(own) != 4 || own[0].Service != 0 || own[2].Service != 2 {
		t.Fatal(ids, own)
	}
	for i, want := range []time.Duration{10 * time.Second, 0, 2 * time.Second, 7 * time.Second} {
		if waited, reply := waits(t, conf, ids[i], 0); waited != want {
			t.Errorf("listener %d: waits %v, not %v; %s", i, waited, want, reply)
		}
	}
}

func TestShareOfALimit(t *testing.T) {
	if share(10, 3) != 4 || share(int64(9), 3) != 3 || share(1, 8) != 1 {
		t.Error(share(10, 3), share(9, 3), share(1, 8))
	}
}

func TestListenersHoldDifferently(t *testing.T) {
	onBoth(t, func(t *testing.T, makeLoop maker) {
		n := startNode(t)
		socket := filepath.Join(t.TempDir(), "s")
		g, addr := start(t, makeLoop, n, func(c *config.Gateway) {
			s := &c.Services[0]
			s.Listen = append(s.Listen, "unix:"+socket)
			s.Hold = config.Hold{Mode: config.HoldOff}
			s.ListenHold = map[string]config.Hold{"unix:" + socket: {Mode: config.HoldFor, Window: 100 * time.Millisecond}}
		})
		atOnce, later := connect(t, addr), connect(t, socket)
		atOnce.want("+OK\r\n", "SET", "k", "v")
		later.want("+OK\r\n", "SET", "k", "v")
		if err := n.server.Close(); err != nil {
			t.Fatal(err)
		}
		for i, p := range []*peer{atOnce, later} {
			until(t, "nobody is there", func() bool {
				p.send("GET", "k")
				return strings.HasPrefix(p.reply(), "-LOADING ")
			})
			if expired := g.Snapshot().HoldExpired; expired != uint64(i) {
				t.Errorf("listener %d: %d requests have waited for their window", i, expired)
			}
		}
	})
}
