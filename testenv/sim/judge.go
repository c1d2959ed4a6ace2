package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/worker"
	"evergate/topology"
)

// judge holds what the State published, and what the gateway's clients were told, against what is true of the servers
// and of the Sentinels. The ledger says whether an answer is true of the execution it speaks of; the judge says whether
// the gateway was right to send the command there, and to pass its answer on.
type judge struct {
	w     *world
	shown []shown // by epoch, from 1
	// switches is how often another primary was published, holds how often a primary was left, withheld how many
	// replies came from one that was being left.
	switches, holds, withheld int
	// receipts are those that the State gave, losses how many switches lost anything.
	receipts []receipt
	losses   int
	// noticed is when the State last told of something wrong with a node: an alarm, or a receipt.
	noticed map[string]time.Duration
}

// shown is one View of a service with one shard.
type shown struct {
	at                         time.Duration
	primary, former, successor *node
	covers                     bool
	// named says that a majority of the Sentinels named the primary then.
	named bool
	// has is what the primary had when it was published in place of another one.
	has map[int]bool
}

// namedFor is how long ago a Sentinel may have named a node for it to count.
const namedFor = 2 * time.Second

func (w *world) nodeOf(n *topology.Node) *node {
	if n == nil {
		return nil
	}
	for _, o := range w.nodes {
		if o.addr == n.Addr {
			return o
		}
	}
	w.ledger.fail("a view names %s, which there is not", n.Addr)
	return nil
}

// published looks at a new View: epochs rise by one, a primary that is left is named, and a new one is either what a
// majority of the Sentinels named, or a primary that descends from the last one.
func (j *judge) published(old, v *topology.View) {
	w := j.w
	if v.Epoch != uint64(len(j.shown))+1 {
		w.ledger.fail("view %d follows view %d", v.Epoch, len(j.shown))
		return
	}
	if w.o.Voice == Bus { // the nodes themselves refuse what does not belong to them
		j.shown = append(j.shown, shown{at: w.now})
		return
	}
	sh := &v.Shards[0]
	now := shown{at: w.now, primary: w.nodeOf(sh.Primary), former: w.nodeOf(sh.Former),
		successor: w.nodeOf(sh.Successor), covers: sh.Covers != nil}
	if now.primary != nil && now.former != nil {
		w.ledger.fail("view %d names the primary %s and the former %s", v.Epoch, now.primary.addr, now.former.addr)
	}
	now.named = now.primary != nil && w.named(now.primary)
	last := j.lastPrimary()
	if now.primary != nil && last != nil && now.primary != last {
		j.switches++
		now.has = clone(now.primary.has)
		if !j.mayFollow(now.primary) {
			w.ledger.fail("view %d names %s after %s: no majority named it, and it does not descend from it", v.Epoch,
				now.primary.addr, last.addr)
		}
	}
	if now.former != nil {
		j.holds++
	}
	j.shown = append(j.shown, now)
}

// lastPrimary is the last primary that a View named.
func (j *judge) lastPrimary() *node {
	for i := len(j.shown) - 1; i >= 0; i-- {
		if p := j.shown[i].primary; p != nil {
			return p
		}
	}
	return nil
}

// mayFollow says whether next may be primary: a majority of the Sentinels names it, or it goes on from a history that
// the last primary had as such; where no majority ever named that one, the primary before it counts too.
func (j *judge) mayFollow(next *node) bool {
	if j.w.named(next) {
		return true
	}
	var last *node
	for i := len(j.shown) - 1; i >= 0; i-- {
		p := j.shown[i].primary
		if p == nil || p == last {
			continue
		}
		if last = p; slices.Contains(p.led, next.replID2) {
			return true
		}
		if j.shown[i].named {
			return false
		}
	}
	return false
}

// named says that a majority of the Sentinels names a node, or did a while ago.
func (w *world) named(n *node) bool {
	count := 0
	for _, s := range w.sentinels {
		if at, ever := s.named[n]; ever && w.now-at < namedFor {
			count++
		}
	}
	return count >= w.quorum()
}

// answered looks at what a client was told.
func (j *judge) answered(r *request, reply []byte) {
	switch {
	case j.w.o.Voice == Bus:
	case r.state == acknowledged && r.writes():
		for _, at := range r.ran {
			j.acknowledged(r, &j.w.ledger.execs[at])
		}
	case r.state == acknowledged && r.kind == getRange:
		if at := executionOf(reply); at >= 0 {
			j.read(r, &j.w.ledger.execs[at])
		}
	case j.w.o.Planned && (r.state == uncertain || r.state == refused):
		j.w.ledger.fail("%v was answered %q in a planned switch", r, clip(reply))
	}
}

