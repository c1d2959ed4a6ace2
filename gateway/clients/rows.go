package clients

import (
	"slices"
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

// Rows returns the first clients in an order, at most limit of them, and how many there are in all. Of the services
// those count that selected reports. The cost of a client that is not among the first is one comparison.
func (k *Clients) Rows(selected func(of int) bool, order func(a, b *Row) int, limit int) (rows []Row, total int) {
	for c := range k.x.All {
		if c.Closed() || !selected(c.Service.Of) {
			continue
		}
		total++
		row := Row{Client: k.describe(c), Of: c.Service.Of, Waits: c.Reason, Memory: c.Footprint()}
		if c.WaitsSince > 0 {
			row.Waited = k.clock.Now - c.WaitsSince
		}
		rows = AddRow(rows, row, order, limit)
	}
	return rows, total
}

// AddRow puts a row in its place, if it is one of the first limit.
func AddRow(rows []Row, row Row, order func(a, b *Row) int, limit int) []Row {
	if len(rows) == limit && order(&row, &rows[limit-1]) >= 0 {
		return rows
	}
	at, _ := slices.BinarySearchFunc(rows, row, func(a, b Row) int { return order(&a, &b) })
	if len(rows) == limit {
		rows = rows[:limit-1]
	}
	return slices.Insert(rows, at, row)
}

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
