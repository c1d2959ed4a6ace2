package sim

import (
	"time"

	"evergate/topology"
)

// receipt is what the State told of a switch, with what was true then.
type receipt struct {
	topology.Receipt
	at       time.Duration
	from, to *node
	// has is what the new primary had, began when the old one became primary.
	has   map[int]bool
	began time.Duration
}

// told takes the events of the State to the judge.
func (j *judge) told(e topology.Event) {
	w := j.w
	switch e.Kind {
	case topology.Alarm:
		j.noticed[e.Subject] = w.now
		return
	case topology.ReceiptGiven:
		j.noticed[e.From], j.noticed[e.To] = w.now, w.now
	default:
		return
	}
	r := receipt{Receipt: *e.Receipt, at: w.now}
	for _, n := range w.nodes {
		if n.addr == e.From {
			r.from = n
		}
		if n.addr == e.To {
			r.to = n
		}
	}
	r.has = clone(r.to.has)
	for _, last := range j.receipts {
		if last.to == r.from {
			r.began = last.at
		}
	}
	j.receipts = append(j.receipts, r)
}

// checkReceipts counts what each switch, and each restart of a primary that stays one, lost of what the old primary had
// acknowledged.
func (j *judge) checkReceipts() {
	for i := range j.receipts {
		r := &j.receipts[i]
		lost := j.lostBy(r)
		if lost > 0 {
			j.losses++
		}
		if r.Proven && uint64(lost) > r.Lost {
			j.w.ledger.fail("the receipt of the switch from %s to %s at %v says %q, but %d are lost", r.from.addr,
				r.to.addr, r.at, r.String(), lost)
		}
	}
}

// lostBy counts the writes that were acknowledged by the old primary of a switch, and are not in the new one.
func (j *judge) lostBy(r *receipt) int {
	count := 0
	for _, q := range j.w.ledger.requests {
		if q.state != acknowledged || !q.writes() {
			continue
		}
		for _, at := range q.ran {
			e := &j.w.ledger.execs[at]
			if e.on == r.from && e.at >= r.began && e.readAt <= r.at && !r.has[at] {
				count++
				break
			}
		}
	}
	return count
}
