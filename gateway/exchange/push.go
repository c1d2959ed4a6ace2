package exchange

import (
	"time"

	"evergate/gateway/downstream"
	"evergate/gateway/facade"
	"evergate/gateway/fanout"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
)

// Pushes are what clients are given that is no reply.
type Pushes struct {
	x *Exchange
	// gathered are clients whose messages wait for others, since gatheredAt. publishes is the connection that the last
	// message was sent on, publishEnd the offset behind it.
	gathered   []session.Ref
	gatheredAt time.Duration
	publishes  *upstream.Conn
	publishEnd uint64
}

// subscriber is what a session listens to.
type subscriber struct {
	fanout.Listener
	// published is the place of the answer to the last message that it has published itself, as long as publishes says so.
	published uint32
	// keptFor is the place of the answer behind which the messages come that are kept.
	keptFor   uint32
	publishes bool
}

// Slow is a subscriber that was cut because it reads too slowly.
type Slow struct {
	Number int64 // CLIENT ID
	Remote string
	Name   string // CLIENT SETNAME
	Bytes  int    // that waited for it
}

// Listen gives a session something to listen with.
func (c *Session) Listen() {
	if c.Subs == nil {
		c.own().Subs = &subscriber{Listener: fanout.Listener{Ref: c.Ref}}
	}
}

// StopListening takes it away: it listens to nothing any more.
func (c *Session) StopListening() { c.Subs = nil }

// Subscribed says that a session listens to something. In RESP2 it may do little else.
func (c *Session) Subscribed() bool { return c.Subs != nil && c.Subs.Any() }

// ListenAsSentinel gives a client of a Sentinel something to listen with; nil takes it away.
func (c *Session) ListenAsSentinel(to *facade.Subscriptions) {
	if to != nil || c.Listens != nil {
		c.own().Listens = to
	}
}

// Push gives a message to a client, as one of many or not. frame is a push of RESP3; in RESP2 it is an array, and else
// the same.
func (p *Pushes) Push(c *Session, frame []byte, many bool) {
	if c.closed || c.Ending {
		return
	}
	p.x.totals.Delivered++
	if to := p.Hand(c, frame, many); to != nil {
		to.Mark(len(frame), c.pushMark())
	}
}

// Hand gives a client bytes that are no reply, between its replies, and returns where they are at the end of. It
// returns nil when the client was closed, since it reads too slowly. Where it may they wait for others.
func (p *Pushes) Hand(c *Session, frame []byte, may bool) *downstream.Output {
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
	size := c.Output.Len() + c.pushes.Len()
	if size <= p.x.conf.PushBytesMax {
		return to
	}
	name := ""
	if c.Identity != nil {
		name = c.Identity.Name
	}
	p.x.conf.Cut(c.Service.Index, Slow{Number: c.Number, Remote: c.Remote, Name: name, Bytes: size})
	p.x.Close(c, session.SlowSubscriber)
	return nil
}

// midReply says that a client was given the beginning of a reply.
func (p *Pushes) midReply(c *Session) bool {
	for i := range c.inFlight {
		if c.streamsTo(c.inFlight[i].conn) {
			return true
		}
	}
	return false
}

// keepsPushes says that messages wait for the end of a reply: of one that the client was given the beginning of, or of
// the answer to what it publishes itself and may listen to, whichever connection is sooner.
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

// pushKept gives a client the messages that were kept behind a reply, when that has been given.
func (p *Pushes) pushKept(c *Session) {
	if c.pushes.Len() == 0 || p.keepsPushes(c) {
		return
	}
	c.Output.Append(p.x.blocks, c.pushes.Bytes())
	c.pushes.Drop(p.x.blocks)
}

// pushMark begins what is no reply: RESP2 has arrays only.
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
