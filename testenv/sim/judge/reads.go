package judge

import (
	"fmt"
	"time"

	"evergate/gateway/freshness"
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
	// written are the executions that wrote each key, where reads may be old; streamed are those of each node that may
	// lack bytes.
	written  map[string][]int
	streamed map[int][]streamed
	// OnReplicas is how many replicas served.
	OnReplicas int
}

type seen struct {
	client int
	key    string
}

// streamed is an execution on a primary, and how long its stream was before.
type streamed struct {
	exec   int
	at     time.Duration
	before int64
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
		for _, write := range j.mustHave(l.Requests[e.Request], k, p) {
			if !n.Has[write] && p.Has[write] {
				j.missed[at] = fmt.Sprintf("%s, which has not %v of %s", n.Addr, l.Requests[l.Execs[write].Request], k)
			}
		}
	}
}

// mustHave are the writes of a key that a replica of p must have which serves a read, unless they are lost: those that
// were acknowledged before it was sent, those that were executed so long before, or those that so many bytes followed
// in the stream of p. That was looked at within freshness.BytesAge.
func (j *Judge) mustHave(r *ledger.Request, key string, p *redis.Node) (writes []int) {
	if j.w.Options.Consistency == session.Gateway {
		return j.w.Ledger.AckedBefore(r, key)
	}
	sent, _ := r.Span()
	upTo := len(j.w.Ledger.Execs)
	bound := sent - j.w.Options.Lag.Time
	if most := j.w.Options.Lag.Bytes; most > 0 {
		bound, upTo = sent, j.streamedTo(p, sent-freshness.BytesAge, most)
	}
	for _, at := range j.written[key] {
		if e := &j.w.Ledger.Execs[at]; e.At < bound && at < upTo && (upTo == len(j.w.Ledger.Execs) || e.On == p.ID) {
			writes = append(writes, at)
		}
	}
	return writes
}

// streamedTo returns the execution before which each one of a primary was followed by so many bytes at a time.
func (j *Judge) streamedTo(p *redis.Node, when time.Duration, most int64) (upTo int) {
	all := j.streamed[p.ID]
	last := len(all) - 1
	for last >= 0 && all[last].at > when {
		last--
	}
	for i := last; i >= 0; i-- {
		if all[last].before-all[i].before >= most {
			return all[i].exec
		}
	}
	return 0
}

// wrote notes a write that a node executes.
func (j *Judge) wrote(n *redis.Node, at int) {
	if j.w.Options.Consistency != session.Bounded {
		return
	}
	for key := range j.w.Ledger.Requests[j.w.Ledger.Execs[at].Request].Ran {
		j.written[key] = append(j.written[key], at)
	}
	all := j.streamed[n.ID]
	if len(all) > 0 && all[len(all)-1].before > n.Offset {
		all = nil // it has copied another one, and lost its last writes
	}
	j.streamed[n.ID] = append(all, streamed{at, j.w.Now, n.Offset})
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
		l.Fail("%v was read from %s: that was acknowledged before, or written longer ago than %+v", r, why, j.w.Options.Lag)
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
