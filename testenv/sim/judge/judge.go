// Package judge holds the published views, and what clients were told because of them, against what is true of servers
// and Sentinels. It looks at everything and changes nothing.
package judge

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/session"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/network"
	"evergate/testenv/sim/redis"
	"evergate/testenv/sim/scenario"
	"evergate/testenv/sim/sentinel"
	"evergate/topology"
)

// Judge holds what the State published, and what the gateway's clients were told, against what is true of the servers
// and of the Sentinels. The ledger says whether an answer is true of the execution it speaks of; the judge says whether
// the gateway was right to send the command there, and to pass its answer on.
type Judge struct {
	w     *sentinel.Sentinels
	view  *topology.View
	Shown []Shown // by epoch, from 1
	// Switches is how often another primary was published, Holds how often a primary was left, Withheld how many
	// replies came from one that was being left.
	Switches, Holds, Withheld int
	// receipts are those that the State gave, losses how many switches lost anything.
	receipts []receipt
	losses   int
	// noticed is when the State last told of something wrong with a node: an alarm, or a receipt.
	noticed map[string]time.Duration
	reads
	minority
}

// Shown is one View of a service with one shard.
type Shown struct {
	at                         time.Duration
	primary, former, successor *redis.Node
	covers                     bool
	// named says that a majority of the Sentinels named the primary then.
	named bool
	// has is what the primary had when it was published in place of another one.
	has map[int]bool
}

// New returns the judge of the servers.
func New(w *sentinel.Sentinels) *Judge {
	return &Judge{w: w, noticed: map[string]time.Duration{}, reads: reads{missed: map[int]string{}, saw: map[seen]int{},
		written: map[string][]int{}, streamed: map[int][]streamed{}}}
}

func (j *Judge) nodeOf(n *topology.Node) *redis.Node {
	if n == nil {
		return nil
	}
	for _, o := range j.w.Nodes {
		if o.Addr == n.Addr {
			return o
		}
	}
	j.w.Ledger.Fail("a view names %s, which there is not", n.Addr)
	return nil
}

// Published looks at a new View: epochs rise by one, a primary that is left is named, and a new one is either what a
// majority of the Sentinels named, or a primary that descends from the last one.
func (j *Judge) Published(v *topology.View) {
	w := j.w
	j.view = v
	if v.Epoch != uint64(len(j.Shown))+1 {
		w.Ledger.Fail("view %d follows view %d", v.Epoch, len(j.Shown))
		return
	}
	if w.Options.Voice == scenario.Bus { // the nodes themselves refuse what does not belong to them
		j.Shown = append(j.Shown, Shown{at: w.Now})
		return
	}
	sh := &v.Shards[0]
	now := Shown{at: w.Now, primary: j.nodeOf(sh.Primary), former: j.nodeOf(sh.Demoted),
		successor: j.nodeOf(sh.Successor), covers: sh.Covers != nil}
	if now.primary != nil && now.former != nil {
		w.Ledger.Fail("view %d names the primary %s and the former %s", v.Epoch, now.primary.Addr, now.former.Addr)
	}
	now.named = now.primary != nil && w.MajorityNames(now.primary)
	last := j.lastPrimary()
	if now.primary != nil && last != nil && now.primary != last {
		j.Switches++
		now.has = redis.Clone(now.primary.Has)
		if !j.mayFollow(now.primary) {
			w.Ledger.Fail("view %d names %s after %s: no majority named it, and it does not descend from it", v.Epoch,
				now.primary.Addr, last.Addr)
		}
	}
	if now.former != nil {
		j.Holds++
	}
	j.Shown = append(j.Shown, now)
}

// lastPrimary is the last primary that a View named.
func (j *Judge) lastPrimary() *redis.Node {
	for i := len(j.Shown) - 1; i >= 0; i-- {
		if p := j.Shown[i].primary; p != nil {
			return p
		}
	}
	return nil
}

// mayFollow says whether next may be primary: a majority of the Sentinels names it, or it goes on from a history that
// the last primary had as such; where no majority ever named that one, the primary before it counts too.
func (j *Judge) mayFollow(next *redis.Node) bool {
	if j.w.MajorityNames(next) {
		return true
	}
	var last *redis.Node
	for i := len(j.Shown) - 1; i >= 0; i-- {
		p := j.Shown[i].primary
		if p == nil || p == last {
			continue
		}
		if last = p; slices.Contains(p.Led, next.ReplID2) {
			return true
		}
		if j.Shown[i].named {
			return false
		}
	}
	return false
}

