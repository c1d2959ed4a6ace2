package status

import (
	"cmp"
	"strings"

	"evergate/gateway/api"
	"evergate/gateway/wait"
	"evergate/gateway/worker"
)

// orders are those in which clients can be listed.
var orders = map[string]func(a, b *worker.Row) int{
	api.SortID:      func(a, b *worker.Row) int { return cmp.Compare(a.ID, b.ID) },
	api.SortAge:     func(a, b *worker.Row) int { return cmp.Compare(a.Age, b.Age) },
	api.SortIdle:    func(a, b *worker.Row) int { return cmp.Compare(a.Idle, b.Idle) },
	api.SortMemory:  func(a, b *worker.Row) int { return cmp.Compare(a.Memory, b.Memory) },
	api.SortCommand: func(a, b *worker.Row) int { return cmp.Compare(a.Last, b.Last) },
	api.SortAddr:    func(a, b *worker.Row) int { return cmp.Compare(a.Remote, b.Remote) },
	api.SortUser:    func(a, b *worker.Row) int { return cmp.Compare(a.User, b.User) },
	api.SortWaits: func(a, b *worker.Row) int {
		return cmp.Or(cmp.Compare(a.Waited, b.Waited), cmp.Compare(a.Waits, b.Waits))
	},
}

// SortsBy reports whether clients can be sorted by a key of api.Client.
func SortsBy(key string) bool { return orders[key] != nil }

// Order returns the order of a key that SortsBy knows, or the reverse one of a key with "-" in front.
func Order(sort string) func(a, b *worker.Row) int {
	key, reversed := strings.CutPrefix(sort, "-")
	by := orders[key]
	return func(a, b *worker.Row) int {
		n := by(a, b)
		if reversed {
			n = -n
		}
		return cmp.Or(n, cmp.Compare(a.ID, b.ID))
	}
}

// ShownClient returns a client of a service as the API shows it.
func ShownClient(service string, r *worker.Row) api.Client {
	waits, waited := "", (*float64)(nil)
	if r.Waits != wait.Running {
		waits = r.Waits.String()
	}
	if r.Waited > 0 {
		ms := api.Ms(r.Waited)
		waited = &ms
	}
	return api.Client{ID: r.ID, Service: service, Addr: r.Remote, Local: r.Local, Name: api.Text(r.Name),
		User: api.Text(r.User), Library: api.Text(r.Library), LibraryVersion: api.Text(r.LibVer), DB: int(r.DB),
		Proto: int(r.Proto), Age: api.Seconds(r.Age), Idle: api.Seconds(r.Idle), Command: r.Last, Memory: int64(r.Memory),
		Flags: r.Flags(), Waits: waits, Waited: waited, Subscriptions: r.Channels + r.Patterns + r.ShardChannels,
		Queued: r.Queued}
}
