package keeper

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"evergate/topology"
	"evergate/topology/decide"
)

// keep runs a keeper with a plain primary "a:1" in virtual time, calls f, and ends it.
func keep(t *testing.T, settings decide.Settings, do func(decide.Effect), f func(ctx context.Context, k *Keeper)) {
	synctest.Test(t, func(t *testing.T) {
		k := New(decide.New(settings), time.Now, do)
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
	settings := decide.Settings{Mode: decide.Plain, Shard: "main", Primary: "a:1"}
	synctest.Test(t, func(t *testing.T) {
		var probed []string
		k := New(decide.New(settings), time.Now, func(e decide.Effect) {
			if p, ok := e.(decide.Probe); ok {
				probed = append(probed, p.Addr)
			}
		})
		var views []uint64
		var events []string
		k.BeforeView(func(v *topology.View) {
			if k.View() == v || v.Epoch != uint64(len(views))+1 {
				t.Error("BeforeView came after View, or OnView before it")
			}
		})
		k.OnView(func(v *topology.View) {
			if k.View() != v {
				t.Error("OnView came before View")
			}
			views = append(views, v.Epoch)
		})
		k.OnEvent(func(e decide.Event) { events = append(events, e.String()) })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			k.Run(ctx)
			close(done)
		}()
		if k.View() != nil {
			t.Error("a view of nothing")
		}
		k.Observe(ctx, topology.Resolved{Name: "a:1", Addrs: []string{"a:1"}})
		synctest.Wait()
		if !slices.Equal(probed, []string{"a:1"}) {
			t.Errorf("probed %v", probed)
		}
		k.Observe(ctx, topology.RoleSeen{Addr: "a:1", Role: topology.RolePrimary})
		k.Observe(ctx, topology.RoleSeen{Addr: "a:1", Role: topology.RolePrimary})
		synctest.Wait()
		cancel()
		<-done
		if !slices.Equal(views, []uint64{1}) || !slices.Equal(events, []string{"shard main: primary a:1"}) {
			t.Errorf("views %v, events %q", views, events)
		}
		k.Observe(ctx, topology.Tick{})
	})
}

// TestReportNeverBlocks: of many MOVED for one slot one is queued and the others dropped; a later one is queued again.
func TestReportNeverBlocks(t *testing.T) {
	k := New(decide.New(decide.Settings{Mode: decide.ByCluster}), time.Now, func(decide.Effect) {})
	for range 1000 {
		k.Report(topology.Report{Kind: topology.Moved, Slot: 7, Addr: "b:1"})
	}
	if n := len(k.reports); n != 1 {
		t.Errorf("%d reports wait, want 1", n)
	}
	for slot := range topology.Slots {
		k.Report(topology.Report{Kind: topology.Moved, Slot: slot, Addr: "b:1"})
	}
	k.Report(topology.Report{Kind: topology.Moved, Slot: -1})
	k.Report(topology.Report{Kind: topology.Moved, Slot: topology.Slots})
	if n := len(k.reports); n != reportsMax {
		t.Errorf("%d reports wait, want %d", n, reportsMax)
	}
	for range reportsMax {
		k.taken(<-k.reports)
	}
	k.Report(topology.Report{Kind: topology.Moved, Slot: 7, Addr: "b:1"})
	k.Report(topology.Report{Kind: topology.Moved, Slot: topology.Slots - 1, Addr: "b:1"})
	if n := len(k.reports); n != 2 {
		t.Errorf("%d reports wait after they were taken, want 2", n)
	}
	if n := testing.AllocsPerRun(100, func() { k.Report(topology.Report{Kind: topology.ConnectionLost}) }); n != 0 {
		t.Errorf("Report allocates %v times", n)
	}
}

// TestKeeperObserveEndsWithContext: Observe does not hang after the keeper has ended.
func TestKeeperObserveEndsWithContext(t *testing.T) {
	settings := decide.Settings{Mode: decide.Plain, Primary: "a:1"}
	keep(t, settings, func(decide.Effect) {}, func(ctx context.Context, k *Keeper) {
		for range 3 * observationsMax {
			k.Observe(ctx, topology.Tick{})
		}
	})
	k := New(decide.New(decide.Settings{Mode: decide.Plain}), time.Now, func(decide.Effect) {})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 3 * observationsMax {
		k.Observe(ctx, topology.Tick{})
	}
}

func TestTurnNeedsARunningKeeper(t *testing.T) {
	settings := decide.Settings{Mode: decide.Plain, Shard: "main", Primary: "a:1"}
	keep(t, settings, func(decide.Effect) {}, func(ctx context.Context, k *Keeper) {
		if err := k.Turn(ctx); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if New(decide.New(settings), time.Now, nil).Turn(ctx) == nil {
		t.Error("a keeper that does not run has turned")
	}
}
