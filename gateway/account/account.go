// Package account counts what is kept for the clients of one worker, and knows when the bound over all workers is
// exceeded and this worker must close clients. Begin with Memory. It knows no clients.
//
// Many clients can each stay within the limits of a client, and together take all memory there is. So what is kept for
// all of them has a bound, over all workers. Each worker counts its own clients, and adds large changes to a sum that
// all share: small requests cost nothing. A share for each worker would be simpler, but a worker with a few large
// clients would close them while there is memory.
package account

const (
	// Step is the change in bytes from which a worker adds it to the sum of all workers.
	Step = 64 << 10
	// slack is the part of the bound that is freed at once, so that clients are searched for the largest ones once
	// and not for each of them.
	slack = 16
)

// Bound bounds what is kept for the clients of all workers together. The zero value bounds nothing.
type Bound struct {
	// Max is in bytes; 0: no bound. Workers is how many share it; 0: this one is alone.
	Max     int
	Workers int
	// Add adds more to what the clients of all workers take, and returns the sum. Exceeded makes the other workers call
	// Exceeded of their own. Both nil: this worker is alone.
	Add      func(more int) (all int)
	Exceeded func()
}

// Memory is the account of one worker. Only that uses it.
type Memory struct {
	bound    Bound
	used     int  // by all clients of this worker, in bytes
	shared   int  // the part of used that the other workers know of
	exceeded bool // the bound is, or another worker says so
}

// New returns an empty account.
func New(b Bound) Memory {
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
	return Memory{bound: b}
}

// Take adds more bytes, or less.
func (m *Memory) Take(more int) {
	m.used += more
	if change := m.used - m.shared; change >= Step || change <= -Step {
		m.share()
	}
}

// Share lets the other workers know of all that was taken.
func (m *Memory) Share() { m.share() }

// share lets the other workers know, and returns the sum of all.
func (m *Memory) share() (all int) {
	all = m.bound.Add(m.used - m.shared)
	m.shared = m.used
	m.exceeded = m.exceeded || m.bound.Max > 0 && all > m.bound.Max
	return all
}

// SetMemoryMax replaces the bound.
func (m *Memory) SetMemoryMax(max int) {
	m.bound.Max = max
	m.exceeded = false
	m.share()
}

// MemoryExceeded records that another worker found the bound exceeded.
func (m *Memory) MemoryExceeded() { m.exceeded = true }

// Exceeded reports whether the bound may be exceeded: MustFree must be asked.
func (m *Memory) Exceeded() bool { return m.exceeded }

// Used is how many bytes are kept for the clients of this worker, Shared the part of them that the others know of.
func (m *Memory) Used() int   { return m.used }
func (m *Memory) Shared() int { return m.shared }

// MustFree reports whether this worker must close clients, the largest ones first: the bound is exceeded, and its
// clients take their share or more. A worker whose clients take less leaves that to the others: one of them has more.
func (m *Memory) MustFree() bool {
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
	return true
}

// Enough reports whether enough clients were closed since MustFree.
func (m *Memory) Enough() bool {
	all := m.share()
	return all <= m.bound.Max-m.bound.Max/slack || !m.aboveShare(all)
}

// Freed must be called when no more clients are closed: if that was not enough, other workers go on.
func (m *Memory) Freed() {
	over := m.share() > m.bound.Max
	m.exceeded = false
	if over {
		m.bound.Exceeded()
	}
}

// aboveShare reports whether the clients of this worker take their share of what all take, or more.
func (m *Memory) aboveShare(all int) bool { return m.used > 0 && m.used*m.bound.Workers >= all }
