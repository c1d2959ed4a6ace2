package worker_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"evergate/gateway/worker"
	"evergate/testenv/play"
)

// byID is the order of the numbers of clients, shuffled another one.
func byID(a, b *worker.Row) int { return cmp.Compare(a.ID, b.ID) }

func shuffled(a, b *worker.Row) int {
	mixed := func(id int64) uint64 { return uint64(id) * 0x9E3779B97F4A7C15 }
	return cmp.Compare(mixed(a.ID), mixed(b.ID))
}

// withClients makes a worker with so many clients.
func withClients(t testing.TB, n int) *play.Loop {
	t.Helper()
	l := play.New(worker.Config{}, worker.Env{}, play.NewRecord(), t.Fatalf)
	for range n {
		l.Worker.ClientOpened(0, "10.0.0.1:40000", "10.0.0.2:6379")
	}
	return l
}

// TestRowsAreTheFirst: whatever the order and the limit, the rows are those that a sort would have first.
func TestRowsAreTheFirst(t *testing.T) {
	const clients = 300
	l := withClients(t, clients)
	all := func(int) bool { return true }
	for name, order := range map[string]func(a, b *worker.Row) int{"by id": byID, "shuffled": shuffled,
		"reversed": func(a, b *worker.Row) int { return byID(b, a) }} {
		want, _ := l.Worker.Rows(all, order, clients)
		slices.SortFunc(want, func(a, b worker.Row) int { return order(&a, &b) })
		for _, limit := range []int{1, 2, 1 + rand.IntN(clients), clients - 1, clients, clients + 1} {
			rows, total := l.Worker.Rows(all, order, limit)
			slices.SortFunc(rows, func(a, b worker.Row) int { return order(&a, &b) })
			if first := want[:min(limit, clients)]; total != clients || !slices.EqualFunc(rows, first,
				func(a, b worker.Row) bool { return a.ID == b.ID }) {
				t.Errorf("%s, limit %d: %d rows of %d", name, limit, len(rows), total)
			}
		}
	}
	if rows, total := l.Worker.Rows(func(int) bool { return false }, byID, 1); len(rows) != 0 || total != 0 {
		t.Errorf("%d rows of %d for no service", len(rows), total)
	}
}

// BenchmarkRows is for how long a loop stands still while its clients are listed.
func BenchmarkRows(b *testing.B) {
	for _, c := range []struct{ clients, limit int }{{5000, 100}, {20000, 100}, {20000, 10000}} {
		l := withClients(b, c.clients)
		for name, order := range map[string]func(a, b *worker.Row) int{"shuffled": shuffled,
			"reversed": func(a, b *worker.Row) int { return byID(b, a) }} {
			b.Run(fmt.Sprintf("%d of %d %s", c.limit, c.clients, name), func(b *testing.B) {
				for b.Loop() {
					l.Worker.Rows(func(int) bool { return true }, order, c.limit)
				}
			})
		}
	}
}
