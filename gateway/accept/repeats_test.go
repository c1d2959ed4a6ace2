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
	for i := range 3 * repeatsKinds {
		expect(fmt.Sprint(i), 0, true)
	}
	if len(r.seen) > repeatsKinds {
		t.Errorf("%d kinds are remembered", len(r.seen))
	}
}
