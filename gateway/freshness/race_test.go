package freshness

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"evergate/topology"
)

// TestWorkersAndPollerTogether has writers, readers, a replica that lags and a poller in goroutines of their own, on a
// real clock: what May permits has every write that was acknowledged before.
func TestWorkersAndPollerTogether(t *testing.T) {
	const keys, writers, readers, writes = 4, 4, 4, 500
	p := newPair()
	var mu sync.Mutex // guards the servers: the versions of each key at both, and the log between them
	var primary, replica [keys]int64
	var log []int
	applied := 0
	var acked [keys]atomic.Int64
	var running sync.WaitGroup
	done, enough := make(chan struct{}), make(chan struct{})
	for range writers {
		running.Go(func() {
			for i := range writes {
				key := i % keys
				c := p.Cell(keyText(key))
				p.Begin(c)
				mu.Lock()
				primary[key]++
				version := primary[key]
				log = append(log, key)
				mu.Unlock()
				p.End(c)
				for {
					old := acked[key].Load()
					if version <= old || acked[key].CompareAndSwap(old, version) {
						break
					}
				}
			}
		})
	}
	var others sync.WaitGroup
	var fresh atomic.Int64
	for range readers {
		others.Go(func() {
			read := &Read{Epoch: 1, Slot: -1, Cells: make([]Cell, 1)}
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				key := i % keys
				least := acked[key].Load()
				read.Cells[0] = p.Cell(keyText(key))
				if p.May(read, 1, p.opened) != Fresh {
					continue
				}
				mu.Lock()
				got := replica[key]
				mu.Unlock()
				if fresh.Add(1) == 100 {
					close(enough)
				}
				if got < least {
					t.Errorf("version %d of key %d was read, %d was acknowledged", got, key, least)
					return
				}
			}
		})
	}
	others.Go(func() {
		now := p.now
		for {
			select {
			case <-done:
				return
			default:
			}
			now = now.Add(PollGap)
			mu.Lock()
			for range min(10, len(log)-applied) {
				replica[log[applied]]++
				applied++
			}
			mu.Unlock()
			asks, _ := p.state.Next(now)
			for _, ask := range asks {
				a := Answer{Role: topology.RolePrimary, RunID: "run0", ReplID: "history"}
				mu.Lock()
				if a.Offset = int64(len(log)); ask.Node == 1 {
					a.Role, a.RunID, a.Offset = topology.RoleReplica, "run1", int64(applied)
				}
				mu.Unlock()
				p.state.Answered(ask, a, now)
			}
		}
	})
	running.Wait()
	select {
	case <-enough:
	case <-time.After(10 * time.Second):
		t.Errorf("the replica served %d reads", fresh.Load())
	}
	close(done)
	others.Wait()
	if n := p.InFlight(); n != 0 {
		t.Errorf("%d writes are in flight", n)
	}
}
