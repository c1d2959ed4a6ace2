package exchange

import (
	"cmp"
	"slices"

	"evergate/gateway/session"
)

// Many clients can each stay within the limits of a client, and together take all memory there is. So what is kept for
// all of them has a bound, over all workers. Past it the clients for which most is kept are closed, as Redis does
// (maxmemory-clients): a new one with a large request among them.
//
// Counted are buffers: unread input, a transaction, requests to retry, replies and messages; and the names of channels,
// and of the client itself. Requests that were passed
// on to a server are not, since closing their client does not free them: a connection has a bound for these. Each
// worker counts its own clients, and adds large changes to a sum that all share: small requests cost nothing. A share
// for each worker would be simpler, but a worker with a few large clients would close them while there is memory.

const (
	// memoryStep is the change in bytes from which a worker adds it to the sum of all workers.
	memoryStep = 64 << 10
	// memorySlack is the part of the bound that is freed at once, so that clients are searched for the largest ones once
	// and not for each of them.
	memorySlack = 16
)

// MemoryBound bounds what is kept for the clients of all workers together. The zero value bounds nothing.
type MemoryBound struct {
	// Max is in bytes; 0: no bound. Workers is how many share it; 0: this one is alone.
	Max     int
	Workers int
	// Add adds more to what the clients of all workers take, and returns the sum. Exceeded makes the other workers call
	// Exceeded of their own. Both nil: this worker is alone.
	Add      func(more int) (all int)
	Exceeded func()
}

// alone fills what a worker without others leaves out.
func (b *MemoryBound) alone() {
	b.Workers = max(1, b.Workers)
	if b.Add == nil {
		all := 0
		b.Add = func(more int) int {
			all += more
			return all
		}
	}
	if b.Exceeded == nil {
		b.Exceeded = func() {}
	}
}

// Memory counts what is kept for clients.
type Memory struct {
	x        *Exchange
	bound    MemoryBound
	used     int        // by all clients of this worker, in bytes
	shared   int        // the part of used that the other workers know of
	exceeded bool       // the bound is, or another worker says so
	largest  []*Session // scratch
}

// memory is how many bytes are kept for a client, as far as they count. Nothing counts for one that asked not to be
// evicted, nor for a replica that is fed through a tunnel: as in Redis neither is closed for it.
func (c *Session) memory() int {
	if c.closed || c.NoEvict || c.InTunnel() {
		return 0
	}
	n := c.Conn.Memory() + c.Identity.Memory()
	if c.Multi != nil {
		n += c.Multi.Memory()
	}
	if c.rare != &c.Service.none {
		n += c.pushes.Cap() + c.withheld.size() + c.retryBytes
		if c.Subs != nil {
			n += c.Subs.Memory()
		}
	}
	return n
}

// Account counts what is kept for a client. It is called wherever that may have changed, at the latest when a call of
// the worker ends.
func (m *Memory) Account(c *Session) {
	more := c.SetFootprint(c.memory())
	if more == 0 {
		return
	}
	m.used += more
	if change := m.used - m.shared; change >= memoryStep || change <= -memoryStep {
		m.share()
	}
}

// share lets the other workers know, and returns the sum of all.
func (m *Memory) share() (all int) {
	all = m.bound.Add(m.used - m.shared)
	m.shared = m.used
	m.exceeded = m.exceeded || m.bound.Max > 0 && all > m.bound.Max
	return all
}

// MemoryExceeded records that another worker found the bound exceeded.
func (m *Memory) MemoryExceeded() { m.exceeded = true }

// Used is how many bytes are kept for the clients of this worker.
func (m *Memory) Used() int { return m.used }

// Evict closes the largest clients while the bound is exceeded, and reports whether it closed any. A worker whose
// clients take less than its share leaves that to the others: one of them has more.
func (m *Memory) Evict() bool {
	if !m.exceeded {
		return false
	}
	all := m.share()
	m.exceeded = false
	if all <= m.bound.Max {
		return false
	}
	if !m.aboveShare(all) {
		m.bound.Exceeded()
		return false
	}
	m.findLargest()
	for _, c := range m.largest {
		if all <= m.bound.Max-m.bound.Max/memorySlack || !m.aboveShare(all) {
			break
		}
		m.x.cut(c, session.MemoryLimit, c.Footprint())
		all = m.share()
	}
	m.exceeded = false
	clear(m.largest)
	if all > m.bound.Max {
		m.bound.Exceeded()
	}
	return true
}

// aboveShare reports whether the clients of this worker take their share of what all take, or more.
func (m *Memory) aboveShare(all int) bool { return m.used > 0 && m.used*m.bound.Workers >= all }

// findLargest puts the clients for which something is kept in the order in which they are closed: the largest first,
// and of equals the one that came last.
func (m *Memory) findLargest() {
	m.largest = m.largest[:0]
	for c := range m.x.All {
		if c.Footprint() > 0 {
			m.largest = append(m.largest, c)
		}
	}
	slices.SortFunc(m.largest, func(a, b *Session) int {
		return cmp.Or(cmp.Compare(b.Footprint(), a.Footprint()), cmp.Compare(b.Number, a.Number))
	})
}
