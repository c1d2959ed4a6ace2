// Package ledger has every request of a drill, the figures made of them, and the verdict. It is pure: the ends of the
// requests, the data that was read back and the marks of the observers go in, a judgement comes out.
package ledger

import (
	"slices"
	"strings"
	"time"
)

// Kind is what a request does.
type Kind uint8

const (
	// Set writes a key of its own: what was acknowledged must be there at the end.
	Set Kind = iota
	// Incr counts on the connection's counter: acknowledged <= value <= acknowledged + uncertain.
	Incr
	// Push appends a number to the connection's list and belongs to a client that gives up early: a smaller number
	// after a larger one was executed after its client had left.
	Push
	// Get reads a key that was written before the drill began and never changes.
	Get
)

var kindNames = [...]string{"set", "incr", "push", "get"}

func (k Kind) String() string { return kindNames[k] }

// Writes reports whether the request changes data.
func (k Kind) Writes() bool { return k != Get }

// Outcome is how a request ended, as its client saw it.
type Outcome uint8

const (
	// Acknowledged: the expected reply.
	Acknowledged Outcome = iota
	// Uncertain: the reply was -UNCERTAIN.
	Uncertain
	// Refused: another error reply. It should not have been executed.
	Refused
	// Broken: the connection ended, or could not be made, before a reply.
	Broken
	// Wrong: a reply that belongs to another request.
	Wrong
	// GaveUp: the client left before a reply.
	GaveUp
	// Unanswered: still without a reply when the drill ended.
	Unanswered
)

var outcomeNames = [...]string{"acknowledged", "uncertain", "refused", "broken", "wrong", "gave up", "unanswered"}

func (o Outcome) String() string { return outcomeNames[o] }

// Entry is one request. Times are since the drill's start.
type Entry struct {
	// Conn is the connection; Number counts its requests from 0 and names the key.
	Conn, Number int
	Kind         Kind
	// Struck reports whether the key belongs to the shard whose primary the drill breaks.
	Struck bool
	// Patience is set for clients that give up: they are counted apart.
	Patience time.Duration
	// Intended is when the request should have been sent, Sent when it was (-1: never), Done when its end was known.
	Intended, Sent, Done time.Duration
	Outcome              Outcome
	// Text is the error reply, or the error of the connection; empty when acknowledged.
	Text string
}

// Prefix returns the first word of Text: the error's prefix, or "closed" and the like for connections.
func (e *Entry) Prefix() string {
	word, _, _ := strings.Cut(e.Text, " ")
	return word
}

// maybe reports whether a write may have been executed without an acknowledgement.
func (e *Entry) maybe() bool {
	switch e.Outcome {
	case Uncertain, GaveUp, Unanswered, Wrong:
		return true
	case Broken:
		return e.Sent >= 0
	default:
		return false
	}
}

// Found holds the data that was read back after the drill.
type Found struct {
	// Keys are those that exist, by connection and number.
	Keys map[[2]int]bool
	// Counters are the values by connection.
	Counters map[int]int64
	// Lists are the lists by connection.
	Lists map[int][]int
}

// Account counts the fates of the writes.
type Account struct {
	// Acknowledged counts writes, Lost those of them that are not there, LastLost the time of the latest one's
	// acknowledgement (-1: none).
	Acknowledged, Lost int
	LastLost           time.Duration
	// FirstLost is the time of the earliest lost one's acknowledgement; counters have no times.
	FirstLost time.Duration
	// Twice counts executions beyond one for each write that may have been executed.
	Twice int
	// Late counts writes that were executed after their client had left and gone on, although they were sent while there
	// was no primary. Overtaken counts the others of that kind: they were in flight to a server when their client left,
	// and cannot be recalled.
	Late, Overtaken int
	// RefusedRun counts writes that were refused and executed.
	RefusedRun int
}

// SentWithoutPrimary reports whether a request was sent when no primary could take it: later than window after a
// strike, and before the next primary accepted writes.
func SentWithoutPrimary(m Marks, window time.Duration) func(*Entry) bool {
	return func(e *Entry) bool {
		for i, strike := range m.Strikes {
			if i < len(m.Accepts) && e.Sent > strike+window && e.Sent < m.Accepts[i] {
				return true
			}
		}
		return false
	}
}

// Balance compares the acknowledged writes with the data that was found. waiting reports whether no server can have
// received a request before its client left.
func Balance(entries []Entry, found Found, waiting func(*Entry) bool) Account {
	a := Account{LastLost: -1, FirstLost: -1}
	type count struct{ acked, maybe int64 }
	counters := map[int]*count{}
	lists := map[int][]Entry{}
	for i := range entries {
		e := &entries[i]
		if e.Kind.Writes() && e.Outcome == Acknowledged {
			a.Acknowledged++
		}
		switch e.Kind {
		case Set:
			there := found.Keys[[2]int{e.Conn, e.Number}]
			switch {
			case e.Outcome == Acknowledged && !there:
				a.lose(e.Done)
			case there && e.Outcome != Acknowledged && !e.maybe():
				a.RefusedRun++
			}
		case Incr:
			c := counters[e.Conn]
			if c == nil {
				c = &count{}
				counters[e.Conn] = c
			}
			if e.Outcome == Acknowledged {
				c.acked++
			} else if e.maybe() {
				c.maybe++
			}
		case Push:
			lists[e.Conn] = append(lists[e.Conn], *e)
		case Get:
		}
	}
	for conn, c := range counters {
		value := found.Counters[conn]
		a.Lost += int(max(c.acked-value, 0))
		a.Twice += int(max(value-c.acked-c.maybe, 0))
	}
	for conn, pushed := range lists {
		a.weigh(pushed, found.Lists[conn], waiting)
	}
	return a
}

func (a *Account) lose(at time.Duration) {
	a.Lost++
	a.LastLost = max(a.LastLost, at)
	if a.FirstLost < 0 || at < a.FirstLost {
		a.FirstLost = at
	}
}

// weigh compares one list with what was pushed.
func (a *Account) weigh(pushed []Entry, list []int, waiting func(*Entry) bool) {
	times := map[int]int{}
	waited := map[int]bool{}
	for i := range pushed {
		waited[pushed[i].Number] = waiting(&pushed[i])
	}
	highest := -1
	for _, number := range list {
		times[number]++
		switch {
		case times[number] > 1:
			a.Twice++
		case number < highest && waited[number]:
			a.Late++
		case number < highest:
			a.Overtaken++
		}
		highest = max(highest, number)
	}
	for i := range pushed {
		e := &pushed[i]
		switch n := times[e.Number]; {
		case n == 0 && e.Outcome == Acknowledged:
			a.lose(e.Done)
		case n > 0 && e.Outcome != Acknowledged && !e.maybe():
			a.RefusedRun++
		}
	}
}

// byDone orders entries by the time at which their end was known.
func byDone(entries []Entry) []Entry {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b Entry) int { return int(a.Done - b.Done) })
	return sorted
}
