package servers

import (
	"errors"
	"net"
	"sync"
	"time"
)

// relayBytes is the most that a Fault reads at once.
const relayBytes = 64 << 10

// Fault is a TCP relay on loopback that imitates network faults: delays, fragments, stalls, closes, resets and rejects
// connections. Settings apply to existing and new connections.
type Fault struct {
	// Addr is the address to connect to instead of the target.
	Addr string

	listener net.Listener
	running  sync.WaitGroup

	mu sync.Mutex
	// thawed is signalled when a hold ends or a connection is closed.
	thawed *sync.Cond
	// guarded by mu:
	target  string
	delay   time.Duration
	slice   int
	holding [2]bool // by direction
	refuse  bool
	closed  bool
	links   map[*link]struct{}
}

// Direction is the direction of bytes.
type Direction int

const (
	// ToTarget is from the client to the target.
	ToTarget Direction = iota
	// ToClient is from the target to the client.
	ToClient
)

// link is one relayed connection.
type link struct {
	client, target net.Conn
	cut            bool // guarded by Fault.mu
	deaf           bool // guarded by Fault.mu
	// holds: bytes to the target wait for the end of a hold. stranded: the client's side was reset meanwhile; late: these
	// bytes wait for Surface. All are guarded by Fault.mu.
	holds, stranded, late bool
}

// parcel has the bytes of one read, and when they may be delivered.
type parcel struct {
	bytes []byte
	due   time.Time
}

// NewFault listens on a free loopback port and relays to target (HOST:PORT), which need not be up yet.
func NewFault(target string) (*Fault, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &Fault{Addr: listener.Addr().String(), target: target, listener: listener, links: map[*link]struct{}{}}
	f.thawed = sync.NewCond(&f.mu)
	f.running.Go(f.accept)
	return f, nil
}

// StartFault is NewFault for a test, at whose end the Fault is closed.
func StartFault(t T, target string) *Fault {
	t.Helper()
	f, err := NewFault(target)
	if err != nil {
		t.Fatalf("starting a relay: %v", err)
	}
	t.Cleanup(f.Close)
	return f
}

// Delay delivers everything d later, in both directions, without a limit on the bytes in between.
func (f *Fault) Delay(d time.Duration) { f.set(func() { f.delay = d }) }

// Slice delivers at most n bytes in one write; 0 ends it.
func (f *Fault) Slice(n int) { f.set(func() { f.slice = n }) }

// Hold stalls one direction: connections stay open, nothing arrives, nothing is lost. With false, all stalled bytes are
// delivered.
func (f *Fault) Hold(d Direction, on bool) { f.set(func() { f.holding[d] = on }) }

// BlackHole is Hold in both directions.
func (f *Fault) BlackHole(on bool) { f.set(func() { f.holding = [2]bool{on, on} }) }

// Deafen silently drops everything on existing connections, in both directions, like a firewall that has lost its
// state. New connections work.
func (f *Fault) Deafen() {
	f.set(func() {
		for l := range f.links {
			l.deaf = true
		}
	})
}

// Strand resets the clients' side of the connections that hold bytes to the target, as a middlebox would. The target
// sees nothing of that, and gets these bytes when Surface is called. It returns how many connections these are.
func (f *Fault) Strand() (stranded int) {
	f.set(func() {
		for l := range f.links {
			if !l.holds || l.stranded {
				continue
			}
			l.stranded, l.late = true, true
			stranded++
			if tcp, ok := l.client.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = l.client.Close()
		}
	})
	return stranded
}

// Surface delivers what Strand has kept.
func (f *Fault) Surface() {
	f.set(func() {
		for l := range f.links {
			l.late = false
		}
	})
}

// Stranded returns how many of these connections the target has not closed.
func (f *Fault) Stranded() (n int) {
	f.set(func() {
		for l := range f.links {
			if l.stranded {
				n++
			}
		}
	})
	return n
}

