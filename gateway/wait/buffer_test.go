package wait

import (
	"fmt"
	"testing"
	"time"

	"evergate/gateway/session"
)

func TestBufferHistory(t *testing.T) {
	const window, longer = 10 * time.Second, 20 * time.Second
	at := func(s int) time.Duration { return time.Duration(s) * time.Second }
	var h Buffer
	if h.Buffering() || h.Expired(0) {
		t.Fatal("a new hold is not held")
	}
	if !h.Begin(at(5)) || h.Begin(at(6)) || !h.Buffering() || h.Since() != at(5) {
		t.Fatalf("began at %v", h.Since())
	}
	h.Add(session.Ref{ID: 1}, at(3), window)
	h.Add(session.Ref{ID: 2}, at(6), window)
	h.Add(session.Ref{ID: 3}, at(3), longer)
	if next, ok := h.Next(); !ok || next != at(13) {
		t.Fatalf("next expiry %v %v", next, ok)
	}
	if out := h.Expire(at(12), nil); len(out) != 0 || h.Expired(0) {
		t.Fatalf("expired too early: %v", out)
	}
	if out := h.Expire(at(13), nil); fmt.Sprint(out) != "[{1 0}]" || h.Expired(window) {
		t.Fatalf("expired %v: it had waited before the hold", out)
	}
	if out := h.Expire(at(16), nil); fmt.Sprint(out) != "[{2 0}]" || !h.Expired(window) || h.Expired(longer) {
		t.Fatalf("expired %v", out)
	}
	if out := h.Wake(nil); fmt.Sprint(out) != "[{3 0}]" || !h.Expired(window) || !h.Buffering() {
		t.Fatalf("woken %v: the hold must stay", out)
	}
	h.Add(session.Ref{ID: 3}, at(3), longer)
	if out := h.End(nil); fmt.Sprint(out) != "[{3 0}]" || h.Buffering() || h.Expired(0) {
		t.Fatalf("released %v", out)
	}
	if _, ok := h.Next(); ok {
		t.Fatal("no session waits")
	}
	h.Add(session.Ref{ID: 4}, at(20), window) // for a moment, without a hold
	if out := h.Expire(at(30), nil); fmt.Sprint(out) != "[{4 0}]" || !h.Begin(at(30)) || h.Expired(window) {
		t.Fatalf("expired %v: that was before the hold", out)
	}
}
