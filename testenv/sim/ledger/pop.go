package ledger

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"evergate/testenv/sim/network"
)

// A list has elements, each the number of the push that brought it. A pop takes one. So for each element that was taken
// it is known for which request, and that request must have been answered with it.

// pop is an execution that took an element.
type pop struct{ element, exec int }

// Took notes an execution that takes an element from a list, and returns its number.
func (l *Ledger) Took(args [][]byte, element int, on Where) int {
	at := len(l.Execs)
	r := l.Identify(args)
	l.permitted(r, on)
	l.Execs = append(l.Execs, Execution{Request: r.ID, Where: on, Number: at})
	switch {
	case r.State == Refused && !l.PopsRetried:
		l.Fail("%v took #%d on %s after its client was told that it was not executed", r, element, on.Node)
	case len(r.pops) > 0 && !l.PopsRetried:
		l.Fail("%v was executed twice: on %s and on %s", r, l.Execs[r.pops[0].exec].Node, on.Node)
	case r.took:
		l.Fail("%v took #%d on %s after its client was given another", r, element, on.Node)
	}
	r.pops = append(r.pops, pop{element, at})
	return at
}

// popAnswered checks the reply to a pop: nothing, or an element that was taken for it.
func (l *Ledger) popAnswered(r *Request, reply []byte) {
	text := strings.TrimSpace(string(reply))
	if text == "_" || text == "*-1" {
		return
	}
	words := elementsOf(reply)
	for _, p := range slices.Backward(r.pops) { // one that was retried after a failover may take the same element again
		if len(words) == 2 && words[0] == r.keys[0] && words[1] == strconv.Itoa(p.element) {
			r.took, r.Ran[words[0]] = true, p.exec
			return
		}
	}
	l.Fail("%v was answered %q, which was not taken for it", r, network.Clip(bytes.TrimSpace(reply)))
}

// Pops fails where an element was taken, and its client neither given it nor told that nobody knows. Where lost pops
// are retried, what came on a connection that was lost, or from a node that was being left, is lost.
func (l *Ledger) Pops() {
	given := map[int]*Request{}
	for _, r := range l.Requests {
		for _, p := range r.pops {
			e := &l.Execs[p.exec]
			switch {
			case r.took && r.Ran[r.keys[0]] == p.exec:
				if other := given[p.element]; other != nil && !l.Execs[other.Ran[other.keys[0]]].lost && l.Left == nil {
					l.Fail("%v and %v were both given #%d", other, r, p.element)
				}
				given[p.element] = r
			case r.State == orphaned || r.State == Uncertain:
			case !l.PopsRetried || e.ReadAt > 0 && (l.Left == nil || !l.Left(e)):
				l.Fail("%v took #%d on %s, which the gateway read at %v and gave to nobody: the request is %s", r,
					p.element, e.Node, e.ReadAt, StateNames[r.State])
			}
		}
	}
}

// Kept fails where an element that was acknowledged is in no list, was not taken, and was not lost with its node. there
// says that the servers still have it, or have lost that execution.
func (l *Ledger) Kept(there func(list string, element, exec int) bool) {
	taken := map[int]bool{}
	for _, r := range l.Requests {
		for _, p := range r.pops {
			taken[p.element] = true
		}
	}
	for _, r := range l.Requests {
		if r.Kind != Push || r.State != Acknowledged || taken[r.ID] {
			continue
		}
		if at := r.Ran[r.keys[0]]; !l.Execs[at].lost && !there(r.keys[0], r.ID, at) {
			l.Fail("the element of %v is in no list, and nobody took it", r)
		}
	}
}
