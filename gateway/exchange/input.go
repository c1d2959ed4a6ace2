package exchange

import (
	"time"

	"evergate/gateway/session"
	"evergate/gateway/wait"
)

const (
	// PauseBytes is how much a parked client may send before the loop stops reading from it, where it is not itself what
	// it waits for.
	PauseBytes = 64 << 10
	// owedBytes is how many reply bytes may wait for a client before its next request waits.
	owedBytes = 1 << 20
	// blockedGrace is how long the server may take to answer a blocking command of a client that has half-closed.
	blockedGrace = 50 * time.Millisecond
)

// Keep appends bytes that cannot be understood yet.
func (x *Exchange) Keep(c *Session, b []byte) {
	if len(b) == 0 || c.closed || c.Ending {
		return
	}
	if c.Input.Len()+len(b) > x.conf.QueryBytesMax {
		x.Close(c, session.QueryLimit)
		return
	}
	c.Input.Keep(x.blocks, b)
	x.Weigh(c)
	x.Pace(c)
}

// Skip drops the request in front of a client's input: it was answered.
func (x *Exchange) Skip(c *Session, n int) { c.Input.Used(x.blocks, n) }

// Pace has the loop stop or go on reading from a client. One that waits for servers is not read while much of it waits:
// so it sends no faster than they execute. But many a client writes all it has before it reads anything. What waits for
// the client itself, or for another client, would then wait for ever: such a one is read until QueryBytesMax.
func (x *Exchange) Pace(c *Session) {
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
