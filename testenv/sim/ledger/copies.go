package ledger

import (
	"slices"
	"time"
)

// Where replicas must confirm a write (--acks), its client may be answered only when so many have it.

// copies are the nodes that have what an execution wrote on another one.
type copies struct {
	arrivals []arrival
	// forgotten: a node that had it came back without.
	forgotten bool
}

type arrival struct {
	node int
	at   time.Duration
}

// Arrived notes that a node has what an execution wrote.
func (e *Execution) Arrived(node int, now time.Duration) {
	if e.On != node && !e.reached(node) {
		e.arrivals = append(e.arrivals, arrival{node, now})
	}
}

// Forgot notes that a node which had what an execution wrote came back without.
func (e *Execution) Forgot() { e.forgotten = true }

// Copied notes that a node has all that another one has.
func (l *Ledger) Copied(from, to int, now time.Duration) {
	for at := range l.Execs {
		if e := &l.Execs[at]; !e.lost && (e.On == from || e.reached(from)) {
			e.Arrived(to, now)
		}
	}
}

func (c *copies) reached(node int) bool {
	return slices.ContainsFunc(c.arrivals, func(a arrival) bool { return a.node == node })
}

// Copies counts the other nodes that had at a time what an execution wrote.
func (c *copies) Copies(when time.Duration) (n int) {
	for _, a := range c.arrivals {
		if a.at <= when {
			n++
		}
	}
	return n
}

// Everywhere reports whether so many other nodes had it at a time, and none came back without.
func (c *copies) Everywhere(when time.Duration, others int) bool {
	return !c.forgotten && c.Copies(when) >= others
}

// Replies notes when the gateway had sent the reply to a request.
func (r *Request) Replies(at time.Duration) { r.answeredAt = at }

// Span is from when to when a request was under way.
func (r *Request) Span() (sent, answered time.Duration) { return r.sentAt, r.answeredAt }

// Chooses notes what a PROXY ACKS chooses, Under that it was the last one that the client of a request had sent.
func (r *Request) Chooses(level string) { r.level = level }
func (r *Request) Under(acks *Request)  { r.under = acks }

// OwnAcks is how many replicas its client had chosen for a request that was answered; empty where it had not.
func (r *Request) OwnAcks() string {
	if r.under == nil || r.under.State != Acknowledged || r.under.level == "default" {
		return ""
	}
	return r.under.level
}
