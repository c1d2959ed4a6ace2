package play

import (
	"bytes"
	"slices"

	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/topology"
)

// Round ends a round: what Out asks for is carried out in the order that it names. It returns whether there was any.
func (l *Loop) Round() bool {
	out := l.Worker.Out()
	l.Check()
	if len(out.Conns)+len(out.Clients)+len(out.Dials)+len(out.CloseConns)+len(out.CloseClients)+len(out.Read) == 0 {
		l.checkTimers()
		return false
	}
	slices.Sort(out.CloseConns) // so that a run can be repeated
	for _, id := range out.CloseConns {
		c := l.Conn(id)
		if c != nil {
			l.conns[id] = nil
		}
		l.net.Closed(id, c)
	}
	for _, d := range out.Dials {
		l.dial(d)
	}
	for _, r := range out.Read {
		l.reading(r)
	}
	for _, id := range out.Conns {
		if c := l.Conn(id); c != nil && !c.full {
			l.write(c)
		}
	}
	for _, id := range out.Clients {
		if c := l.Client(id); c != nil && !c.full {
			l.writeClient(c)
		}
	}
	for _, id := range out.CloseClients {
		l.closeClient(id)
	}
	l.Check()
	return true
}

// Rest has rounds until the worker wants nothing more, and returns whether it comes to that.
func (l *Loop) Rest() bool {
	for range 100 {
		if !l.Round() {
			return true
		}
	}
	l.fail("the worker does not come to rest")
	return false
}

func (l *Loop) dial(d upstream.Dial) {
	for int(d.Conn) >= len(l.conns) {
		l.conns = append(l.conns, nil)
	}
	if there := l.conns[d.Conn]; there != nil || d.Addr == "" || d.Proto != 2 && d.Proto != 3 {
		l.fail("dials %+v, where there is %+v", d, there)
	}
	c := &Conn{Dial: d}
	l.conns[d.Conn] = c
	l.net.Dial(c)
}

func (l *Loop) reading(r worker.Reading) {
	if r.Conn {
		if c := l.Conn(r.ConnID); c != nil {
			c.Stopped = !r.On
		}
	} else if c := l.Client(r.Client); c != nil {
		c.Stopped = !r.On
	}
	l.net.Reading(r)
}

func (l *Loop) closeClient(id uint32) {
	c := l.Client(id)
	if c == nil {
		l.fail("client %d is closed, and not connected", id)
		return
	}
	if n := len(l.Worker.ClientBytes(id)); n > 0 {
		l.fail("client %d is closed, and %d bytes are to be written to it", id, n)
	}
	l.clients[id] = nil
	l.net.ClientClosed(c)
}

// write gives the net what the worker has for a server, until there is no more of it, or no room.
func (l *Loop) write(c *Conn) {
	for c.Open {
		b := l.Worker.ConnBytes(c.Conn)
		if len(b) == 0 {
			break
		}
		if l.AtOnce > 0 {
			b = b[:min(len(b), l.AtOnce)]
		}
		l.checkDraining(c, b)
		l.checkLeft(&c.left, b)
		n := l.net.ToServer(c, b)
		c.left.keep(b[n:])
		c.full = n < len(b)
		l.Worker.ConnWrote(c.Conn, n)
		if c.full {
			break
		}
	}
}

// checkDraining fails the test if a demoted primary is sent anything. Subscriptions change nothing there.
func (l *Loop) checkDraining(c *Conn, b []byte) {
	if !c.begun {
		c.begun, c.listen = true, listening(b)
	}
	v := l.views[c.Service]
	if v == nil || c.listen {
		return
	}
	for i := range v.Shards {
		sh := &v.Shards[i]
		if sh.Demoted == nil || sh.Demoted.Addr != c.Addr {
			continue
		}
		reads := slices.ContainsFunc(sh.Replicas, func(n *topology.Node) bool { return n.Addr == c.Addr })
		if !reads {
			l.fail("%d bytes are written to %s, which view %d demotes: %q", len(b), c.Addr, v.Epoch, b[:min(len(b), 100)])
		}
	}
}

// listening returns whether the first thing that is written to a connection is a subscription.
func listening(b []byte) bool {
	var r Requests
	r.Add(b)
	words := r.Front()
	return len(words) == 2 && (slices.Contains(Begins[:], string(words[0])) || slices.Contains(Ends[:], string(words[0])))
}

// left are the first bytes that were to be written and were not taken. TLS has encrypted them.
type left []byte

// leftBytes is how much TLS encrypts ahead at most; see gateway/tlsconn.
const leftBytes = 64 << 10

func (l *left) keep(b []byte) { *l = append((*l)[:0], b[:min(len(b), leftBytes)]...) }

// checkLeft fails the test if what was to be written before is not what is to be written now: it cannot be taken back.
func (l *Loop) checkLeft(before *left, b []byte) {
	if !bytes.HasPrefix(b, *before) {
		l.fail("%.200q was to be written, and now it is %.200q", *before, b)
	}
}

// writeClient does the same for a client.
func (l *Loop) writeClient(c *Client) {
	for c.full = false; !c.full; {
		b := l.Worker.ClientBytes(c.ID)
		if len(b) == 0 {
			return
		}
		l.checkLeft(&c.left, b)
		n := l.net.ToClient(c, b)
		c.left.keep(b[n:])
		c.full = n < len(b)
		sealed := 0
		if l.TLS {
			sealed = len(c.left)
		}
		l.Worker.ClientWrote(c.ID, n, sealed)
	}
}

// Full returns whether bytes wait for room at the other end.
func (c *Conn) Full() bool { return c.full }

// Full returns whether bytes wait for room at the other end.
func (c *Client) Full() bool { return c.full }

// Flush says that a server's end has room again.
func (l *Loop) Flush(c *Conn) {
	if c.full {
		c.full = false
		l.write(c)
		l.Check()
	}
}

// FlushClient says that a client's end has room again.
func (l *Loop) FlushClient(c *Client) {
	if c.full {
		c.full = false
		l.writeClient(c)
		l.Check()
	}
}
