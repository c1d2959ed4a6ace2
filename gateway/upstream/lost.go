package upstream

import "evergate/gateway/session"

// Fate is what becomes of a request whose connection was lost. It is decided by arithmetic alone.
type Fate uint8

const (
	// Retriable: it was certainly not executed, or it is a read: it is retried.
	Retriable Fate = iota
	// Uncertain: a write whose last byte was sent. It may have been executed, and is never sent again.
	Uncertain
	// OutOfOrder: a read that was sent, with a write of the same session behind it that was sent, too. A retry could
	// see what that later write did, so it fails.
	OutOfOrder
)

// Lost is one request of a connection that was lost. Frame aliases the connection's queue.
type Lost struct {
	Pending Pending
	Fate    Fate
	Frame   []byte
}

// Alone reports whether at most one request is in flight, without those whose replies are dropped.
func (l *Conn) Alone() bool {
	n := 0
	for t := range l.Inflight.All {
		if t.Flags&Quiet == 0 {
			n++
		}
	}
	return n <= 1
}

// Unsent returns the requests that the kernel has not taken whole, oldest first. Frames alias the queue until
// DropUnsent.
func (l *Conn) Unsent() []Lost {
	var unsent []Lost
	start := l.Queue.AnsweredTo()
	for t := range l.Inflight.All {
		if !l.Queue.Sent(t.End) {
			unsent = append(unsent, Lost{Pending: *t, Fate: Retriable, Frame: l.Queue.Frame(start, t.End)})
		}
		start = t.End
	}
	return unsent
}

// DropUnsent drops what Unsent returns: not one byte more is sent. The connection is Truncated where anything is
// dropped: it may have sent a part of a frame, or an ASKING without the request behind it, which would apply to
// whatever came next; and with TLS what was offered to the loop is encrypted, so that nothing else can be sent in its
// place.
func (l *Conn) DropUnsent() {
	end, kept := l.Queue.AnsweredTo(), 0
	for t := range l.Inflight.All {
		if !l.Queue.Sent(t.End) {
			break
		}
		end = t.End
		kept++
	}
	l.Truncated = l.Truncated || l.Queue.WroteTo() > end || kept < l.Inflight.Len()
	l.Inflight.truncate(kept)
	l.Queue.Truncate(end)
	l.BigEnd = min(l.BigEnd, end)
}

// Lost returns the Fate of everything in flight, oldest first. It does not change the connection: Reset does, and
// frames alias the queue until then. sharded: only requests of the same slot can touch the same keys; one without a
// slot may touch all.
func (l *Conn) Lost(sharded bool) []Lost {
	lost := make([]Lost, 0, l.Inflight.Len())
	start := l.Queue.AnsweredTo()
	for t := range l.Inflight.All {
		fate := Retriable
		if t.Flags&Write != 0 && l.Queue.Sent(t.End) {
			fate = Uncertain
		}
		lost = append(lost, Lost{Pending: *t, Fate: fate, Frame: l.Queue.Frame(start, t.End)})
		start = t.End
	}
	type writer struct {
		to   session.Ref
		slot int16
	}
	written := map[writer]bool{} // slot -1: something everywhere; slot -2: something anywhere
	for i := len(lost) - 1; i >= 0; i-- {
		t := lost[i].Pending
		slot := t.Slot
		if !sharded {
			slot = -1
		}
		of := func(slot int16) writer { return writer{t.To, slot} }
		switch {
		case lost[i].Fate == Uncertain:
			written[of(slot)], written[of(-2)] = true, true
		case written[of(slot)], written[of(-1)], slot < 0 && written[of(-2)]:
			lost[i].Fate = OutOfOrder
		}
	}
	return lost
}
