package exchange

import (
	"time"

	"evergate/gateway/upstream"
)

// A message for many is a write for each of them. While another one is being published by a client of this worker,
// those that are there wait for it, a millisecond at most: it comes with the answer to its PUBLISH, and one write gives
// both. A server does the same without meaning to, since it reads what was published while it wrote.

const (
	// GatherFrom is the audience from which it is worth it.
	GatherFrom = 64
	// gatherFor is the longest that a message waits.
	gatherFor = time.Millisecond
)

// due says when what a client is given is written.
type due uint8

const (
	notDue   due = iota
	dueLater     // it is named in Worker.gathered
	dueNow       // it is named in out.Clients
)

// gather notes that a message for a client is to be written, with others if they come.
func (p *Pushes) gather(c *Session) {
	if c.due != notDue {
		return
	}
	if len(p.gathered) == 0 {
		p.gatheredAt = p.x.clock.Now
	}
	c.due = dueLater
	p.gathered = append(p.gathered, c.Ref)
}

// moreToGather says that a message has been sent to a server and is not answered.
func (p *Pushes) moreToGather() bool {
	l := p.publishes
	return l != nil && l.State == upstream.Open && l.Queue.AnsweredTo() < p.publishEnd &&
		p.x.clock.Now < p.gatheredAt+gatherFor
}

// WriteGathered has what was gathered written, unless more is to come.
func (p *Pushes) WriteGathered() {
	switch {
	case len(p.gathered) == 0:
		return
	case p.moreToGather():
		p.x.clock.At(p.gatheredAt + gatherFor)
		return
	}
	for _, who := range p.gathered {
		if c := p.x.Session(who); c != nil && c.due == dueLater {
			p.x.write(c)
		}
	}
	p.gathered = p.gathered[:0]
}
