package worker_test

import (
	"testing"

	"evergate/gateway/access"
	"evergate/gateway/account"
	"evergate/gateway/resp"
	"evergate/gateway/worker"
	"evergate/testenv/play"
)

// TestLargestClientsOfAllWorkersAreClosed: the worker that finds the bound exceeded closes none of its own while those
// of another one take more; a worker with little to do learns of it.
func TestLargestClientsOfAllWorkersAreClosed(t *testing.T) {
	t.Run("of all users", func(t *testing.T) {
		closesLargest(t, func(b account.Bound) (c worker.Config) {
			c.ClientMemory = b
			return c
		})
	})
	t.Run("of a user", func(t *testing.T) {
		closesLargest(t, func(b account.Bound) worker.Config {
			return worker.Config{Services: []worker.Service{{
				Users: map[string]worker.UserTerms{access.DefaultUser: {Memory: &b}},
			}}}
		})
	})
}

func closesLargest(t *testing.T, conf func(account.Bound) worker.Config) {
	const bound = 1 << 20
	var loops []*play.Loop
	var nets []*play.Record
	all := 0
	for i := range 2 {
		nets = append(nets, play.NewRecord())
		loops = append(loops, play.New(conf(account.Bound{
			Max: bound, Workers: 2,
			Add: func(more int) int {
				all += more
				return all
			},
			Exceeded: func() { loops[1-i].Worker.MemoryExceeded() },
		}), worker.Env{}, nets[i], t.Fatalf))
	}
	half := func(l *play.Loop, size int) uint32 {
		id := l.Open(0).ID
		request := resp.AppendCommandStrings(nil, "SET", "k", string(make([]byte, size)))
		l.FromClient(id, request[:size-10])
		return id
	}
	large, small := half(loops[0], 600<<10), half(loops[1], 200<<10)
	if half(loops[0], 150<<10); len(nets[0].ClosedClients)+len(nets[1].ClosedClients) > 0 || all > bound {
		t.Fatalf("%d bytes of %d are kept, and clients closed", all, bound)
	}
	half(loops[1], 300<<10)
	for range 2 {
		for _, l := range loops {
			l.Round()
			l.Tick(l.Now)
		}
	}
	if len(nets[0].ClosedClients) != 1 || nets[0].ClosedClients[0] != large || len(nets[1].ClosedClients) != 0 {
		t.Errorf("closed: %v of the worker with %d, %v of the one with %d", nets[0].ClosedClients, large,
			nets[1].ClosedClients, small)
	}
	if all > bound {
		t.Errorf("%d bytes of %d are kept", all, bound)
	}
}
