//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"evergate/testenv"
)

// keyspace is small, so that the server's caches serve all targets alike.
const (
	keyspace  = 1024
	valueSize = 64
)

// mgetKeys is how many keys an MGET names. They are in nearly as many slots.
const mgetKeys = 100

// getScript does what GET does, so that what EVALSHA costs above a GET is the script's. It must have been loaded.
const getScript = "return redis.call('GET', KEYS[1])"

var getScriptName = fmt.Sprintf("%x", sha1.Sum([]byte(getScript)))

// load drives one target: conns connections, each sending a batch of pipeline commands when the last batch has been
// answered in full. One thread and one epoll, as cheap as Go allows: it shares the machine with what it measures.
// Every reply is compared with the one that is right, so a target that mixes up replies has no figures.
type load struct {
	addr     string
	command  string // GET, SET, MGET of mgetKeys keys, or EVALSHA of a GET
	conns    int
	pipeline int
}

// sampler is asked at the start and at the end of the measured time.
type sampler func() error

// result is what one run of a load counted.
type result struct {
	requests uint64 // answered in the measured time
	elapsed  time.Duration
	// latencies are of requests answered in the measured time or under way at its end: a target that answers nothing
	// for all of it does not look fast.
	latencies histogram
}

type batch struct{ request, replies []byte }

type loadConn struct {
	fd    int
	batch int // index of the batch under way
	got   int // bytes of its replies that have come
	sent  time.Duration
}

type loadRun struct {
	load
	batches   []batch
	replySize int
	epoll     int
	conns     []loadConn
	began     time.Time
	stopping  bool // no new batch is sent
	busy      int  // connections with a batch under way
	result    *result
	buf       []byte
}

func key(i int) string { return fmt.Sprintf("bench:%08d", i%keyspace) }

// value is a value that belongs to one key only.
func value(i int) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("%08d", i%keyspace)), valueSize/8)
}

// bulk is the frame in which a server sends a value.
func bulk(value []byte) []byte { return fmt.Appendf(nil, "$%d\r\n%s\r\n", len(value), value) }

// fill sets every key to its value.
func fill(addr string) error {
	conn, err := testenv.Dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	for i := range keyspace {
		if reply, err := conn.Do("SET", key(i), string(value(i))); err != nil || string(reply) != "+OK\r\n" {
			return fmt.Errorf("set key %d of %d: %q %w", i, keyspace, reply, err)
		}
	}
	return nil
}

// batches returns one batch for each starting key; a connection goes round them.
func (l load) batches() ([]batch, error) {
	all := make([]batch, keyspace)
	for first := range all {
		b := &all[first]
		for i := first; i < first+l.pipeline; i++ {
			switch l.command {
			case "GET":
				b.request = testenv.AppendCommand(b.request, "GET", key(i))
				b.replies = append(b.replies, bulk(value(i))...)
			case "SET":
				b.request = testenv.AppendCommand(b.request, "SET", key(i), string(value(i)))
				b.replies = append(b.replies, "+OK\r\n"...)
			case "MGET":
				request := []string{"MGET"}
				b.replies = fmt.Appendf(b.replies, "*%d\r\n", mgetKeys)
				for of := i; of < i+mgetKeys; of++ {
					request = append(request, key(of))
					b.replies = append(b.replies, bulk(value(of))...)
				}
				b.request = testenv.AppendCommand(b.request, request...)
			case "EVALSHA":
				b.request = testenv.AppendCommand(b.request, "EVALSHA", getScriptName, "1", key(i))
				b.replies = append(b.replies, bulk(value(i))...)
			default:
				return nil, fmt.Errorf("no load for %q: GET, SET, MGET and EVALSHA are known", l.command)
			}
		}
	}
	return all, nil
}

// run connects, warms up, measures and disconnects. All replies are read before it returns.
func (l load) run(ctx context.Context, warmup, measured time.Duration, sample sampler) (*result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	batches, err := l.batches()
	if err != nil {
		return nil, err
	}
	r := &loadRun{load: l, batches: batches, replySize: len(batches[0].replies) / l.pipeline,
		result: &result{}, buf: make([]byte, 64<<10), began: time.Now()}
	defer r.close()
	if err := r.connect(); err != nil {
		return nil, err
	}
	for i := range r.conns {
		if err := r.send(&r.conns[i]); err != nil {
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
		fd, err := dial(r.addr)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
		// Connections start at different keys, so that they do not march in step.
		r.conns = append(r.conns, loadConn{fd: fd, batch: i * keyspace / r.load.conns})
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

// until serves the connections until the time has come or, when stopping, until nothing is under way.
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
			if err := r.receive(&r.conns[events[i].Fd]); err != nil {
				return fmt.Errorf("connection %d: %w", events[i].Fd+1, err)
			}
		}
	}
	return nil
}

func (r *loadRun) send(c *loadConn) error {
	request := r.batches[c.batch].request
	c.sent, c.got = r.now(), 0
	n, err := unix.Write(c.fd, request)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if n < len(request) {
		return fmt.Errorf("the socket took %d of the %d bytes of a batch: the pipeline is too deep", n, len(request))
	}
	r.busy++
	return nil
}

func (r *loadRun) receive(c *loadConn) error {
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
	want, got := r.batches[c.batch].replies[c.got:], r.buf[:n]
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
	c.batch = (c.batch + r.pipeline) % keyspace
	return r.send(c)
}
