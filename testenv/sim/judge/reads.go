package judge

import (
	"fmt"

	"evergate/gateway/session"
	"evergate/routing"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/redis"
)

// reads are what is known of the reads of a gateway whose replicas serve those that they have all writes for.
type reads struct {
	// missed has, for each execution of a read that missed a write, which that was.
	missed map[int]string
	// saw has the execution of the newest write that a client has seen of a key.
	saw map[seen]int
	// written are the executions that wrote each key, where reads may be old.
	written map[string][]int
	// OnReplicas is how many replicas served.
	OnReplicas int
}

type seen struct {
	client int
	key    string
}

// Read looks at a read that a node executes: it has every write that was acknowledged to any client before the read was
// sent, unless that is lost.
func (j *Judge) Read(n *redis.Node, at int, keys []string) {
	l := j.w.Ledger
	e := &l.Execs[at]
	if j.w.Options.Consistency == session.Eventual || e.Request < 0 || j.view == nil {
		return
	}
	for _, k := range keys {
		p := j.primaryOf(k)
		if p == nil || p == n || n.Primary { // one that was promoted, unseen yet: what it lacks is lost
			continue
		}
		j.OnReplicas++
		for _, write := range j.mustHave(l.Requests[e.Request], k) {
			if !n.Has[write] && p.Has[write] {
				j.missed[at] = fmt.Sprintf("%s, which has not %v of %s", n.Addr, l.Requests[l.Execs[write].Request], k)
			}
		}
	}
}

// mustHave are the writes of a key that a replica must have which serves a read, unless they are lost: those that were
// acknowledged before it was sent, or those that were executed so long before.
func (j *Judge) mustHave(r *ledger.Request, key string) (writes []int) {
	if j.w.Options.Consistency == session.Gateway {
		return j.w.Ledger.AckedBefore(r, key)
	}
	sent, _ := r.Span()
	for _, at := range j.written[key] {
		if j.w.Ledger.Execs[at].At < sent-j.w.Options.Lag {
			writes = append(writes, at)
		}
	}
	return writes
}

// wrote notes a write that a node executes.
func (j *Judge) wrote(at int) {
	if j.w.Options.Consistency == session.Bounded {
		for key := range j.w.Ledger.Requests[j.w.Ledger.Execs[at].Request].Ran {
			j.written[key] = append(j.written[key], at)
		}
	}
}

// primaryOf is the node that the gateway last believed to be the primary for a key.
func (j *Judge) primaryOf(key string) *redis.Node {
	sh := j.view.Shard(routing.Slot([]byte(key)))
	if sh == nil {
		return nil
	}
	return j.nodeOf(sh.Standing())
}

// readAnswered looks at a read that was answered: it missed nothing, and saw nothing older than what its client had
// seen before.
func (j *Judge) readAnswered(r *ledger.Request, reply []byte) {
	l := j.w.Ledger
	if j.w.Options.Consistency == session.Eventual || r.State != ledger.Acknowledged {
		return
	}
	if why := j.missed[executionOf(reply)]; why != "" {
		l.Fail("%v was read from %s: that was acknowledged before, or written longer ago than %v", r, why, j.w.Options.Lag)
	}
	if j.w.Options.Consistency == session.Bounded {
		return
	}
	key, write := l.Saw(r)
	if write < 0 || j.view == nil {
		return
	}
	of := seen{r.Client, key}
	last, has := j.saw[of]
	if p := j.primaryOf(key); has && write < last && p != nil && p.Has[last] {
		l.Fail("%v saw %v, and its client had seen %v before", r, l.Requests[l.Execs[write].Request],
			l.Requests[l.Execs[last].Request])
	}
	j.saw[of] = write
}
