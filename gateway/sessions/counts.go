package sessions

import (
	"bytes"
	"math"
	"time"

	"evergate/gateway/freshness"
	"evergate/gateway/latency"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
)

// Counts are the counters of one service since the start, those of its users' sub-services included.
type Counts struct {
	// Requests that were sent to servers, by the purpose of the connection. Local, Refused, Uncertain and Retried are as
	// in Totals and exchange.Totals.
	Requests                           [upstream.Purposes]uint64
	Local, Refused, Uncertain, Retried uint64
	// Errors are error replies that clients got, from servers or the gateway, and errors among the replies in that to an
	// EXEC, by prefix.
	Errors [ErrorPrefixes]uint64
	// Holds are buffers that began; HoldRefused and HoldOverfull are requests that did not wait, as in Totals.
	Holds, HoldRefused, HoldOverfull uint64
	// Held, Released, Expired and Left are the requests that waited for a server, as in Totals. Waited are how long, by
	// how the wait ended; nil: none.
	Held, Released, Expired, Left uint64
	Waited                        [HeldEnds]*latency.Histogram
	// OnPrimary are the reads of sessions whose reads go to replicas that a primary got nevertheless, by the reason.
	OnPrimary [freshness.OnPrimaryReasons]uint64
	// Acks are those of writes that replicas must confirm.
	Acks AckCounts
	// Hedges are those of reads that were late.
	Hedges HedgeCounts
}

// HedgeCounts count the reads that were sent to a second replica: Sent = Won + Lost + those that are under way. Won are
// those that it answered first. Denied were late and not sent, since too many were in the last seconds, or too many of
// one client at a time; for those in NoReplica no other replica could serve them.
type HedgeCounts struct {
	Sent, Won, Lost   uint64
	Denied, NoReplica uint64
}

// Add adds other counters.
func (c *HedgeCounts) Add(o *HedgeCounts) {
	c.Sent, c.Won, c.Lost = c.Sent+o.Sent, c.Won+o.Won, c.Lost+o.Lost
	c.Denied, c.NoReplica = c.Denied+o.Denied, c.NoReplica+o.NoReplica
}

// AckCounts are the counters of writes that replicas must confirm.
type AckCounts struct {
	// Confirmed are the writes that replicas confirmed in time, Unconfirmed those that they did not: those count as
	// Uncertain. Lacking are the requests that were rejected, since too few replicas were attached.
	Confirmed, Unconfirmed, Lacking uint64
	// Waits are how long the answers to WAITs took; nil: none.
	Waits *latency.Histogram
}

// Add adds the counters of another service.
func (c *Counts) Add(o *Counts) {
	for i, n := range o.Requests {
		c.Requests[i] += n
	}
	c.Local, c.Refused = c.Local+o.Local, c.Refused+o.Refused
	c.Uncertain, c.Retried = c.Uncertain+o.Uncertain, c.Retried+o.Retried
	for p, n := range o.Errors {
		c.Errors[p] += n
	}
	c.Holds, c.HoldRefused = c.Holds+o.Holds, c.HoldRefused+o.HoldRefused
	c.HoldOverfull += o.HoldOverfull
	c.Held, c.Released = c.Held+o.Held, c.Released+o.Released
	c.Expired, c.Left = c.Expired+o.Expired, c.Left+o.Left
	for how, h := range o.Waited {
		latency.Sum(&c.Waited[how], h)
	}
	for why, n := range o.OnPrimary {
		c.OnPrimary[why] += n
	}
	c.Acks.Confirmed, c.Acks.Unconfirmed = c.Acks.Confirmed+o.Acks.Confirmed, c.Acks.Unconfirmed+o.Acks.Unconfirmed
	c.Acks.Lacking += o.Acks.Lacking
	latency.Sum(&c.Acks.Waits, o.Acks.Waits)
	c.Hedges.Add(&o.Hedges)
}

// AllServed calls yield for each service, and for those of users that nobody uses any more.
func (x *Sessions) AllServed(yield func(*Service) bool) {
	for _, s := range x.served {
		if s != nil && !yield(s) {
			return
		}
	}
}

// Counted returns the counters.
func (s *Service) Counted() *Counts { return &s.counts }

// CountError counts an error reply that a client gets, or an error within one.
func (s *Service) CountError(reply []byte) { s.counts.Errors[prefixOf(reply)]++ }

// newError is what is before each error within a reply.
var newError = []byte("\r\n-")

// CountErrorsIn counts the errors among the elements of an array that a client gets.
func (s *Service) CountErrorsIn(reply []byte) {
	if !bytes.Contains(reply, newError) {
		return
	}
	elements, _ := resp.Elements(reply)
	for _, e := range elements {
		if e[0] == '-' {
			s.CountError(e)
		}
	}
}

