package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"evergate/testenv/servers"
)

var (
	stallClients = flag.Int("stall-clients", 100, "idle clients of TestScrapeUnderLoad and TestNoticesUnderLoad")
	stallLoad    = flag.Int("stall-load", 20, "clients that send requests meanwhile")
	stallPause   = flag.Duration("stall-pause", 2*time.Millisecond, "pause of each of them between two requests")
	scrapes      = flag.Int("scrapes", 5, "scrapes of TestScrapeUnderLoad")
	scrapeEvery  = flag.Duration("scrape-every", 20*time.Millisecond, "time from one scrape to the next")
	stallHolds   = flag.Int("holds", 1, "holds of TestNoticesUnderLoad")
)

// watched are clients that send requests, one after the other, and measure how long each takes.
type watched struct {
	phase atomic.Int32 // odd while something is under way that may delay requests
	// calm are the requests outside of that, touched those within.
	calm, touched waits
	done          atomic.Int64
	stop          chan struct{}
	ends          func() // ends the clients, once
	clients       sync.WaitGroup
}

// waits counts requests, and those that took longer than 10 ms: on a busy machine some always do. longest is in
// nanoseconds.
type waits struct{ all, slow, longest atomic.Int64 }

func (w *waits) note(took time.Duration) {
	w.all.Add(1)
	if took > 10*time.Millisecond {
		w.slow.Add(1)
	}
	for before := w.longest.Load(); int64(took) > before && !w.longest.CompareAndSwap(before, int64(took)); {
		before = w.longest.Load()
	}
}

func (w *waits) String() string {
	longest := time.Duration(w.longest.Load()).Round(time.Microsecond)
	return fmt.Sprintf("%v at most, %d of %d over 10ms", longest, w.slow.Load(), w.all.Load())
}

// startLoad starts clients with their own keys, which pause between two requests.
func startLoad(t *testing.T, addr string, n int, pause time.Duration) *watched {
	l := &watched{stop: make(chan struct{})}
	l.ends = sync.OnceFunc(func() {
		close(l.stop)
		l.clients.Wait()
	})
	for i := range n {
		c := servers.MustDial(t, addr)
		l.clients.Go(func() {
			first := pause * time.Duration(i) / time.Duration(n) // so that not all send at once
			if err := l.client(c, fmt.Sprint("k", i), fmt.Sprint("v", i), first, pause); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		})
	}
	t.Cleanup(l.ends)
	return l
}

func (l *watched) client(c *servers.Conn, key, value string, first, pause time.Duration) error {
	wait := first
	for n := 0; ; n++ {
		select {
		case <-l.stop:
			return nil
		case <-time.After(wait):
		}
		wait = pause
		args, want := []string{"GET", key}, fmt.Sprintf("$%d\r\n%s\r\n", len(value), value)
		if n%4 == 0 {
			args, want = []string{"SET", key, value}, "+OK\r\n"
		}
		phase, began := l.phase.Load(), time.Now()
		reply, err := c.Do(args...)
		if last, took := l.phase.Load(), time.Since(began); phase%2 == 1 || last != phase {
			l.touched.note(took)
		} else {
			l.calm.note(took)
		}
		if err != nil || string(reply) != want {
			return fmt.Errorf("%s: %q, %w", args[0], reply, err)
		}
		l.done.Add(1)
	}
}

// during marks the requests while f runs as those that it may delay.
func (l *watched) during(f func()) {
	l.phase.Add(1)
	f()
	l.phase.Add(1)
}

// goOn waits until so many more requests are done.
func (l *watched) goOn(t *testing.T, n int) {
	t.Helper()
	goal := l.done.Load() + int64(n)
	servers.Until(t, servers.Patience, "requests", func() error {
		if l.done.Load() < goal {
			return errors.New("too few")
		}
		return nil
	})
}

// end ends the clients, and returns how long requests took.
func (l *watched) end() string {
	l.ends()
	return fmt.Sprintf("requests meanwhile %v; otherwise %v", &l.touched, &l.calm)
}

// manyServices is a gateway with several services and the HTTP server.
type manyServices struct {
	*servers.Gateway
	admin   string
	sockets []string // the listeners of the services
	http    http.Client
}

// startServices starts a gateway with a service for each of these primaries.
func startServices(t *testing.T, primaries ...string) *manyServices {
	t.Helper()
	dir := t.TempDir()
	port, err := servers.ReservePort(servers.IPv4Loopback)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(port.Release)
	m := &manyServices{admin: filepath.Join(dir, "admin")}
	text := "workers: 2\nadmin: unix:" + m.admin + "\nservices:\n"
	for i, primary := range primaries {
		socket := "unix:" + filepath.Join(dir, fmt.Sprint("s", i))
		m.sockets = append(m.sockets, socket)
		listen := strconv.Quote(socket)
		if i == 0 {
			listen += ", " + port.Addr()
		}
		text += fmt.Sprintf("- {name: s%d, primary: %q, listen: [%s], hold: 60s}\n", i, primary, listen)
	}
	file := filepath.Join(dir, "evergate.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m.Gateway = servers.StartGatewayWith(t, servers.GatewayOptions{Args: []string{"--config", file}, Addr: port.Addr()})
	m.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", m.admin)
	}}
	t.Cleanup(m.http.CloseIdleConnections)
	return m
}

