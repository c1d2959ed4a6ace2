package upstream

import "evergate/gateway/session"

// Fate is what becomes of a request whose connection died (rule: a lost connection splits by arithmetic).
type Fate uint8

const (
	// Again: it was certainly not executed, or it is a read: do it again.
	Again Fate = iota
	// Uncertain: a write whose last byte was sent. Nobody knows whether it ran; it is never sent again.
	Uncertain
	// OutOfOrder: a read that was sent, behind it a sent write of the same session: done again it could see what
	// that later write did. It is answered with an error that says so.
	OutOfOrder
)

// Lost is one request of a connection that died. Frame aliases the connection's queue.
type Lost struct {
	Pending Pending
	Fate    Fate
	Frame   []byte
}

// Alone says that no more than one request that somebody waits for is under way.
func (l *Conn) Alone() bool {
	n := 0
	for t := range l.Inflight.All {
		if t.Flags&Quiet == 0 {
			n++
		}
	}
	return n <= 1
}

// Unsent tells what has not been handed to the kernel whole, oldest first. Frames alias the queue until DropUnsent.
func (l *Conn) Unsent() []Lost {
	var unsent []Lost
	start := l.Queue.AnsweredTo()
	for t := range l.Inflight.All {
		if !l.Queue.Sent(t.End) {
			unsent = append(unsent, Lost{Pending: *t, Fate: Again, Frame: l.Queue.Frame(start, t.End)})
		}
		start = t.End
	}
	return unsent
}

// DropUnsent forgets what Unsent told: not one byte more goes out. The connection is Truncated when it ended in the
// middle of a frame, or behind an ASKING, which would be for whatever came next.
func (l *Conn) DropUnsent() {
	end, quiet, kept := l.Queue.AnsweredTo(), false, 0
	for t := range l.Inflight.All {
		if !l.Queue.Sent(t.End) {
			break
		}
		end, quiet = t.End, t.Flags&Quiet != 0
		kept++
	}
	dropped := kept < l.Inflight.Len()
	l.Truncated = l.Truncated || l.Queue.wrote > end || dropped && quiet
	l.Inflight.truncate(kept)
	l.Queue.truncate(end)
	l.BigEnd = min(l.BigEnd, end)
}

// Lost tells the fate of everything in flight, oldest first. It does not change the connection: call Reset
// afterwards. Frames alias the queue until then. sharded says that only requests of the same slot can touch the same
// keys; one without a slot may touch all.
func (l *Conn) Lost(sharded bool) []Lost {
	lost := make([]Lost, 0, l.Inflight.Len())
	start := l.Queue.AnsweredTo()
	for t := range l.Inflight.All {
		fate := Again
		if t.Flags&Write != 0 && l.Queue.Sent(t.End) {
			fate = Uncertain
		}
		lost = append(lost, Lost{Pending: *t, Fate: fate, Frame: l.Queue.Frame(start, t.End)})
		start = t.End
	}
	type who struct {
		to   session.Ref
		slot int16
	}
	written := map[who]bool{} // slot -1: something everywhere; slot -2: something anywhere
	for i := len(lost) - 1; i >= 0; i-- {
		t := lost[i].Pending
		slot := t.Slot
		if !sharded {
			slot = -1
		}
		of := func(slot int16) who { return who{t.To, slot} }
		switch {
		case lost[i].Fate == Uncertain:
			written[of(slot)], written[of(-2)] = true, true
		case written[of(slot)], written[of(-1)], slot < 0 && written[of(-2)]:
			lost[i].Fate = OutOfOrder
		}
	}
	return lost
}
