package history

import (
	"cmp"
	"slices"
	"time"
)

// write is one write of the history.
type write struct {
	Op
	// seenAt is when the last read was sent that saw it; -1: none did.
	seenAt time.Duration
}

// ended is when the write was certainly executed; never where that is not known.
func (w *write) ended() time.Duration {
	if w.Outcome == Done {
		return w.Ended
	}
	return never
}

// key has the acknowledged writes of one key by the time of their reply.
type key struct {
	acked []*write
	// latest has, for each of acked, the one among it and those before it that was sent last.
	latest []*write
}

// before returns, of the writes that were acknowledged before a moment, the one that was sent last; nil for none.
func (k *key) before(t time.Duration, skip map[*write]bool) *write {
	n, _ := slices.BinarySearchFunc(k.acked, t, func(w *write, t time.Duration) int { return cmp.Compare(w.Ended, t) })
	if n == 0 {
		return nil
	}
	if w := k.latest[n-1]; !skip[w] {
		return w
	}
	var last *write
	for _, w := range k.acked[:n] {
		if !skip[w] && (last == nil || w.Sent > last.Sent) {
			last = w
		}
	}
	return last
}

// seen is what a session has seen of a key, or of all keys: a write that was sent at sent.
type seen struct {
	sent  time.Duration
	write *write
}

// session is what one connection has seen.
type session struct {
	keys map[int]seen
	// all is the write that was sent last of all that it has seen: whatever had been acknowledged before that was sent
	// was executed before.
	all seen
}

type checker struct {
	found     *Findings
	keys      map[int]*key
	writes    map[int64]*write
	failovers []Failover
	lost      map[*write]bool
}

// take takes the writes.
func (c *checker) take(ops []Op) {
	c.lost = map[*write]bool{}
	for _, op := range ops {
		if !op.Write {
			c.found.Reads++
			continue
		}
		c.found.Writes++
		w := &write{Op: op, seenAt: -1}
		c.writes[op.Value] = w
		if op.Outcome != Done {
			continue
		}
		k := c.key(op.Key)
		k.acked = append(k.acked, w)
	}
	for _, k := range c.keys {
		slices.SortStableFunc(k.acked, func(a, b *write) int { return cmp.Compare(a.Ended, b.Ended) })
		k.latest = make([]*write, len(k.acked))
		for i, w := range k.acked {
			if k.latest[i] = w; i > 0 && k.latest[i-1].Sent > w.Sent {
				k.latest[i] = k.latest[i-1]
			}
		}
	}
}

// key returns that with a number.
func (c *checker) key(number int) *key {
	k := c.keys[number]
	if k == nil {
		k = &key{}
		c.keys[number] = k
	}
	return k
}

// noteSeen records when each write was read for the last time.
func (c *checker) noteSeen(ops []Op) {
	for _, op := range ops {
		if w := c.writes[op.Value]; !op.Write && op.Outcome == Done && w != nil {
			w.seenAt = max(w.seenAt, op.Sent)
		}
	}
}

// read checks one read of a session, in their order.
func (c *checker) read(op Op, s *session) {
	saw := c.writes[op.Value]
	if op.Value != Nothing && (saw == nil || saw.Key != op.Key || saw.Outcome == Failed || saw.Sent > op.Ended) {
		c.report(Anomaly{Kind: Phantom, Read: op})
		return
	}
	done := time.Duration(-1) // what it saw had been executed by then; of a value that was there from the beginning
	if saw != nil {
		done = saw.ended()
	}
	k := c.key(op.Key)
	missed := c.missed(k, op, op.Sent, done)
	switch {
	case missed != nil:
		c.report(anomaly(Stale, op, saw, missed))
	case s.keys[op.Key].write != nil && done < s.keys[op.Key].sent && !c.gone(s.keys[op.Key].write, op):
		c.report(anomaly(Backwards, op, saw, s.keys[op.Key].write))
	case s.all.write != nil && !c.gone(s.all.write, op):
		if missed = c.missed(k, op, s.all.sent, done); missed != nil {
			c.report(anomaly(Backwards, op, saw, missed))
		}
	}
	if saw == nil {
		return
	}
	if last := s.keys[op.Key]; last.write == nil || last.sent < saw.Sent || c.gone(last.write, op) {
		s.keys[op.Key] = seen{saw.Sent, saw}
	}
	if s.all.write == nil || s.all.sent < saw.Sent || c.gone(s.all.write, op) {
		s.all = seen{saw.Sent, saw}
	}
}

// missed returns a write to a key that was acknowledged before t and sent after what a read saw was done, so that the
// read had to see it or something later; nil for none. Writes that a failover has lost do not count.
func (c *checker) missed(k *key, op Op, t, done time.Duration) *write {
	for {
		w := k.before(t, c.lost)
		if w == nil || w.Sent <= done {
			return nil
		}
		if !c.gone(w, op) {
			return w
		}
		c.lost[w] = true
	}
}

// gone reports whether a failover explains that a read did not see a write: the write had been sent before a new
// primary accepted writes, the read ended after that, and no read has seen the write since.
func (c *checker) gone(w *write, read Op) bool {
	for _, f := range c.failovers {
		if w.Sent < f.To && read.Ended >= f.From && w.seenAt < f.To {
			return true
		}
	}
	return false
}

func anomaly(kind Kind, read Op, saw, missed *write) Anomaly {
	a := Anomaly{Kind: kind, Read: read, Missed: missed.Op}
	if saw != nil {
		a.Saw = saw.Op
	}
	return a
}

func (c *checker) report(a Anomaly) {
	c.found.Counts[a.Kind]++
	if c.found.Counts[a.Kind] <= examplesMax {
		c.found.Examples = append(c.found.Examples, a)
	}
}
