package upstream

import (
	"time"

	"evergate/gateway/session"
)

// BigBytes is the size in bytes above which a reply or a request under way keeps other requests off its connection. A
// value of 1 MiB is below it with its frame: many clients that read such values would wait for the few connections
// there are.
const BigBytes = 1<<20 + 1<<10

// Send adds a request to a connection and has it written at the end of the round. The frame is copied, unless owned:
// then the connection keeps it. rest are further pieces of the request, which it keeps. with is the Company of the
// request. It returns the offset behind it; r.End is set to that.
func (p *Pool) Send(l *Conn, r Pending, frame []byte, owned bool, with Company, rest ...[]byte) (end uint64) {
	begin := l.Queue.End()
	if owned {
		end = l.Queue.AppendOwned(frame)
	} else {
		end = l.Queue.Append(frame)
	}
	for _, piece := range rest {
		end = l.Queue.AppendOwned(piece)
	}
	r.End = end
	*l.Inflight.Push() = r
	if end-begin > BigBytes {
		l.BigEnd, l.BigFrom = end, r.To
	}
	if l.Key.Purpose != Dedicated {
		l.Carries = max(l.Carries, with)
	}
	l.UsedAt = p.Clock.Now
	p.Dirty(l)
	return end
}

// SendQuietly adds a command whose reply is dropped, in front of a request or by itself. The frame is copied; more are
// flags besides Quiet. It is written with the request, or when the connection is Dirty.
func (l *Conn) SendQuietly(frame []byte, more Flags) {
	*l.Inflight.Push() = Pending{End: l.Queue.Append(frame), Flags: Quiet | more, Part: -1, Slot: -1}
}

// SendTagged is SendQuietly with a tag, which comes back as the Seq of its pending request.
func (l *Conn) SendTagged(frame []byte, tag uint32) {
	*l.Inflight.Push() = Pending{End: l.Queue.Append(frame), Seq: tag, Flags: Quiet, Part: -1, Slot: -1}
}

// Use records that a connection is needed: it is not closed for being idle for a while. Send does so itself.
func (l *Conn) Use(now time.Duration) { l.UsedAt = now }

// Ask adds a command of the gateway's own, which has it written at the end of the round. The frame is copied. tag comes
// back as the Seq of its pending request, ahead replies come before the one to it.
func (p *Pool) Ask(l *Conn, frame []byte, tag, ahead uint32) {
	end := l.Queue.Append(frame)
	*l.Inflight.Push() = Pending{End: end, Seq: tag, Flags: Internal, Part: -1, Slot: -1, Ahead: ahead}
	p.Dirty(l)
}

// AskSetup has a server asked for another setup of a dedicated connection by a command, whose reply SetUp takes. It
// does nothing while the server is being asked.
func (p *Pool) AskSetup(l *Conn, to Setup, frame []byte) {
	if l.Next == (Setup{}) {
		l.Next = to
		p.Ask(l, frame, 0, 0)
	}
}

// SetUp ends that: the connection has the setup that it was asked for, if the server agreed. No other session gets it
// afterwards.
func (l *Conn) SetUp(agreed bool) {
	if agreed {
		l.Now, l.Once = l.Next, true
	}
	l.Next = Setup{}
}

// Abandon has the reply to a pending request dropped: it identifies no client any more.
func (t *Pending) Abandon() { t.To = session.Ref{} }

// CameAhead counts one of the replies that come before that to the request.
func (t *Pending) CameAhead() { t.Ahead-- }

// Own gives a dedicated connection to a session.
func (l *Conn) Own(who session.Ref) { l.Owner, l.Owned = who, true }

// Disown takes a dedicated connection from its session.
func (l *Conn) Disown() { l.Owned = false }

// UseOnce has no other session get a dedicated connection afterwards.
func (l *Conn) UseOnce() { l.Once = true }

// BeginTunnel has everything that comes on a dedicated connection from now on passed to its owner unparsed.
func (l *Conn) BeginTunnel() { l.Once, l.Tunnel = true, true }

// Reject records an error reply that explains the reply to come: a copy of the first one is kept in Queued until
// Explained.
func (l *Conn) Reject(reply []byte) {
	if len(l.Queued) == 0 {
		l.Queued = append([]byte(nil), reply...)
	}
}

// Explained forgets it: the reply has come.
func (l *Conn) Explained() { l.Queued = nil }

// Watch begins to watch how long the server sends nothing.
func (l *Conn) Watch(now time.Duration) { l.WaitsFrom = now }

// Steady forgets the retries of a request: its connection had lasted long enough to be no trial.
func (t *Pending) Steady() { t.Redirects = 0 }

// Suspect counts a connection that a server may have closed on the request.
func (t *Pending) Suspect() { t.Cost++ }

// Move sets the slot of the keys, which a redirection tells.
func (t *Pending) Move(slot int) { t.Slot = int16(slot) }
