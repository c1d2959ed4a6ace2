package topology

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// keep runs a keeper with a plain primary "a:1" in a bubble of virtual time, calls f, and ends it.
func keep(t *testing.T, settings Settings, do func(Effect), f func(ctx context.Context, k *Keeper)) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeeper(NewState(settings), time.Now, do)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			k.Run(ctx)
			close(done)
		}()
		f(ctx, k)
		cancel()
		<-done
	})
}

func TestKeeperPublishes(t *testing.T) {
	settings := Settings{Mode: Plain, Shard: "main", Primary: "a:1"}
	synctest.Test(t, func(t *testing.T) {
		var probed []string
		k := NewKeeper(NewState(settings), time.Now, func(e Effect) {
			if p, ok := e.(Probe); ok {
				probed = append(probed, p.Addr)
			}
		})
		var views []uint64
		var events []string
		k.OnView(func(v *View) {
			if k.View() != v {
				t.Error("OnView came before View")
			}
			views = append(views, v.Epoch)
		})
		k.OnEvent(func(e Event) { events = append(events, e.String()) })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			k.Run(ctx)
			close(done)
		}()
		if k.View() != nil {
			t.Error("a view of nothing")
		}
		k.Observe(ctx, Resolved{Name: "a:1", Addrs: []string{"a:1"}})
		synctest.Wait()
		if !slices.Equal(probed, []string{"a:1"}) {
			t.Errorf("probed %v", probed)
		}
		k.Observe(ctx, RoleSeen{Addr: "a:1", Role: RolePrimary})
		k.Observe(ctx, RoleSeen{Addr: "a:1", Role: RolePrimary})
		synctest.Wait()
		cancel()
		<-done
		if !slices.Equal(views, []uint64{1}) || !slices.Equal(events, []string{"shard main: primary a:1"}) {
			t.Errorf("views %v, events %q", views, events)
		}
		k.Observe(ctx, Tick{})
	})
}

// TestReportNeverBlocks: of a storm, one MOVED a slot waits, others are dropped, and a later one is taken again.
func TestReportNeverBlocks(t *testing.T) {
	k := NewKeeper(NewState(Settings{Mode: ByCluster}), time.Now, func(Effect) {})
	for range 1000 {
		k.Report(Report{Kind: Moved, Slot: 7, Addr: "b:1"})
	}
	if n := len(k.reports); n != 1 {
		t.Errorf("%d reports wait, want 1", n)
	}
	for slot := range Slots {
		k.Report(Report{Kind: Moved, Slot: slot, Addr: "b:1"})
	}
	k.Report(Report{Kind: Moved, Slot: -1})
	k.Report(Report{Kind: Moved, Slot: Slots})
	if n := len(k.reports); n != reportsMax {
		t.Errorf("%d reports wait, want %d", n, reportsMax)
	}
	for range reportsMax {
		k.taken(<-k.reports)
	}
	k.Report(Report{Kind: Moved, Slot: 7, Addr: "b:1"})
	k.Report(Report{Kind: Moved, Slot: Slots - 1, Addr: "b:1"})
	if n := len(k.reports); n != 2 {
		t.Errorf("%d reports wait after they were taken, want 2", n)
	}
	if n := testing.AllocsPerRun(100, func() { k.Report(Report{Kind: ConnectionLost}) }); n != 0 {
		t.Errorf("Report allocates %v times", n)
	}
}

// TestKeeperObserveEndsWithContext: nobody hangs on a keeper that has ended.
func TestKeeperObserveEndsWithContext(t *testing.T) {
	keep(t, Settings{Mode: Plain, Primary: "a:1"}, func(Effect) {}, func(ctx context.Context, k *Keeper) {
		for range 3 * observationsMax {
			k.Observe(ctx, Tick{})
		}
	})
	k := NewKeeper(NewState(Settings{Mode: Plain}), time.Now, func(Effect) {})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 3 * observationsMax {
		k.Observe(ctx, Tick{})
	}
}
