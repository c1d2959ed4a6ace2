package upstream

import (
	"slices"
	"sync"
	"testing"
)

func TestKillListIsOfOneRun(t *testing.T) {
	var k KillList
	add := func(client int64, run string) { k.Add(&Conn{Client: client, RunID: run}) }
	add(0, "r1") // the server did not report its ID
	add(2, "")
	if ids, _ := k.newest.Load().at(0, ""); len(ids) != 0 || k.Killed(0, "r1", []int64{1}) != 0 {
		t.Fatalf("%v are to be ended", ids)
	}
	add(3, "r1")
	add(4, "r1")
	if ids, in := k.newest.Load().at(0, "r1"); in != "r1" || !slices.Equal(ids, []int64{4, 3}) {
		t.Fatalf("%v of run %q", ids, in)
	}
	if ids, in := k.newest.Load().at(0, "r2"); in != "r2" || len(ids) != 0 {
		t.Fatalf("%v of run %q, in which they mean others", ids, in)
	}
	if ids, _ := k.newest.Load().at(1, "r1"); len(ids) != 0 {
		t.Fatalf("%v are another node's", ids)
	}
	if n := k.Killed(0, "r1", []int64{3}); n != 1 {
		t.Errorf("%d were ended", n)
	}
	if ids, in := k.newest.Load().at(0, ""); in != "r1" || !slices.Equal(ids, []int64{4}) {
		t.Errorf("%v of run %q are left", ids, in)
	}
	add(5, "r2") // the server restarted: the old ones are gone with it
	if ids, _ := k.newest.Load().at(0, ""); !slices.Equal(ids, []int64{5}) {
		t.Errorf("%v are to be ended", ids)
	}
	if n := k.Killed(0, "r2", []int64{5}); n != 1 || k.newest.Load() != nil {
		t.Errorf("%d were ended, and some are left", n)
	}
}

// TestKillListIsShared adds to a list and takes from it on several threads: nothing is lost, and nothing stays.
func TestKillListIsShared(t *testing.T) {
	var k KillList
	var workers sync.WaitGroup
	ended := make([]int, 4)
	for w := range ended {
		workers.Go(func() {
			for i := range 200 {
				client := int64(1 + w*1000 + i)
				k.Add(&Conn{Client: client, RunID: "r"})
				if ids, _ := k.newest.Load().at(0, "r"); !slices.Contains(ids, client) {
					t.Errorf("%d is not to be ended", client)
				}
				ended[w] += k.Killed(0, "r", []int64{client})
			}
		})
	}
	workers.Wait()
	if k.newest.Load() != nil || !slices.Equal(ended, []int{200, 200, 200, 200}) {
		t.Errorf("%v were ended", ended)
	}
}
