//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"evergate/gateway/tlsconn"
)

// load drives one target: conns connections, each of which sends a batch of pipeline commands when the last batch has
// been answered in full. It has one thread and one epoll, as cheap as Go allows: it shares the machine with its target.
// It compares every reply with the right one, so a target that mixes up replies has no figures.
type load struct {
	addr     string
	command  string // GET, SET, MGET of mgetKeys keys, or EVALSHA of a GET
	conns    int
	pipeline int
	bytes    int         // of a value; 0: that of small
	batches  []batch     // one for each first key; made for the run if nil
	tls      *tls.Config // nil: none
}

// sampler is called at the start and at the end of the measured time.
type sampler func() error

// result has the counts of one run of a load.
type result struct {
	requests uint64 // answered in the measured time
	elapsed  time.Duration
	// latencies are those of requests that were answered in the measured time or in flight at its end: a target that
	// answers nothing does not look fast.
	latencies histogram
}

type loadConn struct {
	fd     int
	batch  int    // index of the batch under way
	unsent []byte // bytes of its request that the socket has not taken yet
	got    int    // received bytes of its replies
	sent   time.Duration
	secure *tlsconn.Conn // nil: plain
}

type loadRun struct {
	load
	replySize int
	epoll     int
	conns     []loadConn
	began     time.Time
	stopping  bool // no new batch is sent
	busy      int  // connections with a batch under way
	result    *result
	buf       []byte
	sealed    *tlsconn.Sealed
	plain     []byte
}

// run connects, warms up, measures and disconnects. All replies are read before it returns.
func (l load) run(ctx context.Context, warmup, measured time.Duration, sample sampler) (*result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if l.batches == nil {
		var err error
		if l.batches, err = valuesOf(l.bytes).batches(l.command, l.pipeline); err != nil {
			return nil, err
		}
	}
	r := &loadRun{load: l, replySize: len(l.batches[0].replies) / l.pipeline,
		result: &result{}, buf: make([]byte, 256<<10), began: time.Now(),
		sealed: tlsconn.NewScratch(), plain: make([]byte, 16<<10)}
	defer r.close()
	if err := r.connect(); err != nil {
		return nil, err
	}
	for i := range r.conns {
		if err := r.send(&r.conns[i], int32(i)); err != nil {
			return nil, err
		}
	}
	if err := r.until(ctx, r.now()+warmup); err != nil {
		return nil, fmt.Errorf("warming up: %w", err)
	}
	if err := sample(); err != nil {
		return nil, err
	}
	from := r.now()
	r.result.latencies.reset()
	if err := r.until(ctx, from+measured); err != nil {
		return nil, err
	}
	if err := sample(); err != nil {
		return nil, err
	}
	r.result.elapsed, r.result.requests = r.now()-from, r.result.latencies.count
	r.stopping = true
	if err := r.until(ctx, r.now()+time.Minute); err != nil {
		return nil, fmt.Errorf("waiting for the last replies: %w", err)
	}
	return r.result, nil
}

func (r *loadRun) now() time.Duration { return time.Since(r.began) }

func (r *loadRun) connect() (err error) {
	if r.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	for i := range r.load.conns {
		fd, secure, err := r.dial()
		if err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
		// Connections start at different keys, so that they do not run in lockstep.
		r.conns = append(r.conns, loadConn{fd: fd, secure: secure, batch: i * len(r.batches) / r.load.conns})
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
		if err := unix.EpollCtl(r.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
			return err
		}
	}
	return nil
}

func (r *loadRun) close() {
	for _, c := range r.conns {
		unix.Close(c.fd)
	}
	if r.epoll > 0 {
		unix.Close(r.epoll)
	}
}

// dial returns a connected, non-blocking socket without Nagle's delay.
func dial(addr string) (int, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	err = errors.Join(
		unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetNonblock(fd, true))
	if err != nil {
		unix.Close(fd)
		return 0, fmt.Errorf("connect to %s: %w", addr, err)
	}
	return fd, nil
}

