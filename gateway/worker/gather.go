package worker

import (
	"time"

	"evergate/gateway/upstream"
)

// A message for many is a write for each of them. While another one is being published by a client of this worker,
// those that are there wait for it, a millisecond at most: it comes with the answer to its PUBLISH, and one write gives
// both. A server does the same without meaning to, since it reads what was published while it wrote.

const (
	// gatherFrom is the audience from which it is worth it.
	gatherFrom = 64
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
func (w *Worker) gather(c *client) {
	if c.due != notDue {
		return
	}
	if len(w.gathered) == 0 {
		w.gatheredAt = w.clock.Now
	}
	c.due = dueLater
	w.gathered = append(w.gathered, c.ref)
}

// moreToGather says that a message has been sent to a server and is not answered.
func (w *Worker) moreToGather() bool {
	l := w.publishes
	return l != nil && l.State == upstream.Open && l.Queue.AnsweredTo() < w.publishEnd &&
		w.clock.Now < w.gatheredAt+gatherFor
}

// writeGathered has what was gathered written, unless more is to come.
func (w *Worker) writeGathered() {
	switch {
	case len(w.gathered) == 0:
		return
	case w.moreToGather():
		w.clock.At(w.gatheredAt + gatherFor)
		return
	}
	for _, who := range w.gathered {
		if c := w.client(who); c != nil && c.due == dueLater {
			w.dirtyClient(c)
		}
	}
	w.gathered = w.gathered[:0]
}
