// Package history checks what concurrent clients read and wrote: whether any of them read an older value than it had to
// see. It is pure: operations with their times go in, anomalies come out.
//
// Each write of a history has a value of its own, so that a read tells which write it saw. Two writes are in a known
// order if the first was answered before the second was sent; all else may have happened in any order. An anomaly is
// reported only where every order of the operations has it, so that there is no false alarm, whatever the clocks of
// servers say. All times are of one clock, that of the clients.
package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Outcome is how an operation ended.
type Outcome uint8

const (
	// Done: it was answered.
	Done Outcome = iota
	// Unknown: a write that may have been executed, or may yet be.
	Unknown
	// Failed: it was certainly not executed.
	Failed
)

// Nothing is the value of a read that found no value.
const Nothing = 0

// Op is one operation. Times are since the start of the history.
type Op struct {
	// Session is the connection that sent it. A session sends its next operation after the last one has ended.
	Session int
	Key     int
	Write   bool
	// Value is what was written, above 0 and used once in a history, or what was read; see Nothing.
	Value int64
	// Sent is when it was sent, Ended when its reply was there, or when its client gave it up.
	Sent, Ended time.Duration
	Outcome     Outcome
}

// never is when a write whose outcome is unknown has ended.
const never = time.Duration(math.MaxInt64)

// Kind is the kind of an anomaly.
type Kind uint8

const (
	// Stale: a read did not see a write that had been acknowledged before the read was sent, to any connection.
	Stale Kind = iota
	// Backwards: a session read something older than what it had read before.
	Backwards
	// Phantom: a read returned what was never written, or what a write had that was rejected.
	Phantom

	// Kinds is how many kinds there are.
	Kinds = int(Phantom) + 1
)

var kindNames = [...]string{"stale", "backwards", "phantom"}

func (k Kind) String() string { return kindNames[k] }

// Anomaly is a read that no order of the operations explains.
type Anomaly struct {
	Kind Kind
	Read Op
	// Saw is the write that it saw, Missed one that it had to see instead: both zero if there is none.
	Saw, Missed Op
}

// String returns the anomaly as a sentence. Values are numbers of the history's own.
func (a Anomaly) String() string {
	saw := "nothing"
	if a.Read.Value != Nothing {
		saw = fmt.Sprintf("value %d", a.Read.Value)
	}
	text := fmt.Sprintf("a read of key %d sent at %s saw %s", a.Read.Key, a.Read.Sent.Round(time.Microsecond), saw)
	switch a.Kind {
	case Phantom:
		return text + ", which was never written, or was rejected"
	case Backwards:
		return text + fmt.Sprintf(", although its connection had already seen value %d or something later", a.Missed.Value)
	}
	return text + fmt.Sprintf(", although value %d had been acknowledged at %s", a.Missed.Value,
		a.Missed.Ended.Round(time.Microsecond))
}

// examplesMax is how many anomalies are kept of each kind.
const examplesMax = 5

// Findings are the result of a check.
type Findings struct {
	Reads, Writes int
	// Counts is how many anomalies there are of each kind.
	Counts [Kinds]int
	// Examples are the first of each kind.
	Examples []Anomaly
	// Lost are acknowledged writes that no read saw after a failover, although older values were read then: the new
	// primary did not have them.
	Lost int
}

// Kept reports whether there is no anomaly.
func (f *Findings) Kept() bool { return f.Counts == [Kinds]int{} }

// Failover is when a new primary began to accept writes: at some moment from From to To. It may lack writes that were
// acknowledged before.
type Failover struct{ From, To time.Duration }

// Check looks for anomalies. A write that is missing since a failover counts as lost, and as an anomaly only if it was
// read after the failover all the same.
func Check(ops []Op, failovers []Failover) *Findings {
	c := checker{found: &Findings{}, keys: map[int]*key{}, writes: map[int64]*write{}, failovers: failovers}
	sorted := slices.Clone(ops)
	slices.SortStableFunc(sorted, func(a, b Op) int { return cmp.Compare(a.Sent, b.Sent) })
	c.take(sorted)
	c.noteSeen(sorted)
	sessions := map[int]*session{}
	for _, op := range sorted {
		if op.Write || op.Outcome != Done {
			continue
		}
		s := sessions[op.Session]
		if s == nil {
			s = &session{keys: map[int]seen{}}
			sessions[op.Session] = s
		}
		c.read(op, s)
	}
	c.found.Lost = len(c.lost)
	return c.found
}
