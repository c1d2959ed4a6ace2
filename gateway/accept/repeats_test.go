package accept

import (
	"fmt"
	"testing"
	"time"
)

func TestRepeatsAreCounted(t *testing.T) {
	now := time.Unix(0, 0)
	r := NewRepeats()
	r.clock = func() time.Time { return now }
	expect := func(kind string, more int, due bool) {
		t.Helper()
		if gotMore, gotDue := r.Due(kind); gotMore != more || gotDue != due {
			t.Fatalf("%s: %d more, due %v; want %d, %v", kind, gotMore, gotDue, more, due)
		}
	}
	expect("a", 0, true)
	expect("b", 0, true)
	expect("a", 0, false)
	expect("a", 0, false)
	now = now.Add(repeatsPause)
	expect("a", 2, true)
	expect("a", 0, false)
	for i := range repeatsKinds - 1 {
		expect(fmt.Sprint(i), 0, true)
	}
	expect("one too many", 0, true)
	for i := range 1000 {
		expect(fmt.Sprint("another ", i), 0, false) // a flood of reasons is one kind
	}
	expect("a", 0, false)
	expect("0", 0, false)
	if len(r.seen) > repeatsKinds+1 {
		t.Errorf("%d kinds are told apart", len(r.seen))
	}
	now = now.Add(repeatsPause)
	expect("another", 0, true) // the pause of all others is over: there is room again
	expect("", 1000, true)
}
