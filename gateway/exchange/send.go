package exchange

import (
	"evergate/gateway/catalog"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
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
	// Changes: it may change keys, which replicas confirm where that is set.
	Changes bool
	Ahead   uint32
	// Began and Command are those of a request that is retried, see retry.Entry; 0 for others.
	Began   uint32
	Command uint16
	Shard   int
	// Keys are those that a write may change, see KeysOf: any if they are left out.
	Keys  upstream.Keys
	Frame []byte
	// Rest are what follows Frame where the request is in several pieces, of whole frames each. They may be kept.
	Rest [][]byte
	// First is a command to send in front, without which the reply to this request would be wrong. Its pending request
	// has the flags Quiet and Counts, by which a rejection of it is recognized.
	First []byte
	// Load are the scripts that the server may lack; SCRIPT LOAD is sent in front for each.
	Load [][]byte
}

// Send puts a request on a connection that Choose or Dedicate returned, and counts it among what the session has in
// flight. It copies the frame, unless r.Owned.
func (x *Exchange) Send(c *sessions.Session, l *upstream.Conn, r *Request) {
	if l.Key.Service != c.Service.Index {
		panic("exchange: a request of one user on a connection of another")
	}
	l.EndStale()
	for _, body := range r.Load {
		// Where one is rejected, the command that needs the script fails with NOSCRIPT, and is answered from that.
		l.SendQuietly(resp.AppendCommand(nil, scriptWord, loadWord, body), upstream.Loaded)
	}
	if r.Ask {
		l.SendQuietly(resp.Asking, 0)
	}
	if r.First != nil {
		l.SendQuietly(r.First, upstream.Counts)
	}
	mark, flags := upstream.Mark(0), r.flags()
	if !r.Read {
		mark = c.Service.BeginWrite(r.Keys)
	}
	confirmed := x.confirmed(c, l, r)
	if confirmed.Asked() {
		flags |= upstream.ToConfirm
	}
	end := x.pool.Send(l, upstream.Pending{
		To: c.Ref, Seq: r.Seq, Part: r.Part, Slot: r.Slot, Shard: int16(r.Shard), Flags: flags, Redirects: r.Redirects,
		Retries: r.Retries, Cost: r.Cost, Ahead: r.Ahead, Began: x.began(c, r),
		Command: commandOf(c, r), Mark: mark, Moves: c.Service.Moves(),
	}, r.Frame, r.Owned, c.Company(r.size(), r.Cost), r.Rest...)
	if confirmed.Asked() {
		x.pool.Confirm(l, confirmed, r.Blocking)
	}
	if r.Counts {
		x.Published(c, l, end, r.Seq)
	}
	x.totals.Requests[l.Key.Purpose]++
	c.Service.CountSent(l)
	c.Sent(l, r.Shard, r.Foreign)
}

// commandOf is the Index of a request's command: that of the session, unless it is retried.
func commandOf(c *sessions.Session, r *Request) uint16 {
	if r.Began != 0 || c.Last == nil {
		return r.Command
	}
	return c.Last.Index
}

// began is when a request began that is sent now. That of one which has waited, or was sent before, is noted apart.
func (x *Exchange) began(c *sessions.Session, r *Request) wait.Stamp {
	if c.WaitsSince == 0 && r.Began == 0 {
		return x.clock.Stamp
	}
	c.NoteSent(r.Seq, r.Part, x.clock.Stamp)
	if r.Began != 0 {
		return wait.Stamp(r.Began)
	}
	return wait.StampOf(c.WaitsSince)
}

// size is how many bytes the request has.
func (r *Request) size() int {
	n := len(r.Frame)
	for _, piece := range r.Rest {
		n += len(piece)
	}
	return n
}

// flags are those of the pending request.
func (r *Request) flags() (f upstream.Flags) {
	if !r.Read {
		f = upstream.Write
	}
	if len(r.Load) > 0 {
		f |= upstream.Loaded
	}
	if r.Blocking {
		f |= upstream.Blocking
	}
	if r.Watched {
		f |= upstream.Watched
	}
	if r.Counts {
		f |= upstream.Counts
	}
	return f
}

// PlaceOf is where a connection leads, in terms of the catalog.
func PlaceOf(l *upstream.Conn) catalog.Place {
	return catalog.Place{Node: l.Key.Node, RunID: l.RunID, Conn: int32(l.ID)}
}

// AlsoOnReplicas sends SCRIPT LOAD and SCRIPT FLUSH to the replicas that serve reads, since servers do not replicate
// these. The replies are dropped. For other commands it does nothing.
func (x *Exchange) AlsoOnReplicas(c *sessions.Session, command *routing.Command, frame []byte) {
	if c.Service.View == nil || command == nil || command.ID != routing.CmdScriptLoad &&
		command.ID != routing.CmdScriptFlush {
		return
	}
	for l := range c.Service.Replicas(c.Setup()) {
		l.SendQuietly(frame, 0)
		x.pool.Dirty(l)
	}
}
