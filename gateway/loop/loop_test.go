package loop

import (
	"testing"

	"evergate/gateway/upstream"
)

func TestPrivateDialsTakeTurns(t *testing.T) {
	b := newInbox()
	crowded := upstream.Dial{Addr: "a:1", Dedicated: true}
	started, wanted := 0, true
	want := func() bool {
		if wanted {
			started++
		}
		return wanted
	}
	dial := func() {}
	expect := func(what string, want int) {
		t.Helper()
		if started != want {
			t.Fatalf("%s: %d dials have begun, want %d", what, started, want)
		}
		started = 0
	}
	for range 3 * privateDials {
		b.begin(&crowded, want, dial)
	}
	expect("many at once", privateDials)
	b.begin(&upstream.Dial{Addr: "a:1"}, want, dial)
	expect("a conn for all", 1)
	b.begin(&upstream.Dial{Addr: "b:1", Dedicated: true}, want, dial)
	expect("another server", 1)
	for range privateDials {
		b.ended(&crowded)
	}
	expect("as many have ended", privateDials)
	wanted = false
	for range privateDials {
		b.ended(&crowded)
	}
	expect("the rest is not wanted any more", 0)
	if q := b.queues["a:1"]; q != nil {
		t.Fatalf("the queue is still there: %d running, %d waiting", q.running, len(q.waiting))
	}
}
