package clients

import (
	"strings"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/summary"
	"evergate/gateway/wait"
)

// Row is a client as a table shows it.
type Row struct {
	admin.Client
	// Of is its service, as in upstream.Servers.Of.
	Of int
	// Waits is why its next request waits, wait.Running if it does not, Waited for how long it has waited for a server.
	Waits  wait.Reason
	Waited time.Duration
	// Memory is how many bytes are kept for it.
	Memory int
}

// Rows returns the first clients in an order, at most limit of them, themselves in no order, and how many there are in
// all. Of the services those count that selected reports. A loop stands still meanwhile: the cost of a client is a
// comparison, and where it is among the first so far about twice the logarithm of limit.
func (k *Clients) Rows(selected func(of int) bool, order func(a, b *Row) int, limit int) (rows []Row, total int) {
	first := first{order: order, limit: limit}
	for c := range k.x.All {
		if c.Closed() || !selected(c.Service.Of) {
			continue
		}
		total++
		row := Row{Client: k.describe(c), Of: c.Service.Of, Waits: c.Reason, Memory: c.Footprint()}
		if c.WaitsSince > 0 {
			row.Waited = k.clock.Now - c.WaitsSince
		}
		first.add(&row)
	}
	return first.rows, total
}

// first keeps the first rows in an order, at most limit of them; limit is positive.
type first struct {
	order func(a, b *Row) int
	limit int
	rows  []Row
	// heap has the places in rows, once there are limit of them, as a heap with that of the last row on top: rows are
	// large, and stay where they are.
	heap []int32
}

// add keeps a row if it is one of the first.
func (f *first) add(row *Row) {
	if len(f.rows) < f.limit {
		if f.rows = append(f.rows, *row); len(f.rows) == f.limit {
			f.begin()
		}
		return
	}
	if last := &f.rows[f.heap[0]]; f.order(row, last) < 0 {
		*last = *row
		f.sink(0)
	}
}

// begin makes the heap.
func (f *first) begin() {
	f.heap = make([]int32, len(f.rows))
	for i := range f.heap {
		f.heap[i] = int32(i)
	}
	for i := len(f.heap)/2 - 1; i >= 0; i-- {
		f.sink(i)
	}
}

// sink moves the row at a place of the heap below those that come behind it.
func (f *first) sink(i int) {
	for {
		later := 2*i + 1
		if later >= len(f.heap) {
			return
		}
		if right := later + 1; right < len(f.heap) && f.behind(right, later) {
			later = right
		}
		if !f.behind(later, i) {
			return
		}
		f.heap[i], f.heap[later] = f.heap[later], f.heap[i]
		i = later
	}
}

// behind reports whether the row at one place of the heap comes behind that at another.
func (f *first) behind(a, b int) bool { return f.order(&f.rows[f.heap[a]], &f.rows[f.heap[b]]) > 0 }

// Groups counts the clients that a request is about, those together that are alike.
func (k *Clients) Groups(r *admin.Request) (groups []summary.Group) {
	type alike struct{ user, library, version, waits string }
	at := map[alike]int{}
	for c := range k.x.All {
		if !k.matches(r, c) {
			continue
		}
		key := alike{user: c.Rights().Name()}
		if c.Identity != nil {
			key.library, key.version = c.Identity.Library, c.Identity.Version
		}
		if c.Reason != wait.Running {
			key.waits = c.Reason.String()
		}
		one := summary.Group{User: key.user, Waits: key.waits,
			Library: strings.TrimSpace(key.library + " " + key.version), Clients: 1}
		if Listening(c) {
			one.Subscribed = 1
		}
		if c.Multi != nil {
			one.InMulti = 1
		}
		if c.WaitsSince > 0 {
			one.Longest = k.clock.Now - c.WaitsSince
		}
		if i, known := at[key]; known {
			groups[i].Add(one)
		} else {
			at[key] = len(groups)
			groups = append(groups, one)
		}
	}
	return groups
}
