package judge

import (
	"time"

	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/redis"
	"evergate/topology/decide"
)

// receipt is what the State told of a switch, with what was true then.
type receipt struct {
	decide.Receipt
	at       time.Duration
	from, to *redis.Node
	// has is what the new primary had, began when the old one became primary.
	has   map[int]bool
	began time.Duration
}

// Event takes the events of the State to the judge.
func (j *Judge) Event(e decide.Event) {
	w := j.w
	switch e.Kind {
	case decide.Alarm:
		j.noticed[e.Subject] = w.Now
		return
	case decide.ReceiptGiven:
		j.noticed[e.From], j.noticed[e.To] = w.Now, w.Now
	default:
		return
	}
	r := receipt{Receipt: *e.Receipt, at: w.Now}
	for _, n := range w.Nodes {
		if n.Addr == e.From {
			r.from = n
		}
		if n.Addr == e.To {
			r.to = n
		}
	}
	r.has = redis.Clone(r.to.Has)
	for _, last := range j.receipts {
		if last.to == r.from {
			r.began = last.at
		}
	}
	j.receipts = append(j.receipts, r)
}

// checkReceipts counts what each switch, and each restart of a primary that stays one, lost of what the old primary had
// acknowledged.
func (j *Judge) checkReceipts() {
	for i := range j.receipts {
		r := &j.receipts[i]
		lost := j.lostBy(r)
		if lost > 0 {
			j.losses++
		}
		if r.Proven && uint64(lost) > r.Lost {
			j.w.Ledger.Fail("the receipt of the switch from %s to %s at %v says %q, but %d are lost", r.from.Addr,
				r.to.Addr, r.at, r.String(), lost)
		}
	}
}

// lostBy counts the writes that were acknowledged by the old primary of a switch, and are not in the new one.
func (j *Judge) lostBy(r *receipt) int {
	count := 0
	for _, q := range j.w.Ledger.Requests {
		if q.State != ledger.Acknowledged || !q.Writes() {
			continue
		}
		for _, at := range q.Ran {
			e := &j.w.Ledger.Execs[at]
			if e.On == r.from.ID && e.At >= r.began && e.ReadAt <= r.at && !r.has[at] {
				count++
				break
			}
		}
	}
	return count
}
