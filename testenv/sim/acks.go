package sim

import (
	"iter"
	"strings"
	"time"

	"evergate/gateway/acks"
	"evergate/gateway/worker"
	"evergate/testenv/sim/ledger"
)

// What is promised of writes that replicas must confirm. Settings change while writes are under way, so each is held to
// the least that its worker had been told since the request was sent.

// amplyTimed is a timeout within which replicas confirm a write when all is well: the clock moves on in large steps.
const amplyTimed = 800 * time.Millisecond

// acksFrom is since when a worker has had writes confirmed so.
type acksFrom struct {
	at    time.Duration
	level acks.Level
}

// levels are those that settings may have.
var levels = []acks.Level{1, acks.Majority, acks.All}

// otherAcks are how writes are confirmed after a change of the settings: seldom by none.
func (w *world) otherAcks() acks.Terms {
	t := w.Options.Acks
	if !t.Asked() {
		return t
	}
	switch w.Rnd.IntN(4) {
	case 0:
		return acks.Terms{Timeout: t.Timeout}
	case 1:
		return acks.Terms{Level: levels[w.Rnd.IntN(len(levels))], Timeout: w.Between(t.Timeout/2, t.Timeout)}
	}
	return t
}

// newest gives a worker its newest configuration.
func (g *gate) newest() *worker.Config {
	if g.conf == nil {
		return nil
	}
	level := g.conf.Services[0].Acks.Level
	if g.acks[len(g.acks)-1].level != level {
		g.acks = append(g.acks, acksFrom{g.w.Now, level})
	}
	return g.conf
}

// checkAcks looks at a request that was answered.
func (w *world) checkAcks(r *ledger.Request, reply []byte) {
	if !w.Options.Acks.Asked() {
		return
	}
	text := string(reply[:min(len(reply), 20)])
	sent, answered := r.Span()
	before := w.lastReply[r.Client]
	w.lastReply[r.Client] = answered
	lacking := strings.HasPrefix(text, "-NOREPLICAS ")
	switch {
	case lacking && w.mostCopies(r) == 0:
		w.Ledger.Fail("%v was answered %q, and no replica had to confirm it", r, reply)
	case w.SettledBy(sent) && (lacking || r.State == ledger.Uncertain && w.Options.Acks.Timeout >= amplyTimed):
		w.Ledger.Fail("%v was answered %q, and all is well", r, reply)
	case r.State == ledger.Acknowledged && r.Writes():
		w.checkCopies(r)
	}
	ran := time.Duration(0)
	for _, at := range r.Ran {
		ran = max(ran, w.Ledger.Execs[at].At)
	}
	if ran > 0 && answered-max(ran, before) > w.answeredWithin() {
		w.Ledger.Fail("%v was answered %v after it was executed", r, answered-max(ran, before))
	}
}

// checkCopies fails where a write was acknowledged before so many replicas had it as must confirm it.
func (w *world) checkCopies(r *ledger.Request) {
	_, answered := r.Span()
	for _, at := range r.Ran {
		e := &w.Ledger.Execs[at]
		if has, need := e.Copies(answered), w.leastCopies(r, e.On); has < need {
			w.Ledger.Fail("%v was acknowledged at %v: %d replicas had what it had written to %s, and %d must confirm that", r,
				answered, has, e.Node, need)
		}
	}
}

// answeredWithin is how long a reply may take from the execution of its request: until it is confirmed, or until it is
// known what became of its server, which may be frozen or be elected meanwhile.
func (w *world) answeredWithin() time.Duration {
	return w.Options.Acks.Timeout + 2*w.holdMax() + time.Second
}

// checkKept looks at all writes that were acknowledged when all replicas had them, when all is quiet: whichever servers
// died, and came back with what they had, the primary has them.
func (w *world) checkKept() {
	if !w.Options.Acks.Asked() || !w.Options.RealState() {
		return
	}
	for _, r := range w.Ledger.Requests {
		if r.State != ledger.Acknowledged || !r.Writes() {
			continue
		}
		for key, at := range r.Ran {
			e := &w.Ledger.Execs[at]
			_, answered := r.Span()
			if others := w.Others(e.On); w.leastCopies(r, e.On) < others || !e.Everywhere(answered, others) {
				continue
			}
			moved, has := w.Kept(key, at)
			if !has {
				w.Ledger.Fail("%v was acknowledged when all replicas had it, and is lost", r)
			}
			if moved {
				w.outlived++
			}
		}
	}
}

// promised yields the levels to which a worker may hold a request.
func (w *world) promised(r *ledger.Request) iter.Seq[acks.Level] {
	all := w.gates[w.clients.Clients[r.Client].Worker].acks
	sent, answered := r.Span()
	return func(yield func(acks.Level) bool) {
		if own := r.OwnAcks(); own != "" {
			level, _ := acks.Parse(own)
			yield(level)
			return
		}
		for i, a := range all {
			if a.at <= answered && (i+1 == len(all) || all[i+1].at >= sent) && !yield(a.level) {
				return
			}
		}
	}
}

// leastCopies is how many replicas of a node's shard had to confirm a write at least.
func (w *world) leastCopies(r *ledger.Request, node int) int {
	least := len(w.Nodes)
	for level := range w.promised(r) {
		least = min(least, copiesFor(level, w.Others(node)))
	}
	return least
}

// mostCopies is how many may have had to confirm it where there is one replica.
func (w *world) mostCopies(r *ledger.Request) (most int) {
	for level := range w.promised(r) {
		most = max(most, copiesFor(level, 1))
	}
	return most
}

// copiesFor is how many of so many replicas a level wants.
func copiesFor(level acks.Level, replicas int) int {
	switch level {
	case acks.All:
		return replicas
	case acks.Majority:
		return (replicas + 1) / 2
	}
	return int(level)
}