// scrape returns the metrics.
func (m *manyServices) scrape(t *testing.T) string {
	t.Helper()
	answer, err := m.http.Get("http://gateway/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("a scrape: %v, %v", answer.Status, err)
	}
	return string(text)
}

// rounds are how many rounds of event loops took longer than 2 ms, and longer than 8.2 ms.
type rounds struct{ over2, over8 int }

// longRounds returns them from the metrics.
func longRounds(t *testing.T, metrics string) rounds {
	t.Helper()
	number := func(of string) int {
		found := regexp.MustCompile(`(?m)^evergate_loop_round_duration_seconds` + of + ` (\S+)$`).FindStringSubmatch(metrics)
		if found == nil {
			t.Fatalf("no %s in the metrics", of)
		}
		n, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return int(n)
	}
	all := number("_count")
	return rounds{all - number(`_bucket\{le="0.002048"\}`), all - number(`_bucket\{le="0.008192"\}`)}
}

func (r rounds) since(before rounds) string {
	return fmt.Sprintf("%d rounds of loops over 2 ms, %d over 8 ms", r.over2-before.over2, r.over8-before.over8)
}

// TestScrapeUnderLoad scrapes a gateway with many clients and services while some of them send requests: each scrape
// counts all, and requests wait little. For figures: -stall-clients 5000 -scrapes 60 -scrape-every 1s.
func TestScrapeUnderLoad(t *testing.T) {
	const services = 10
	behind := servers.StartPlain(t, servers.Options{})
	gate := startServices(t, slices.Repeat([]string{behind.Primary().Addr}, services)...)
	for i := range *stallClients {
		expect(t, servers.MustDial(t, gate.sockets[i%services]), "+PONG\r\n", "PING")
	}
	l := startLoad(t, gate.Addr, *stallLoad, *stallPause)
	l.goOn(t, *stallLoad)
	var times []time.Duration
	before := longRounds(t, gate.scrape(t))
	next, text := time.NewTicker(*scrapeEvery), ""
	defer next.Stop()
	for range *scrapes {
		<-next.C
		l.during(func() {
			began := time.Now()
			text = gate.scrape(t)
			times = append(times, time.Since(began).Round(time.Microsecond))
		})
		l.goOn(t, *stallLoad)
	}
	after := longRounds(t, gate.scrape(t))
	took := l.end()
	clients := 0
	for i := range services {
		of := regexp.MustCompile(fmt.Sprintf(`(?m)^evergate_service_clients\{.*"s%d".*\} (\d+)$`, i))
		found := of.FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("service s%d is not in the metrics:\n%s", i, text)
		}
		n, _ := strconv.Atoi(found[1])
		clients += n
	}
	if want := *stallClients + *stallLoad; clients != want {
		t.Errorf("the metrics count %d clients, there are %d", clients, want)
	}
	slices.Sort(times)
	t.Logf("%d clients, %d services, %d bytes, %d scrapes: median %v, longest %v; %s; %s", clients, services, len(text),
		*scrapes, times[len(times)/2], times[len(times)-1], took, after.since(before))
}

// TestNoticesUnderLoad begins and ends holds of a service whose clients have asked for notifications, while clients of
// another one send requests: all are notified, and the others wait little. For figures: -stall-clients 5000 -holds 10.
func TestNoticesUnderLoad(t *testing.T) {
	held, other := servers.StartPlain(t, servers.Options{}), servers.StartPlain(t, servers.Options{})
	gate := startServices(t, other.Primary().Addr, held.Primary().Addr)
	asked := make([]*servers.Conn, *stallClients)
	for i := range asked {
		asked[i] = asksNotices(t, gate.sockets[1])
	}
	primary, waits := held.Primary(), servers.MustDial(t, gate.sockets[1])
	l := startLoad(t, gate.Addr, *stallLoad, *stallPause)
	l.goOn(t, *stallLoad)
	before := longRounds(t, gate.scrape(t))
	all := func(kind string) {
		for i, c := range asked {
			if got := nextFrame(t, c); !strings.Contains(got, kind) {
				t.Fatalf("client %d gets %q, not %s", i, got, kind)
			}
		}
	}
	for range *stallHolds {
		l.during(func() {
			if err := primary.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := waits.Send("SET", "k", "v"); err != nil {
				t.Fatal(err)
			}
			all("FAILING_OVER")
			if err := primary.Restart(); err != nil {
				t.Fatal(err)
			}
			all("FAILED_OVER")
		})
		if reply, err := waits.Frame(); err != nil || string(reply) != "+OK\r\n" {
			t.Fatalf("the request that waited: %q, %v", reply, err)
		}
		l.goOn(t, *stallLoad)
	}
	after := longRounds(t, gate.scrape(t))
	took := l.end()
	t.Logf("%d clients notified, %d holds: %s; %s", *stallClients, *stallHolds, took, after.since(before))
}
