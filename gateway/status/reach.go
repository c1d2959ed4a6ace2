package status

import (
	"slices"
	"strings"
	"sync"
	"time"

	"evergate/gateway/api"
	"evergate/topology/decide"
)

// Reach remembers which Sentinels and servers of one service answer. The zero value knows of none. Any goroutine may
// use it.
type Reach struct {
	mu               sync.Mutex
	sentinels, nodes map[string]reached
}

type reached struct {
	yes   bool
	since time.Time
	why   string
}

// Expect adds Sentinels that are configured.
func (r *Reach) Expect(sentinels []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, addr := range sentinels {
		r.put(&r.sentinels, addr, reached{})
	}
}

// Renew forgets all Sentinels, and adds those that are configured now.
func (r *Reach) Renew(sentinels []string) {
	r.mu.Lock()
	r.sentinels = nil
	r.mu.Unlock()
	r.Expect(sentinels)
}

// put sets what is known of an address. One that still does not answer, for another reason, keeps its time.
func (r *Reach) put(of *map[string]reached, addr string, now reached) {
	if *of == nil {
		*of = map[string]reached{}
	}
	if was, known := (*of)[addr]; known && !was.yes && !now.yes && !was.since.IsZero() {
		now.since = was.since
	}
	(*of)[addr] = now
}

// Note takes an event of the service, at the time of the call.
func (r *Reach) Note(e decide.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := reached{since: time.Now(), why: e.Why}
	switch e.Kind {
	case decide.SentinelHeard, decide.NodeHeard:
		now.yes, now.why = true, ""
	case decide.SentinelGone, decide.NodeGone:
	default:
		return
	}
	if e.Kind == decide.SentinelHeard || e.Kind == decide.SentinelGone {
		r.put(&r.sentinels, e.Subject, now)
	} else {
		r.put(&r.nodes, e.Subject, now)
	}
}

// Sentinels are those that are known, by address.
func (r *Reach) Sentinels() []api.Sentinel {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := []api.Sentinel{}
	for addr, is := range r.sentinels {
		s := api.Sentinel{Addr: addr, Reachable: is.yes, Why: is.why}
		if !is.since.IsZero() {
			s.Since = &is.since
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b api.Sentinel) int { return strings.Compare(a.Addr, b.Addr) })
	return all
}

// Node tells of one server whether it answers, and why not. One of which nothing was said answers: it is in a view.
func (r *Reach) Node(addr string) (reachable bool, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	is, known := r.nodes[addr]
	return is.yes || !known, is.why
}
