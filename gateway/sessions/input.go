package sessions

import (
	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// PauseBytes is how many unread bytes a blocked client may have before the loop stops reading from it, where it
// waits for servers and not for itself.
const PauseBytes = 64 << 10

// strangerBytes is how many unread bytes are kept for a client that has not authenticated: no request of it is longer,
// and it waits for nobody but itself.
const strangerBytes = 256 << 10

// Keep appends bytes to a client's unread input. It copies them. It closes a client that exceeds QueryBytesMax.
func (x *Sessions) Keep(c *Session, b []byte) {
	if len(b) == 0 || c.closed || c.Ending {
		return
	}
	most := x.conf.QueryBytesMax
	if c.IsStranger() {
		most = min(most, strangerBytes)
	}
	if c.Input.Len()+len(b) > most {
		x.Close(c, session.QueryLimit)
		return
	}
	c.Input.Keep(x.blocks, b)
	x.Account(c)
	x.Weigh(c)
	x.Pace(c)
}

// Grows blocks a session whose unread input is being moved to a larger buffer, and reports whether it did. Each call
// moves a part.
func (x *Sessions) Grows(c *Session) bool {
	if c.Input.Move(x.blocks) {
		return false
	}
	x.Block(c, wait.Growing)
	x.clock.Alarm(c.Ref, &c.Place, x.clock.Now+1) // in the next round
	x.Pace(c)
	return true
}

// Skip drops the first n unread bytes: a request that was answered.
func (x *Sessions) Skip(c *Session, n int) {
	c.Input.Used(x.blocks, n)
	x.Account(c)
}

// Pace makes the loop stop or resume reading from a client. One that waits for servers is not read while much of its
// input is unread: so it sends no faster than they execute. But many a client writes all that it has before it reads
// anything. Where a session waits for its own client, or for another one, to stop reading would be a deadlock: it is
// read until QueryBytesMax.
func (x *Sessions) Pace(c *Session) {
	stop := c.Input.Len() > PauseBytes && (c.Reason != wait.Running || len(c.retries) > 0)
	switch c.Reason {
	case wait.OwedTooMuch, wait.Blocked, wait.Paused:
		stop = false
	}
	x.pause(c, stop && c.Output.Len() <= PauseBytes)
}

// pause stops or resumes reading from a client.
func (t *Table) pause(c *Session, stop bool) {
	if c.paused != stop && !c.HalfClosed {
		c.paused = stop
		t.outs.ReadClients = append(t.outs.ReadClients, ClientReading{Client: c.Ref.ID, On: !stop})
	}
}
