package exchange

import (
	"evergate/gateway/catalog"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/routing"
)

var scriptWord, loadWord = []byte("SCRIPT"), []byte("LOAD")

// Request is one frame to send, and what is to be known when its reply comes. upstream.Pending explains the fields that
// it has, too.
type Request struct {
	Seq       uint32
	Part      int16
	Slot      int16
	Redirects uint8
	Retries   uint8
	Cost      uint8
	Read      bool
	Ask       bool // send ASKING in front
	Owned     bool // Frame may be kept: the caller does not use it any more
	// Foreign: the connection is not the one that the view names for Shard.
	Foreign bool
	// Blocking, Watched and Counts become upstream.Flags of the pending request.
	Blocking bool
	Watched  bool
	Counts   bool
	Ahead    uint32
	Shard    int
	Frame    []byte
	// First is a command to send in front, without which the reply to this request would be wrong. Its pending request
	// has the flags Quiet and Counts, by which a rejection of it is recognized.
	First []byte
	// Load are the scripts that the server may lack; SCRIPT LOAD is sent in front for each.
	Load [][]byte
}

// Send puts a request on a connection that Choose or Dedicate returned, and counts it among what the session has in
// flight. It copies the frame, unless r.Owned.
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

// Quietly puts a command on a connection whose reply is dropped. The pending request that it returns is valid until the
// next one is added.
func Quietly(l *upstream.Conn, frame []byte) *upstream.Pending {
	end := l.Queue.Append(frame)
	t := l.Inflight.Push()
	t.End, t.Flags, t.Part, t.Slot = end, upstream.Quiet, -1, -1
	return t
}

// load puts SCRIPT LOAD commands on a connection. Where one is rejected, the command that needs the script fails with
// NOSCRIPT, and is answered from that.
func load(l *upstream.Conn, bodies [][]byte) {
	for _, body := range bodies {
		end := l.Queue.Append(resp.AppendCommand(nil, scriptWord, loadWord, body))
		t := l.Inflight.Push()
		t.End, t.Flags, t.Part, t.Slot = end, upstream.Quiet|upstream.Loaded, -1, -1
	}
}

// PlaceOf is where a connection leads, in terms of the catalog.
func PlaceOf(l *upstream.Conn) catalog.Place {
	return catalog.Place{Node: l.Key.Node, RunID: l.RunID, Conn: int32(l.ID)}
}

// AlsoOnReplicas sends SCRIPT LOAD and SCRIPT FLUSH to the replicas that serve reads, since servers do not replicate
// these. The replies are dropped. For other commands it does nothing.
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
