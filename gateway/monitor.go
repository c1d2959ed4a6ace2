package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"evergate/gateway/dial"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
)

// Only the servers know the commands within scripts. While a client monitors a service, the gateway monitors each of
// its primaries too, and passes on the lines about scripts.

const (
	// scriptLineMax is the longest line about a script that is passed on.
	scriptLineMax = 64 << 10
	// primariesEvery is how often the view is checked for primaries that are not monitored yet.
	primariesEvery = 100 * time.Millisecond
	// watchedWithin is the longest that MONITOR waits for the servers before its OK.
	watchedWithin = time.Second
)

// ofScript matches the start of a server's line about a command within a script or function.
var ofScript = regexp.MustCompile(`^\+[0-9.]+ \[\d+ lua\] `)

// monitors are the clients that monitor a service, and meanwhile the connections that monitor its scripts.
type monitors struct {
	mu    sync.Mutex
	count int
	stop  context.CancelFunc
	ready chan struct{} // closed when the primaries of the first view are monitored, or cannot be
}

// begin counts one more client, starts monitoring scripts for the first, and returns the channel that is closed when
// that is done.
func (m *monitors) begin(ctx context.Context, watch func(ctx context.Context, ready chan struct{})) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.count++; m.count == 1 {
		ctx, m.stop = context.WithCancel(ctx)
		m.ready = make(chan struct{})
		watch(ctx, m.ready)
	}
	return m.ready
}

func (m *monitors) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.count--; m.count == 0 {
		m.stop()
	}
}

// beginMonitor answers MONITOR when the servers' scripts are monitored too.
func (g *Gateway) beginMonitor(from int, parts []int, answer func([]byte)) {
	service := g.of(parts[0])
	g.watching[from].Add(1)
	g.aside(func(ctx context.Context) {
		ready := service.monitors.begin(ctx, func(ctx context.Context, ready chan struct{}) {
			g.aside(func(context.Context) { g.watchScripts(ctx, service, parts, ready) })
		})
		select {
		case <-ready:
		case <-time.After(watchedWithin):
		case <-ctx.Done():
		}
		answer(resp.OK)
	})
}

func (g *Gateway) endMonitor(from int, parts []int) {
	g.watching[from].Add(-1)
	g.aside(func(context.Context) { g.of(parts[0]).monitors.end() })
}

// shown has all workers, except that of the loop from, show their monitors what a client has done.
func (g *Gateway) shown(from int, services []int, line []byte) {
	for i, l := range g.loops {
		if i != from && g.watching[i].Load() > 0 {
			l.Post(func(w *worker.Worker) { w.Show(services, line) })
		}
	}
}

// watchScripts monitors all primaries of a service until ctx ends.
func (g *Gateway) watchScripts(ctx context.Context, service *service, parts []int, ready chan struct{}) {
	followed := map[string]context.CancelFunc{}
	var first, following sync.WaitGroup
	defer following.Wait()
	tick := time.NewTicker(primariesEvery)
	defer tick.Stop()
	for {
		present := primariesOf(service)
		for addr, stop := range followed {
			if !slices.Contains(present, addr) {
				stop()
				delete(followed, addr)
			}
		}
		for _, addr := range present {
			if followed[addr] == nil {
				wanted, stop := context.WithCancel(ctx)
				followed[addr] = stop
				first.Add(1)
				following.Go(func() { g.follow(wanted, service, parts, addr, sync.OnceFunc(first.Done)) })
			}
		}
		if ready != nil {
			done := ready
			following.Go(func() { first.Wait(); close(done) })
			ready = nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func primariesOf(service *service) (addrs []string) {
	if v := service.view(); v != nil {
		for i := range v.Shards {
			if p := v.Shards[i].Primary; p != nil {
				addrs = append(addrs, p.Addr)
			}
		}
	}
	return addrs
}

// follow monitors one server until ctx ends. begun is called when that has begun, or failed once.
func (g *Gateway) follow(ctx context.Context, service *service, parts []int, addr string, begun func()) {
	defer begun()
	for ctx.Err() == nil {
		err := g.followOnce(ctx, service, parts, addr, begun)
		begun()
		if errors.Is(err, errNotAllowed) {
			g.logger.Warn("commands of scripts not monitored", "server", addr, "error", err)
			return
		}
		select {
		case <-time.After(watchedWithin):
		case <-ctx.Done():
		}
	}
}

var errNotAllowed = errors.New("the server rejects MONITOR for the gateway's user")

func (g *Gateway) followOnce(ctx context.Context, service *service, parts []int, addr string, begun func()) error {
	conn, _, err := g.dialer.Dial(ctx, upstream.Dial{Service: parts[0], Addr: addr, Proto: 2})
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	in := bufio.NewReaderSize(conn, scriptLineMax)
	switch reply, err := dial.Ask(conn, in, "MONITOR"); {
	case err != nil:
		return err
	case !bytes.Equal(reply, resp.OK):
		return fmt.Errorf("%w: %s", errNotAllowed, bytes.TrimSpace(reply))
	}
	begun()
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
			if err != nil {
				return err
			}
		case err != nil:
			return err
		case ofScript.Match(line):
			g.shown(nobody, parts, bytes.Clone(line))
		}
	}
}

// nobody is the number of no loop.
const nobody = -1
