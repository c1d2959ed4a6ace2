package hold

import (
	"fmt"
	"testing"
	"time"
)

func TestHoldStory(t *testing.T) {
	const window = 10 * time.Second
	at := func(s int) time.Duration { return time.Duration(s) * time.Second }
	var h Hold
	if h.Held() || h.Expired() {
		t.Fatal("a new hold is not held")
	}
	h.Park(Waiter{Session: 1}, at(3), at(5))
	h.Park(Waiter{Session: 2}, at(6), at(6))
	if next, ok := h.Next(window); !ok || next != at(13) {
		t.Fatalf("next expiry %v %v", next, ok)
	}
	if out := h.Expire(at(12), window, nil); len(out) != 0 || h.Expired() {
		t.Fatalf("expired too early: %v", out)
	}
	if out := h.Expire(at(13), window, nil); fmt.Sprint(out) != "[{1 0}]" || !h.Expired() {
		t.Fatalf("expired %v", out)
	}
	if out := h.Wake(nil); fmt.Sprint(out) != "[{2 0}]" || !h.Expired() || !h.Held() {
		t.Fatalf("woken %v: the hold must stay", out)
	}
	h.Park(Waiter{Session: 2}, at(6), at(14))
	out, lasted := h.Release(at(15), nil)
	if fmt.Sprint(out) != "[{2 0}]" || lasted != at(10) || h.Held() || h.Expired() {
		t.Fatalf("released %v after %v", out, lasted)
	}
	if _, ok := h.Next(window); ok {
		t.Fatal("nobody waits")
	}
}
