package upstream

import (
	"slices"
	"testing"
)

func TestKillListIsOfOneRun(t *testing.T) {
	var k KillList
	conn := func(client int64, run string) *Conn { return &Conn{Client: client, RunID: run} }
	write, read := []Lost{{Fate: Retriable}, {Fate: Uncertain}}, []Lost{{Fate: Retriable}}
	k.Add(conn(1, "r1"), read)
	k.Add(conn(0, "r1"), write) // the server did not report its ID
	k.Add(conn(2, ""), write)
	if ids, _ := k.Of(0, ""); len(ids) != 0 || k.Killed(0, []int64{1}) != 0 {
		t.Fatalf("%v are to be ended", ids)
	}
	k.Add(conn(3, "r1"), write)
	k.Add(conn(4, "r1"), write)
	if ids, in := k.Of(0, "r1"); in != "r1" || !slices.Equal(ids, []int64{3, 4}) {
		t.Fatalf("%v of run %q", ids, in)
	}
	if ids, in := k.Of(0, "r2"); in != "r2" || len(ids) != 0 {
		t.Fatalf("%v of run %q, in which they mean others", ids, in)
	}
	if n := k.Killed(0, []int64{3}); n != 1 {
		t.Errorf("%d were ended", n)
	}
	if ids, in := k.Of(0, ""); in != "r1" || !slices.Equal(ids, []int64{4}) {
		t.Errorf("%v of run %q are left", ids, in)
	}
	k.Add(conn(5, "r2"), write) // the server restarted: the old ones are gone with it
	if ids, _ := k.Of(0, ""); !slices.Equal(ids, []int64{5}) {
		t.Errorf("%v are to be ended", ids)
	}
}
