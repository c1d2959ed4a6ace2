package sessions

import (
	"time"

	"evergate/gateway/downstream"
	"evergate/gateway/facade"
	"evergate/gateway/fanout"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
)

// Pushes writes to clients what is no reply: messages, and the lines of MONITOR.
type Pushes struct {
	x *Sessions
	// gathered are the clients whose messages wait for others, since gatheredAt. publishes is the connection on which
	// the last message was published, publishEnd the offset behind it.
	gathered   []session.Ref
	gatheredAt time.Duration
	publishes  *upstream.Conn
	publishEnd uint64
}

// subscriber has the subscriptions of one session.
type subscriber struct {
	fanout.Listener
	// published is the place of the reply to the last message that the session has published itself; meaningful while
	// publishes.
	published uint32
	// keptFor is the place of the reply behind which kept messages come.
	keptFor   uint32
	publishes bool
}

// Listen makes Subs, if needed.
func (c *Session) Listen() {
	if c.Subs == nil {
		c.own().Subs = &subscriber{Listener: fanout.Listener{Ref: c.Ref}}
	}
}

// StopListening drops Subs: the session has no subscriptions any more.
func (c *Session) StopListening() { c.Subs = nil }

// Subscribed reports whether a session has any subscription. In RESP2 few other commands are allowed then.
func (c *Session) Subscribed() bool { return c.Subs != nil && c.Subs.Any() }

// ListenAsSentinel sets the subscriptions of a client of an emulated Sentinel; nil for none.
func (c *Session) ListenAsSentinel(to *facade.Subscriptions) {
	if to != nil || c.Listens != nil {
		c.own().Listens = to
	}
}

// Push writes a message to a client. many: it has many subscribers, and may wait to be written together with others.
// frame is a push of RESP3, of which RESP2 has all but the first byte. It is copied.
func (p *Pushes) Push(c *Session, frame []byte, many bool) {
	if c.closed || c.Ending {
		return
	}
	p.x.totals.Delivered++
	if to := p.Hand(c, frame, many); to != nil {
		to.Mark(len(frame), c.pushMark())
	}
}

// Hand writes bytes to a client that are no reply, between its replies, and returns the buffer whose end they are. It
// returns nil when the client was closed because it reads too slowly. may: they may wait to be written together with
// others.
func (p *Pushes) Hand(c *Session, frame []byte, may bool) *downstream.Output {
	to := p.put(c, frame, may)
	size := c.Output.Len() + c.pushes.Len()
	if size <= c.terms.Push.Max {
		p.x.watchSoft(c, size)
		return to
	}
	p.x.cut(c, session.SlowSubscriber, size)
	return nil
}

// put is Hand for bytes that close no client.
func (p *Pushes) put(c *Session, frame []byte, may bool) *downstream.Output {
	to := &c.Output
	switch {
	case p.keepsPushes(c):
		if to = &c.own().pushes; c.pushes.Len() == 0 && c.Subs != nil {
			c.Subs.keptFor = c.Subs.published
		}
	case may:
		p.gather(c)
	default:
		p.x.write(c)
	}
	to.Append(p.x.blocks, frame)
	p.x.Account(c)
	return to
}

// Published records that a message of the session was sent on a connection, whose last byte is before the offset end.
// Its reply has the place seq.
func (p *Pushes) Published(c *Session, l *upstream.Conn, end uint64, seq uint32) {
	p.publishes, p.publishEnd = l, end
	if c.Subs != nil {
		c.Subs.published, c.Subs.publishes = seq, true
	}
}

// midReply reports whether a client has got the beginning of a reply and not its end.
func (p *Pushes) midReply(c *Session) bool {
	for i := range c.inFlight {
		if c.StreamsTo(c.inFlight[i].conn) {
			return true
		}
	}
	return false
}

// keepsPushes reports whether messages must wait for the end of a reply: of one whose beginning the client has, or of
// the one to a message that it publishes itself and may be subscribed to. The two come on different connections.
func (p *Pushes) keepsPushes(c *Session) bool {
	s := c.Subs
	switch {
	case p.midReply(c):
		return true
	case s == nil || !s.publishes:
		return false
	case c.Replies.Passed(s.published):
		s.publishes = false
		return false
	}
	return c.pushes.Len() == 0 || !c.Replies.Passed(s.keptFor)
}

// pushKept writes the messages that were kept behind a reply, when that is written.
func (p *Pushes) pushKept(c *Session) {
	if c.pushes.Len() == 0 || p.keepsPushes(c) {
		return
	}
	c.Output.TakeAll(p.x.blocks, &c.pushes)
}

// pushMark is the first byte of what is no reply: RESP2 has arrays only.
func (c *Session) pushMark() byte {
	if c.Proto == 3 {
		return '>'
	}
	return '*'
}

// ConnEnded records that a connection has ended: no message is on its way there any more.
func (p *Pushes) ConnEnded(l *upstream.Conn) {
	if p.publishes == l {
		p.publishes = nil
	}
}