// executionOf is the execution that a value tells of, -1 for none.
func executionOf(reply []byte) int {
	_, text, _ := strings.Cut(string(reply[:min(len(reply), 200)]), "@")
	text, _, _ = strings.Cut(text, "=")
	at, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return at
}

// atTheEnd looks at what is left when all is quiet.
func (j *judge) atTheEnd() {
	w := j.w
	if why := w.disagreement(); why != "" {
		w.ledger.fail("after quiet: %s", why)
		return
	}
	j.checkReceipts()
	if lost := j.lost(); lost > 0 && w.o.Planned {
		w.ledger.fail("%d acknowledged writes were lost by planned switches", lost)
	}
}

// acknowledged looks at a write whose client was told that it was executed. It must be in the data of whom the gateway
// calls primary next, if the reply came when its node was no longer primary as far as the gateway knew.
func (j *judge) acknowledged(r *request, e *exec) {
	n := e.on
	if e.seen == 0 || int(e.seen) > len(j.shown) {
		return
	}
	from := int(e.seen) - 1
	if j.shown[from].primary == n {
		for from+1 < len(j.shown) && j.shown[from+1].at <= e.readAt {
			from++ // what the worker had not seen yet when it read the reply
		}
		if p := j.shown[from].primary; p == nil || p == n {
			return
		}
	} else {
		j.withheld++
	}
	for ; from < len(j.shown); from++ {
		next := &j.shown[from]
		if next.primary == nil {
			continue
		}
		if next.primary != n && !next.has[e.number] {
			j.w.ledger.fail("%v was acknowledged: it ran on %s, its reply came when the gateway had left that (view %d), "+
				"and the next primary %s has it not", r, n.addr, e.seen, next.primary.addr)
		}
		return
	}
	j.w.ledger.fail("%v was acknowledged by %s while its shard was held (view %d)", r, n.addr, e.seen)
}

// sent looks at a write that was handed to a lane: the worker's own view must call the node primary, and if that came
// back with less than it had acknowledged, the State must have said so.
func (j *judge) sent(g *gate, l *lane, args [][]byte) {
	n, w := l.node, j.w
	if !writes(args) || g.view == nil || w.o.Voice == Bus {
		return
	}
	if w.nodeOf(g.view.Shards[0].Primary) != n {
		w.ledger.fail("worker %d sent a write to %s under view %d, which does not call that primary", g.number, n.addr,
			g.view.Epoch)
	}
	if n.forgot && n.primary && l.openedAt > n.startedAt && j.noticed[n.addr] < n.startedAt {
		w.ledger.fail("%s came back at %v without what it had acknowledged; nobody noticed, and it is written to", n.addr,
			n.startedAt)
	}
}

// read looks at a read from a primary that was answered: no other one had been published when it ran.
func (j *judge) read(r *request, e *exec) {
	if e.on == nil || j.w.o.Reads != worker.FromPrimary {
		return
	}
	for i := len(j.shown) - 1; i >= 0; i-- {
		if s := &j.shown[i]; s.at < e.at {
			if s.primary != nil && s.primary != e.on {
				j.w.ledger.fail("%v was read from %s at %v, after view %d called %s primary", r, e.on.addr, e.at, i+1,
					s.primary.addr)
			}
			return
		}
	}
}

// ran looks at a write that a node executes now: where its client was told that its outcome is not known, that client's
// next writes may not have been acknowledged by the same node before.
func (j *judge) ran(n *node, at int) {
	execs, requests := j.w.ledger.execs, j.w.ledger.requests
	r := requests[execs[at].request]
	if r.state != uncertain {
		return
	}
	for i := range execs[:at] {
		e := &execs[i]
		if e.on != n || e.request <= r.id || requests[e.request].client != r.client {
			continue
		}
		if q := requests[e.request]; q.writes() && q.state == acknowledged && n.has[i] {
			j.w.ledger.fail("%v runs on %s after its client was told that it may have, and behind %v", r, n.addr, q)
			return
		}
	}
}

// lost counts the acknowledged writes that the last primary has not.
func (j *judge) lost() int {
	w, count := j.w, 0
	last := j.lastPrimary()
	if last == nil {
		return 0
	}
	for _, r := range w.ledger.requests {
		if r.state != acknowledged || !r.writes() {
			continue
		}
		for _, at := range r.ran {
			if !last.has[at] {
				count++
				break
			}
		}
	}
	return count
}
