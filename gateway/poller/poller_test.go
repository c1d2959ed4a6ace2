package poller

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"evergate/gateway/freshness"
	"evergate/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errRefused = errors.New("NOPERM this user has no permissions to run the 'info' command")

// fakes are two shards, p0 with r0 and r1, and p1 with r2. Each answers after its delay; its connections are counted.
type fakes struct {
	mu      sync.Mutex // guards all
	delay   map[string]time.Duration
	refuses map[string]bool
	offset  int64
	asked   map[string]int
	open    int
}

type fakeConnection struct {
	fakes *fakes
	addr  string
	open  bool
}

func (c *fakeConnection) Ask(ctx context.Context) (topology.RoleSeen, error) {
	f := c.fakes
	f.mu.Lock()
	if !c.open {
		c.open = true
		f.open++
	}
	f.asked[c.addr]++
	delay := f.delay[c.addr]
	f.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return topology.RoleSeen{}, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuses[c.addr] {
		return topology.RoleSeen{}, errRefused
	}
	seen := topology.RoleSeen{Role: topology.RolePrimary, RunID: "run " + c.addr, ReplID: "history", Offset: f.offset}
	if c.addr[0] == 'r' {
		seen.Role = topology.RoleReplica
	}
	return seen, nil
}

func (c *fakeConnection) Close() {
	c.fakes.mu.Lock()
	defer c.fakes.mu.Unlock()
	if c.open {
		c.open = false
		c.fakes.open--
	}
}

// counts returns how often a server was asked, and how many connections are open.
func (f *fakes) counts(addr string) (asked, open int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[addr], f.open
}

// polled is a running Poller over fakes.
type polled struct {
	*fakes
	service *freshness.Service
	view    *topology.View
	opened  map[string]freshness.Opened
	log     bytes.Buffer
	end     func()
}

// run starts one, within a bubble of synctest: what the fakes share is used one after the other there.
func run(t *testing.T) *polled {
	p := &polled{fakes: &fakes{delay: map[string]time.Duration{}, refuses: map[string]bool{}, asked: map[string]int{}},
		opened: map[string]freshness.Opened{}}
	nudged, nudge := Waker()
	p.service = freshness.New(1, time.Now(), nudge)
	names := []string{"p0", "r0", "r1", "p1", "r2"}
	v := &topology.View{Epoch: 1}
	for i, name := range names {
		p.delay[name] = time.Millisecond
		v.Nodes = append(v.Nodes, &topology.Node{ID: topology.NodeID(i), Addr: name, RunID: "run " + name})
	}
	v.Shards = []topology.Shard{{Primary: v.Nodes[0], Replicas: v.Nodes[1:3]},
		{Index: 1, Primary: v.Nodes[3], Replicas: v.Nodes[4:]}}
	p.view = v
	p.service.Publish(v)
	poller := New(Options{Service: p.service, Wake: nudged,
		Open:    func(addr string) Connection { return &fakeConnection{fakes: p.fakes, addr: addr} },
		Refused: func(err error) bool { return errors.Is(err, errRefused) },
		Logger:  hclog.New(&hclog.LoggerOptions{Output: &p.log})})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		poller.Run(ctx)
	}()
	p.end = func() {
		cancel()
		<-done
		if _, open := p.counts(""); open != 0 {
			t.Errorf("%d connections are open", open)
		}
	}
	return p
}

func (p *polled) may(t *testing.T, name string) freshness.Reason {
	t.Helper()
	for _, n := range p.view.Nodes {
		if n.Addr != name {
			continue
		}
		if p.opened[name] == (freshness.Opened{}) {
			p.opened[name] = p.service.Open(n.RunID)
		}
		read := &freshness.Read{Epoch: 1, Slot: -1, Cells: []freshness.Cell{p.service.Cell([]byte("key"))}}
		return p.service.May(read, n.ID, p.opened[name])
	}
	t.Fatalf("there is no server %s", name)
	return freshness.Reasons
}

// after waits, and expects what May then says of replicas.
func (p *polled) after(t *testing.T, d time.Duration, want map[string]freshness.Reason) {
	t.Helper()
	<-time.After(d) // of the bubble: it takes no time
	synctest.Wait()
	for name, reason := range want {
		if got := p.may(t, name); got != reason {
			t.Errorf("%s: %s, want %s", name, got, reason)
		}
	}
}

type reasons = map[string]freshness.Reason

func TestSlowServersDelayNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := run(t)
		p.delay["r1"], p.delay["p1"] = 300*time.Millisecond, 500*time.Millisecond
		p.after(t, 0, reasons{"r0": freshness.Unproven, "r1": freshness.Unproven, "r2": freshness.Unproven})
		p.after(t, 3*time.Millisecond, reasons{"r0": freshness.Fresh, "r1": freshness.Unproven})
		for range 5 {
			cell := p.service.Cell([]byte("key"))
			p.service.Begin(cell)
			p.service.End(cell)
			p.after(t, 0, reasons{"r0": freshness.NotReached})
			p.after(t, freshness.PollGap+3*time.Millisecond, reasons{"r0": freshness.Fresh})
		}
		p.after(t, 300*time.Millisecond, reasons{"r2": freshness.Unproven})
		p.after(t, 201*time.Millisecond, reasons{"r2": freshness.NotReached})
		p.after(t, time.Second, reasons{"r0": freshness.Fresh, "r1": freshness.Fresh, "r2": freshness.Fresh})
		p.end()
	})
}

func TestIdleServersAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := run(t)
		p.may(t, "r0")
		p.after(t, time.Second, reasons{"r0": freshness.Fresh})
		if asked, open := p.counts("p1"); open != 3 || asked != 0 {
			t.Errorf("%d connections are open, p1 was asked %d times", open, asked)
		}
		before, _ := p.counts("p0")
		p.after(t, time.Minute, reasons{"r0": freshness.Fresh})
		if asked, open := p.counts("p0"); asked != before || open != 0 {
			t.Errorf("%d questions in an idle minute, and %d connections after it", asked-before, open)
		}
		p.end()
	})
}

func TestRefusalIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := run(t)
		p.refuses["r0"] = true
		for range 5 {
			p.may(t, "r0")
			p.after(t, freshness.RefusedGap, reasons{"r0": freshness.Unproven})
		}
		if n := strings.Count(p.log.String(), "server rejected INFO"); n != 1 {
			t.Errorf("it was logged %d times:\n%s", n, p.log.String())
		}
		if asked, _ := p.counts("r0"); asked < 3 || asked > 6 {
			t.Errorf("it was asked %d times", asked)
		}
		p.end()
	})
}

func TestRunEndsWhileServersAreSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := run(t)
		p.delay["p0"] = time.Hour
		p.may(t, "r0")
		<-time.After(time.Second)
		p.end()
	})
}