// until serves the connections until end or, if stopping, until nothing is in flight.
func (r *loadRun) until(ctx context.Context, end time.Duration) error {
	events := make([]unix.EpollEvent, len(r.conns))
	heard := r.now()
	for now := heard; now < end && !(r.stopping && r.busy == 0); now = r.now() {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := unix.EpollWait(r.epoll, events, 100)
		if err != nil && err != unix.EINTR {
			return err
		}
		if n > 0 {
			heard = now
		} else if now-heard > 30*time.Second {
			return errors.New("no reply for 30 s")
		}
		for i := range max(n, 0) {
			if err := r.serve(&r.conns[events[i].Fd], events[i]); err != nil {
				return fmt.Errorf("connection %d: %w", events[i].Fd+1, err)
			}
		}
	}
	return nil
}

func (r *loadRun) serve(c *loadConn, event unix.EpollEvent) error {
	if event.Events&unix.EPOLLOUT != 0 {
		if err := r.write(c, event.Fd); err != nil {
			return err
		}
	}
	if event.Events&^uint32(unix.EPOLLOUT) != 0 {
		return r.receive(c, event.Fd)
	}
	return nil
}

// send begins the batch of the connection at index i.
func (r *loadRun) send(c *loadConn, i int32) error {
	c.sent, c.got, c.unsent = r.now(), 0, r.batches[c.batch].request
	r.busy++
	return r.write(c, i)
}

// write writes as much as the socket takes; the rest follows when it is writable again.
func (r *loadRun) write(c *loadConn, i int32) error {
	waited := len(c.unsent) < len(r.batches[c.batch].request)
	b := c.unsent
	if c.secure != nil {
		var err error
		if b, err = c.secure.Seal(c.unsent, r.sealed); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	n, err := unix.Write(c.fd, b)
	if err != nil && err != unix.EAGAIN && err != unix.EINTR {
		return fmt.Errorf("write: %w", err)
	}
	if n = max(n, 0); c.secure != nil {
		n = c.secure.Sent(n)
	}
	c.unsent = c.unsent[n:]
	if waits := len(c.unsent) > 0; waits != waited {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: i}
		if waits {
			event.Events |= unix.EPOLLOUT
		}
		return unix.EpollCtl(r.epoll, unix.EPOLL_CTL_MOD, c.fd, &event)
	}
	return nil
}

func (r *loadRun) receive(c *loadConn, i int32) error {
	n, err := unix.Read(c.fd, r.buf)
	if err == unix.EAGAIN || err == unix.EINTR {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if n == 0 {
		return errors.New("closed by the target")
	}
	if c.secure == nil {
		return r.take(c, i, r.buf[:n])
	}
	c.secure.Received(r.buf[:n])
	for {
		n, err := c.secure.Read(r.plain)
		switch {
		case tlsconn.Dry(err):
			return nil
		case err != nil:
			return fmt.Errorf("read: %w", err)
		}
		if err := r.take(c, i, r.plain[:n]); err != nil {
			return err
		}
	}
}

// take compares a part of the replies with what is right, and sends the next batch behind the last of them.
func (r *loadRun) take(c *loadConn, i int32, got []byte) error {
	n, want := len(got), r.batches[c.batch].replies[c.got:]
	if !bytes.HasPrefix(want, got) {
		return fmt.Errorf("wrong reply: got %.60q, want %.60q", got, want)
	}
	before := c.got / r.replySize
	c.got += n
	if whole := c.got/r.replySize - before; whole > 0 {
		r.result.latencies.add(r.now()-c.sent, whole)
	}
	if n < len(want) {
		return nil
	}
	r.busy--
	if r.stopping {
		return nil
	}
	c.batch = (c.batch + r.pipeline) % len(r.batches)
	return r.send(c, i)
}