// Retarget relays new connections to another target; existing ones stay.
func (f *Fault) Retarget(target string) { f.set(func() { f.target = target }) }

// Refuse closes new connections at once.
func (f *Fault) Refuse(on bool) { f.set(func() { f.refuse = on }) }

func (f *Fault) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	f.thawed.Broadcast()
}

// Links returns the number of connections.
func (f *Fault) Links() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.links)
}

// Cut closes all connections with FIN on both sides; undelivered bytes are lost.
func (f *Fault) Cut() { f.end(false) }

// Reset closes all connections with RST on both sides.
func (f *Fault) Reset() { f.end(true) }

func (f *Fault) end(reset bool) {
	f.set(func() {
		for l := range f.links {
			l.cut = true
			for _, c := range []net.Conn{l.client, l.target} {
				if tcp, ok := c.(*net.TCPConn); ok && reset {
					_ = tcp.SetLinger(0)
				}
				_ = c.Close()
			}
		}
	})
}

// Close ends the relay and all its connections, and waits until its goroutines have ended.
func (f *Fault) Close() {
	f.set(func() { f.closed = true })
	_ = f.listener.Close()
	f.Cut()
	f.running.Wait()
}

func (f *Fault) accept() {
	for {
		client, err := f.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			f.running.Go(func() { f.relay(client) })
		}
	}
}

// relay connects to the target and runs both directions until both have ended.
func (f *Fault) relay(client net.Conn) {
	defer func() { _ = client.Close() }()
	var to string
	f.set(func() { to = f.target })
	target, err := net.DialTimeout("tcp", to, ReplyPatience)
	if err != nil {
		return
	}
	defer func() { _ = target.Close() }()
	l := &link{client: client, target: target}
	refused := false
	f.set(func() {
		if refused = f.refuse || f.closed; !refused {
			f.links[l] = struct{}{}
		}
	})
	if refused {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { f.pump(l, client, target, ToTarget) })
	both.Go(func() { f.pump(l, target, client, ToClient) })
	both.Wait()
	f.set(func() { delete(f.links, l) })
}

// pump relays one direction. Two goroutines read and deliver, so that a delay does not limit the throughput. The end of
// the source is passed on after the last byte.
func (f *Fault) pump(l *link, from, to net.Conn, d Direction) {
	parcels := make(chan parcel, 1024)
	f.running.Go(func() {
		defer close(parcels)
		for {
			buf := make([]byte, relayBytes)
			n, err := from.Read(buf)
			if n > 0 {
				parcels <- parcel{bytes: buf[:n], due: time.Now().Add(f.currentDelay())}
			}
			if err != nil {
				return
			}
		}
	})
	for p := range parcels {
		if f.awaitDelivery(l, p.due, d) {
			f.deliver(to, p.bytes)
		}
	}
	if tcp, ok := to.(*net.TCPConn); ok && f.awaitDelivery(l, time.Time{}, d) {
		_ = tcp.CloseWrite()
	}
}

func (f *Fault) currentDelay() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.delay
}

// awaitDelivery blocks until due and while the direction is held. It returns false if the link was closed meanwhile.
func (f *Fault) awaitDelivery(l *link, due time.Time, d Direction) bool {
	if wait := time.Until(due); wait > 0 {
		<-time.After(wait)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for (f.holding[d] || l.late && d == ToTarget) && !l.cut {
		l.holds = l.holds || d == ToTarget && !due.IsZero()
		f.thawed.Wait()
	}
	l.holds = l.holds && d != ToTarget
	return !l.cut && !l.deaf
}

// deliver writes b in slices. A write that fails shows as a read error of the other direction.
func (f *Fault) deliver(to net.Conn, b []byte) {
	f.mu.Lock()
	size := f.slice
	f.mu.Unlock()
	if size <= 0 {
		size = len(b)
	}
	for len(b) > 0 {
		n := min(size, len(b))
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
		b = b[n:]
	}
}
