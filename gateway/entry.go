package gateway

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/accept"
	"evergate/gateway/descriptors"
	"evergate/gateway/limits"
	"evergate/gateway/loop"
	"evergate/gateway/worker"
)

// entry takes connections, and hands those that may be clients to the loops.
type entry struct {
	logger hclog.Logger
	loops  []loop.Loop
	// running are all goroutines of the gateway.
	running sync.WaitGroup
	// descriptors limits the clients, addresses those of one address; refusals logs those that did not fit, repeats what
	// clients do wrong.
	descriptors *descriptors.Descriptors
	addresses   *limits.Addresses
	refusals    *descriptors.Refusals
	repeats     *accept.Repeats
	handshakes  *accept.Handshakes
	turnedAway  atomic.Uint64 // clients that were closed for where they come from
	sockets     []inherited   // for Start; see Inherit
}

// earlyMax is how long the first clients wait, in the backlog of their listener, until the topology is known. Those
// that waited in a socket of the service manager, or come during a rolling restart, get no error then.
const earlyMax = time.Second

// await waits until the topology is known, but not longer than earlyMax.
func await(ctx context.Context, known <-chan struct{}) {
	late := time.NewTimer(earlyMax)
	defer late.Stop()
	select {
	case <-known:
	case <-late.C:
	case <-ctx.Done():
	}
}

// wake has every loop begin a round, in which its worker looks for what is new.
func (e *entry) wake() {
	for _, l := range e.loops {
		l.Post(func(*worker.Worker) {})
	}
}

// acceptAt takes connections at a listener until ctx or the listener ends, from when the topology of its service is
// known.
func (e *entry) acceptAt(ctx context.Context, ln listener) {
	ln.life.entering.Add(1)
	e.running.Go(func() {
		stop := context.AfterFunc(ctx, ln.life.end)
		await(ln.life.ctx, ln.service.Keeper.Known())
		e.accept(ln.life.ctx, ln)
		ln.life.entering.Done()
		ln.life.entering.Wait()
		stop()
		ln.life.end()
	})
}

// accept takes connections until its context ends: that stops handshakes, too.
func (e *entry) accept(ctx context.Context, ln listener) {
	failures, loggedAt := 0, time.Time{}
	for {
		conn, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			if conn != nil {
				_ = conn.Close()
			}
			return
		}
		if err != nil {
			e.descriptors.Note(err)
			if failures++; time.Since(loggedAt) >= descriptors.Pause {
				e.logger.Warn("accept failed", "address", ln.Addr().String(), "error", err, "failures", failures)
				failures, loggedAt = 0, time.Now()
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(acceptPause):
			}
			continue
		}
		t := ln.terms.Load()
		proxied := t.proxies.Contains(conn.RemoteAddr())
		switch {
		case !e.fits(conn):
			e.refuse(conn, t)
		case !proxied && !e.admits(conn, ln, t): // behind a proxy the client is not known yet
		case !proxied && t.tls == nil:
			e.serve(ln, t, conn)
		default:
			e.handshakes.Begin()
			ln.life.entering.Add(1)
			e.running.Go(func() {
				defer ln.life.entering.Done()
				e.enter(ctx, conn, ln, t)
			})
		}
	}
}

// fits reports whether there is room for one more client.
func (e *entry) fits(conn net.Conn) bool {
	_, clients := e.idlest()
	return !e.descriptors.Spent() && clients+e.handshakes.UnderWay() < e.descriptors.ClientsMax() &&
		e.descriptors.ForClient(conn)
}

// serve hands a connection to the loop with the fewest clients.
func (e *entry) serve(ln listener, t *terms, conn net.Conn) {
	l, _ := e.idlest()
	if err := l.Accept(conn, ln.id); err != nil {
		e.descriptors.Note(err)
		e.leaves(conn)
		e.refuse(conn, t)
	}
}

// refuse closes a connection that finds no room.
func (e *entry) refuse(conn net.Conn, t *terms) {
	e.refusals.Note()
	turnAway(conn, t)
}

// turnAway closes a connection of one client too many. A client of TLS gets no text: there is no time for a handshake.
func turnAway(conn net.Conn, t *terms) {
	if t.tls == nil {
		_ = conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
		_, _ = conn.Write(tooManyClients)
	}
	_ = conn.Close()
}

// idlest returns the loop with the fewest clients, and how many there are in all.
func (e *entry) idlest() (best loop.Loop, all int) {
	fewest := 0
	for _, l := range e.loops {
		n := l.Clients()
		all += n
		if best == nil || n < fewest {
			best, fewest = l, n
		}
	}
	return best, all
}

// admits reports whether a client may stay; if not it is closed.
func (e *entry) admits(conn net.Conn, ln listener, t *terms) bool {
	if t.allowed != nil && !t.allowed.Contains(conn.RemoteAddr()) {
		e.logTurnedAway(ln, conn, "network", errors.New("its network is not allowed"))
		_ = conn.Close()
		return false
	}
	if !e.enters(conn) {
		turnAway(conn, t)
		return false
	}
	return true
}

// logTurnedAway counts a client that was closed for where it comes from. All errors of a kind share the bound on lines,
// since they may quote what was sent.
func (e *entry) logTurnedAway(ln listener, conn net.Conn, kind string, err error) {
	e.turnedAway.Add(1)
	at := ln.Addr().String()
	if more, due := e.repeats.Due(at + " " + kind); due {
		e.logger.Warn("client turned away", "listener", at, "client", conn.RemoteAddr().String(), "error", err.Error(),
			"repeated", more)
	}
}

// enter waits for what a connection must send before it is a client, on a goroutine of its own.
func (e *entry) enter(ctx context.Context, conn net.Conn, ln listener, t *terms) {
	defer e.handshakes.End()
	if t.proxies.Contains(conn.RemoteAddr()) {
		client, err := e.handshakes.Header(ctx, conn)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, accept.ErrSilent) {
				e.logTurnedAway(ln, conn, "PROXY", err)
			}
			_ = conn.Close()
			return
		}
		if conn = client; !e.admits(conn, ln, t) {
			return
		}
	}
	if t.tls != nil {
		secure := e.handshakes.TLS(ctx, conn, t.tls, ln.Addr().String())
		if secure == nil {
			e.leaves(conn)
			return
		}
		conn = secure
	}
	e.serve(ln, t, conn)
}

// enters reports whether the address of a client may have one more, and counts it until it leaves.
func (e *entry) enters(conn net.Conn) bool {
	remote := conn.RemoteAddr().String()
	if e.addresses.Enters(remote) {
		return true
	}
	if more, due := e.repeats.Due("max-clients-per-address"); due {
		e.logger.Warn("client rejected, max-clients-per-address reached", "client", remote, "repeated", more)
	}
	return false
}

// leaves undoes enters.
func (e *entry) leaves(conn net.Conn) { e.addresses.Leaves(conn.RemoteAddr().String()) }
