package exchange

import (
	"evergate/gateway/catalog"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// Request is what send needs to know.
type Request struct {
	Seq       uint32
	Part      int16
	Slot      int16
	Redirects uint8
	Retries   uint8
	Cost      uint8
	Read      bool
	Ask       bool // say ASKING first
	Owned     bool // the connection may keep frame
	// Foreign: the connection is not the one that the view names.
	Foreign bool
	// Blocking, watched, counts and ahead are Ticket.Flags and Ticket.Ahead.
	Blocking bool
	Watched  bool
	Counts   bool
	Ahead    uint32
	Shard    int
	Frame    []byte
	// First is said quietly ahead of it; where it is refused, so is the request: see Verbs.Internal.
	First []byte
	// Load are scripts to load first.
	Load [][]byte
}

// Send puts a request on a connection and counts it in the session's flight.
func (x *Exchange) Send(c *Session, l *upstream.Conn, r *Request) {
	load(l, r.Load)
	if r.Ask {
		Quietly(l, resp.Asking)
	}
	if r.First != nil {
		Quietly(l, r.First).Flags |= upstream.Counts
	}
	t := l.Inflight.Push()
	t.To, t.Seq = c.Ref, r.Seq
	t.Part, t.Slot, t.Shard = r.Part, r.Slot, int16(r.Shard)
	t.Redirects, t.Retries, t.Cost, t.Ahead = r.Redirects, r.Retries, r.Cost, r.Ahead
	if !r.Read {
		t.Flags = upstream.Write
	}
	if len(r.Load) > 0 {
		t.Flags |= upstream.Loaded
	}
	if r.Blocking {
		t.Flags |= upstream.Blocking
	}
	if r.Watched {
		t.Flags |= upstream.Watched
	}
	if r.Owned {
		t.End = l.Queue.AppendOwned(r.Frame)
	} else {
		t.End = l.Queue.Append(r.Frame)
	}
	if r.Counts {
		t.Flags |= upstream.Counts
		x.publishes, x.publishEnd = l, t.End
		if c.Subs != nil {
			c.Subs.published, c.Subs.publishes = r.Seq, true
		}
	}
	if len(r.Frame) > BigBytes {
		l.BigEnd = t.End
	}
	if l.Key.Purpose != upstream.Dedicated {
		l.Carries = max(l.Carries, c.Company(len(r.Frame), r.Cost))
	}
	l.UsedAt = x.clock.Now
	x.pool.Dirty(l)
	x.totals.Requests[l.Key.Purpose]++
	if f := c.inFlightTo(r.Shard); f != nil {
		f.owed++
		return
	}
	if c.Service.View != nil {
		c.inFlightEpoch = c.Service.View.Epoch
	}
	c.inFlight = append(c.inFlight, inFlight{conn: l, shard: int32(r.Shard), owed: 1, foreign: r.Foreign})
}

// Quietly puts a command on a connection whose reply nobody waits for. Its pending is valid until the next one.
func Quietly(l *upstream.Conn, frame []byte) *upstream.Pending {
	end := l.Queue.Append(frame)
	t := l.Inflight.Push()
	t.End, t.Flags, t.Part, t.Slot = end, upstream.Quiet, -1, -1
	return t
}

// load puts scripts on a connection. Where one is refused, the command that names it tells its client so.
func load(l *upstream.Conn, bodies [][]byte) {
	for _, body := range bodies {
		end := l.Queue.Append(resp.AppendCommand(nil, scriptWord, loadWord, body))
		t := l.Inflight.Push()
		t.End, t.Flags, t.Part, t.Slot = end, upstream.Quiet|upstream.Loaded, -1, -1
	}
}

var scriptWord, loadWord = []byte("SCRIPT"), []byte("LOAD")

// PlaceOf is where a connection leads, for the catalog of its service.
func PlaceOf(l *upstream.Conn) catalog.Place {
	return catalog.Place{Node: l.Key.Node, RunID: l.RunID, Conn: int32(l.ID)}
}

// AlsoOnReplicas sends SCRIPT LOAD and SCRIPT FLUSH to the replicas that reads go to: these are not replicated. Nobody
// waits for the replies.
func (x *Exchange) AlsoOnReplicas(c *Session, command *routing.Command, frame []byte) {
	if c.Service.View == nil || command == nil || command.ID != routing.CmdScriptLoad &&
		command.ID != routing.CmdScriptFlush {
		return
	}
	for l := range c.Service.Replicas(c.Setup()) {
		Quietly(l, frame)
		x.pool.Dirty(l)
	}
}
