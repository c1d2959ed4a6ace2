package upstream

// Bytes returns the bytes to write to a connection next; none when there are none, or not yet: Out names the connection
// again then. They are valid until the next call of any method.
func (p *Pool) Bytes(id ConnID) []byte {
	l := p.conns[id]
	if l == nil {
		return nil
	}
	l.Dirty = false
	if l.State != Open || l.Retiring { // not one byte for a node that lost its role
		return nil
	}
	if end := l.Acks.Asked(); end > 0 && l.Queue.Sent(end) { // the answer has it written
		return nil
	}
	if l.Slicing() {
		return l.upToWait(l.slice(p))
	}
	if l.Acks.Asked() == 0 && l.Coalesces(p.Clock.Now) { // nothing more comes before a WAIT
		p.Clock.At(l.WriteAt) // each time, since an earlier timer resets it
		return nil
	}
	return l.upToWait(l.Queue.Unsent())
}

// Wrote records that the kernel took the first n of these bytes.
func (p *Pool) Wrote(id ConnID, n int) {
	l := p.conns[id]
	if l == nil || l.State != Open {
		return
	}
	busy, owed := l.Busy(), l.Awaits()
	l.Queue.Wrote(n)
	l.sliceLeft = max(0, l.sliceLeft-n)
	if l.Tunnel {
		l.Queue.Passed()
	}
	if n > 0 {
		l.WriteAt = 0
		if l.Key.Purpose == Replica {
			p.wroteTo(p.servers[l.Key.Service])
		}
	}
	if !owed && l.Awaits() {
		l.WaitsFrom, l.Slow, l.Suspected, l.SentOn = p.Clock.Now, false, false, false
		p.listenFrom(l)
	}
	if busy && !l.Busy() {
		p.notBusy(l)
	}
	p.counts.UpstreamOutBytes += uint64(n)
}

// Dirty makes the loop write a connection's bytes at the end of the round.
func (p *Pool) Dirty(l *Conn) {
	if !l.Dirty {
		l.Dirty = true
		p.out.Conns = append(p.out.Conns, l.ID)
	}
}

// Read stops or resumes reading from a connection.
func (p *Pool) Read(l *Conn, on bool) {
	if l.Paused == on {
		l.Paused = !on
		l.WaitsFrom = p.Clock.Now
		p.listenFrom(l)
		p.out.ReadConns = append(p.out.ReadConns, Reading{Conn: l.ID, On: on})
	}
}

// Emptied opens a connection to other sessions when what was sent in isolation is answered.
func (p *Pool) Emptied(l *Conn) {
	if l.Carries != Anybody && l.Inflight.Len() == 0 {
		l.Carries = Anybody
		p.notBusy(l)
	}
}

// BigEnded records the end of a reply that may have been a long one.
func (p *Pool) BigEnded(l *Conn) {
	if l.Big {
		l.Big = false
		p.notBusy(l)
	}
}

// notBusy wakes the sessions for which a connection takes requests again.
func (p *Pool) notBusy(l *Conn) {
	p.sets[l.Key].wanted = false
	p.Users.Usable(l.Key.Service)
	p.Users.Room(l.Key.Service)
}