// CountSent counts a request that was sent on a connection.
func (s *Service) CountSent(l *upstream.Conn) { s.counts.Requests[l.Key.Purpose]++ }

// CountUncertain counts a reply that the outcome of a write is unknown.
func (s *Service) CountUncertain() { s.counts.Uncertain++ }

// CountRetried counts a request that is sent again.
func (s *Service) CountRetried() { s.counts.Retried++ }

// CountOnPrimary counts a read of a session whose reads go to replicas that a primary gets nevertheless.
func (s *Service) CountOnPrimary(why freshness.OnPrimary) { s.counts.OnPrimary[why]++ }

// CountConfirmed counts a write that replicas have confirmed, CountUnconfirmed one that they have not, and CountLacking
// a request that was rejected for lack of replicas.
func (s *Service) CountConfirmed()   { s.counts.Acks.Confirmed++ }
func (s *Service) CountUnconfirmed() { s.counts.Acks.Unconfirmed++ }
func (s *Service) CountLacking()     { s.counts.Acks.Lacking++ }

// CountWait counts how long the answer to a WAIT took.
func (s *Service) CountWait(took time.Duration) {
	if s.counts.Acks.Waits == nil {
		s.counts.Acks.Waits = &latency.Histogram{}
	}
	s.counts.Acks.Waits.Add(micros(took))
}

// micros is a time for a histogram.
func micros(d time.Duration) uint32 { return uint32(min(d/time.Microsecond, math.MaxUint32)) }

// LongestWait is the longest wait of a request for a server, of those that ended in the last second or two.
func (s *Service) LongestWait() time.Duration { return s.waits.Longest(s.x.clock.Now) }

// HeldEnd is how the wait of a request for a server ended.
type HeldEnd uint8

const (
	// Released: it was executed, or answered otherwise than for the wait.
	Released HeldEnd = iota
	// Expired: it waited for as long as it may, and got an error.
	Expired
	// Left: its client has left.
	Left

	// HeldEnds is the number of ends.
	HeldEnds = int(Left) + 1
)

var heldNames = [HeldEnds]string{"resumed", "timed_out", "abandoned"}

// String returns the name in metrics.
func (h HeldEnd) String() string { return heldNames[h] }

// countHeld counts the end of a wait, which took so long.
func (s *Service) countHeld(how HeldEnd, took time.Duration) {
	totals := &s.x.totals
	switch how {
	case Released:
		totals.HoldReleased++
		s.counts.Released++
	case Expired:
		totals.HoldExpired++
		s.counts.Expired++
	case Left:
		totals.HoldLeft++
		s.counts.Left++
	}
	s.waits.Note(s.x.clock.Now, took)
	if s.counts.Waited[how] == nil {
		s.counts.Waited[how] = &latency.Histogram{}
	}
	s.counts.Waited[how].Add(micros(took))
}

func (s *Service) countRefused() {
	s.x.totals.Refused++
	s.counts.Refused++
}

// ErrorPrefix is the first word of an error reply, if it is one of those that servers and the gateway use: scripts may
// return errors with any word.
type ErrorPrefix uint8

// otherPrefix is any other word.
const otherPrefix ErrorPrefix = 0

// errorPrefixes are their names in metrics.
var errorPrefixes = [...]string{
	"other", "ERR", "WRONGTYPE", "OOM", "NOSCRIPT", "BUSY", "BUSYKEY", "BUSYGROUP", "NOGROUP",
	"UNKILLABLE", "NOTBUSY", "EXECABORT", "CROSSSLOT", "NOPERM", "NOAUTH", "WRONGPASS", "NOPROTO",
	"MISCONF", "NOREPLICAS", "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "MOVED", "ASK",
	"TRYAGAIN", "UNBLOCKED", "UNCERTAIN", "INPROG", "IOERR",
}

// ErrorPrefixes is the number of prefixes.
const ErrorPrefixes = len(errorPrefixes)

// String returns the name in metrics.
func (p ErrorPrefix) String() string { return errorPrefixes[p] }

var prefixNamed = func() map[string]ErrorPrefix {
	named := map[string]ErrorPrefix{}
	for p, name := range errorPrefixes {
		named[name] = ErrorPrefix(p)
	}
	delete(named, otherPrefix.String())
	return named
}()

// prefixOf returns the prefix of an error reply.
func prefixOf(reply []byte) ErrorPrefix {
	word := reply[1:]
	if end := bytes.IndexAny(word, " \r"); end >= 0 {
		word = word[:end]
	}
	return prefixNamed[string(word)]
}
