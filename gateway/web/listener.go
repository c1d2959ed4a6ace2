package web

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"evergate/gateway/api"
)

// The connections are few, and nobody can keep others from theirs. When all places are taken a new connection gets that
// of another one: of the address that has most of them, if that has more than its own, or else of its own address one
// that has no request under way. Otherwise it gets one of the places for health, which a request must reach soon, and
// which end with its answer: so a monitor is answered even if whoever reads slowly shares its address.

const (
	// connsMax bounds the connections, streamsMax those of them that stream events, healthMax further ones that may ask
	// for health alone: what this server takes of the process's descriptors is small and fixed.
	connsMax   = 64
	streamsMax = 32
	healthMax  = 16
	// healthTimeout is how long one of the latter may take to send its request.
	healthTimeout = time.Second
)

// places is a listener that has places for so many connections.
type places struct {
	net.Listener
	mu sync.Mutex
	// all has the open connections, the oldest first.
	all []*conn
}

// conn is a connection in its place, which it leaves when it is closed. mu of the places guards its fields.
type conn struct {
	net.Conn
	of   *places
	from netip.Prefix // whom it counts for
	// health: it has one of the places for health, and must have sent its request at sendBy.
	health bool
	sendBy time.Time
	// busy: a request is under way, and streams: that streams events.
	busy, streams bool
}

// Accept returns the next connection.
func (p *places) Accept() (net.Conn, error) {
	accepted, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: accepted, of: p, from: whose(accepted.RemoteAddr())}
	if left := p.admit(c); left != nil {
		_ = left.Conn.Close()
	}
	return c, nil
}

// whose returns for whom a connection counts: its address, with IPv6 the network that one machine usually has. Without
// an address, on a Unix socket, all count for one.
func whose(a net.Addr) netip.Prefix {
	tcp, isTCP := a.(*net.TCPAddr)
	if !isTCP {
		return netip.Prefix{}
	}
	const network = 64
	addr := tcp.AddrPort().Addr().Unmap()
	bits := addr.BitLen()
	if addr.Is6() {
		bits = network
	}
	prefix, _ := addr.Prefix(bits) // the length is right
	return prefix
}

// admit gives a connection a place, and returns the one that has to leave, nil for none.
func (p *places) admit(c *conn) (left *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	general := func(o *conn) bool { return !o.health }
	free := p.count(general) < connsMax
	if !free {
		left = p.whoLeaves(c, general)
	}
	if !free && left == nil {
		c.health, c.sendBy = true, time.Now().Add(healthTimeout)
		if p.count(func(o *conn) bool { return o.health }) >= healthMax {
			left = p.oldest(func(o *conn) bool { return o.health })
		}
	}
	p.remove(left)
	p.all = append(p.all, c)
	return left
}

// whoLeaves returns the connection of a kind whose place a new one may have; nil for none.
func (p *places) whoLeaves(c *conn, kind func(*conn) bool) *conn {
	counts := map[netip.Prefix]int{}
	most := c.from
	for _, o := range p.all {
		if kind(o) {
			counts[o.from]++
		}
	}
	for _, o := range p.all { // in their order, so that the choice does not depend on that of a map
		if counts[o.from] > counts[most] {
			most = o.from
		}
	}
	idle := p.oldest(func(o *conn) bool { return kind(o) && o.from == most && !o.busy })
	if idle != nil || most == c.from || counts[most] <= counts[c.from]+1 {
		return idle
	}
	return p.oldest(func(o *conn) bool { return kind(o) && o.from == most })
}

func (p *places) oldest(kind func(*conn) bool) *conn {
	for _, o := range p.all {
		if kind(o) {
			return o
		}
	}
	return nil
}

func (p *places) count(kind func(*conn) bool) (n int) {
	for _, o := range p.all {
		if kind(o) {
			n++
		}
	}
	return n
}

// remove takes a connection out of its place, and reports whether it had one.
func (p *places) remove(c *conn) bool {
	i := slices.Index(p.all, c)
	if i >= 0 {
		p.all = slices.Delete(p.all, i, i+1)
	}
	return i >= 0
}

// Close leaves the place.
func (c *conn) Close() error {
	c.of.mu.Lock()
	c.of.remove(c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// SetReadDeadline sets the time by which the next bytes must come. On a connection for health it comes sooner.
func (c *conn) SetReadDeadline(t time.Time) error {
	if c.health && t.After(c.sendBy) {
		t = c.sendBy
	}
	return c.Conn.SetReadDeadline(t)
}

// connKey is the key of a connection in the context of its requests.
type connKey struct{}

// withConn is http.Server.ConnContext.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection of a request; nil where a test calls the handler itself.
func connOf(r *http.Request) *conn {
	c, _ := r.Context().Value(connKey{}).(*conn)
	return c
}

// seated records that requests are under way on their connection, and answers with an error what a place for health is
// not for.
func seated(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := connOf(r)
		if c == nil {
			h.ServeHTTP(w, r)
			return
		}
		c.begins(true)
		defer c.begins(false)
		if c.health {
			w.Header().Set("Connection", "close")
			if r.URL.Path != api.PathLive && r.URL.Path != api.PathReady {
				refuse(w, http.StatusServiceUnavailable, "too many connections are open")
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

// begins records that a request begins, or ends.
func (c *conn) begins(begins bool) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.busy = begins; !begins {
		c.streams = false
		if c.of.remove(c) {
			c.of.all = append(c.of.all, c) // it was used last
		}
	}
}

// mayStream reports whether a connection may stream events, and records that it does. Another one may be closed for it.
func (c *conn) mayStream() bool {
	if c == nil {
		return true
	}
	p, streams := c.of, func(o *conn) bool { return o.streams }
	p.mu.Lock()
	var left *conn
	free := p.count(streams) < streamsMax
	if !free {
		left = p.whoLeaves(c, streams)
		p.remove(left)
	}
	c.streams = free || left != nil
	p.mu.Unlock()
	if left != nil {
		_ = left.Conn.Close()
	}
	return c.streams
}
