package sessions

import (
	"time"

	"evergate/gateway/upstream"
)

// A message with many subscribers costs a write for each of them. While another message of this worker's clients is on
// its way to a server, those that are there wait for it, a millisecond at most, and one write delivers both. A server
// does so by itself: it reads what was published while it was writing.

const (
	// GatherFrom is the number of subscribers from which a message waits.
	GatherFrom = 64
	// gatherFor is the longest that it does.
	gatherFor = time.Millisecond
)

// gather makes a message wait to be written together with others.
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

// moreToGather reports whether the server has yet to acknowledge a message that was published.
func (p *Pushes) moreToGather() bool {
	l := p.publishes
	return l != nil && l.State == upstream.Open && l.Queue.AnsweredTo() < p.publishEnd &&
		p.x.clock.Now < p.gatheredAt+gatherFor
}

// WriteGathered makes the loop write what was gathered, unless more is to come.
func (p *Pushes) WriteGathered() {
	switch {
	case len(p.gathered) == 0:
		return
	case p.moreToGather():
		p.x.clock.At(p.gatheredAt + gatherFor)
		return
	}
	for _, ref := range p.gathered {
		if c := p.x.Session(ref); c != nil && c.due == dueLater {
			p.x.write(c)
		}
	}
	p.gathered = p.gathered[:0]
}
