package upstream

import "evergate/gateway/blocks"

// Assemble keeps a part of the reply under way, in a block of a pool. The bytes are copied.
func (l *Conn) Assemble(p *blocks.Pool, b []byte) {
	if len(l.Reply) == 0 {
		l.Reply = p.Take(len(b))
	}
	l.Reply = append(p.Room(l.Reply, len(b)), b...)
}

// Assembled returns what was kept and forgets it. The bytes are the caller's, who gives them back to the pool of
// blocks.
func (l *Conn) Assembled() []byte {
	reply := l.Reply
	l.Reply = nil
	return reply
}

// Weigh takes note of the size of the reply under way, as far as it is known: a long one keeps other requests off its
// connection until BigEnded.
func (l *Conn) Weigh(size int64) {
	if size > BigBytes {
		l.Big = true
	}
}

// BeginStream has the reply under way passed to its client piece by piece, and returns its beginning as Assembled does.
func (l *Conn) BeginStream() []byte {
	l.Streams = true
	return l.Assembled()
}

// EndStream ends that, and goes on reading.
func (p *Pool) EndStream(l *Conn) {
	l.Streams = false
	if l.Paused {
		p.Read(l, true)
	}
	p.BigEnded(l)
}

// Stop stops reading for a client that lags behind its reply, and Resume goes on when it has caught up.
func (p *Pool) Stop(l *Conn) {
	if l.StoppedAt == 0 {
		l.StoppedAt = max(p.Clock.Now, 1)
	}
	p.Read(l, false)
}

// Resume goes on reading after Stop.
func (p *Pool) Resume(l *Conn) {
	p.Read(l, true)
	l.StoppedAt = 0
}

// Rested forgets since when the connection was stopped, if nothing is in flight there.
func (l *Conn) Rested() {
	if l.Inflight.Len() == 0 {
		l.StoppedAt = 0
	}
}