// Answered looks at what a client was told.
func (j *Judge) Answered(r *ledger.Request, reply []byte) {
	j.readAnswered(r, reply)
	switch {
	case j.w.Options.Voice == scenario.Bus:
	case r.State == ledger.Acknowledged && r.Writes():
		for _, at := range r.Ran {
			j.acknowledged(r, &j.w.Ledger.Execs[at])
		}
	case r.State == ledger.Acknowledged && r.Kind == ledger.GetRange:
		if at := executionOf(reply); at >= 0 {
			j.read(r, &j.w.Ledger.Execs[at])
		}
	case j.w.Options.Planned && (r.State == ledger.Uncertain || r.State == ledger.Refused):
		j.w.Ledger.Fail("%v was answered %q in a planned switch", r, network.Clip(reply))
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

// AtTheEnd looks at what is left when all is quiet.
func (j *Judge) AtTheEnd() {
	w := j.w
	if why := j.Disagreement(); why != "" {
		w.Ledger.Fail("after quiet: %s", why)
		return
	}
	j.checkReceipts()
	if lost := j.Lost(); lost > 0 && w.Options.Planned {
		w.Ledger.Fail("%d acknowledged writes were lost by planned switches", lost)
	}
}

// acknowledged looks at a write whose client was told that it was executed. It must be in the data of whom the gateway
// calls primary next, if the reply came when its node was no longer primary as far as the gateway knew.
func (j *Judge) acknowledged(r *ledger.Request, e *ledger.Execution) {
	n := j.w.Nodes[e.On]
	if e.Seen == 0 || int(e.Seen) > len(j.Shown) {
		return
	}
	from := int(e.Seen) - 1
	if j.Shown[from].primary == n {
		for from+1 < len(j.Shown) && j.Shown[from+1].at <= e.ReadAt {
			from++ // what the worker had not seen yet when it read the reply
		}
		if p := j.Shown[from].primary; p == nil || p == n {
			return
		}
	} else {
		j.Withheld++
	}
	for ; from < len(j.Shown); from++ {
		next := &j.Shown[from]
		if next.primary == nil {
			continue
		}
		if next.primary != n && !next.has[e.Number] {
			j.w.Ledger.Fail("%v was acknowledged: it ran on %s, its reply came when the gateway had left that (view %d), "+
				"and the next primary %s has it not", r, n.Addr, e.Seen, next.primary.Addr)
		}
		return
	}
	if _, answered := r.Span(); !e.Everywhere(answered, j.w.Others(e.On)) { // else whichever is promoted has it
		j.w.Ledger.Fail("%v was acknowledged by %s while its shard was held (view %d)", r, n.Addr, e.Seen)
	}
}

// Left says that a reply came from a node that was not the primary of its worker's view any more, or of a later one.
func (j *Judge) Left(e *ledger.Execution) bool {
	if j.w.Options.Voice == scenario.Bus || e.Seen == 0 {
		return true // which shard it was nobody notes
	}
	for i := int(e.Seen) - 1; i < len(j.Shown) && (i < int(e.Seen) || j.Shown[i].at <= e.ReadAt); i++ {
		if j.Shown[i].primary != j.w.Nodes[e.On] {
			return true
		}
	}
	return false
}

// Sent looks at a write that was handed to a lane: the worker's own view must call the node primary, and if that came
// back with less than it had acknowledged, the State must have said so.
func (j *Judge) Sent(worker int, v *topology.View, l *redis.Conn, args [][]byte) {
	n, w := l.Node, j.w
	if !ledger.Writes(args) || v == nil || w.Options.Voice == scenario.Bus {
		return
	}
	j.sentInMinority(worker, n)
	if j.nodeOf(v.Shards[0].Primary) != n {
		w.Ledger.Fail("worker %d sent a write to %s under view %d, which does not call that primary", worker, n.Addr,
			v.Epoch)
	}
	if n.Forgot && n.Primary && l.OpenedAt > n.StartedAt && j.noticed[n.Addr] < n.StartedAt {
		w.Ledger.Fail("%s came back at %v without what it had acknowledged; nobody noticed, and it is written to", n.Addr,
			n.StartedAt)
	}
}

// read looks at a read from a primary that was answered: no other one had been published when it ran.
func (j *Judge) read(r *ledger.Request, e *ledger.Execution) {
	if j.w.Options.Reads != session.FromPrimary || r.Facade == ledger.Replica {
		return
	}
	for i := len(j.Shown) - 1; i >= 0; i-- {
		if s := &j.Shown[i]; s.at < e.At {
			if s.primary != nil && s.primary != j.w.Nodes[e.On] {
				j.w.Ledger.Fail("%v was read from %s at %v, after view %d called %s primary", r, e.Node, e.At, i+1,
					s.primary.Addr)
			}
			return
		}
	}
}

// Ran looks at a write that a node executes now: where its client was told that its outcome is not known, that client's
// next writes may not have been acknowledged by the same node before.
func (j *Judge) Ran(n *redis.Node, at int) {
	execs, requests := j.w.Ledger.Execs, j.w.Ledger.Requests
	j.wrote(n, at)
	r := requests[execs[at].Request]
	if r.State != ledger.Uncertain {
		return
	}
	_, answered := r.Span()
	for i := range execs[:at] {
		e := &execs[i]
		if e.On != n.ID || e.Request < 0 {
			continue
		}
		q := requests[e.Request]
		if sent, _ := q.Span(); sent > answered && n.Has[i] {
			j.w.Ledger.Fail("%v runs on %s after its client was told that it may have, and behind %v, which was sent later",
				r, n.Addr, q)
			return
		}
		if q.ID <= r.ID || q.Client != r.Client {
			continue
		}
		if q.Writes() && q.State == ledger.Acknowledged && n.Has[i] {
			j.w.Ledger.Fail("%v runs on %s after its client was told that it may have, and behind %v", r, n.Addr, q)
			return
		}
	}
}

// Lost counts the acknowledged writes that the last primary has not.
func (j *Judge) Lost() int {
	w, count := j.w, 0
	last := j.lastPrimary()
	if last == nil {
		return 0
	}
	for _, r := range w.Ledger.Requests {
		if r.State != ledger.Acknowledged || !r.Writes() {
			continue
		}
		for _, at := range r.Ran {
			if !last.Has[at] {
				count++
				break
			}
		}
	}
	return count
}
