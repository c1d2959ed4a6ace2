package catalog

import (
	"bytes"
	"time"

	"evergate/gateway/retry"
)

// noMultiFor is how long MULTI gets a server's error reply to the MULTI of a transaction.
const noMultiFor = 30 * time.Second

// Multi returns Known if a server accepts MULTI, or has recently rejected it: see MultiError. Otherwise it returns Ask.
func (c *Catalog) Multi(now time.Duration) State {
	if c.multi || c.MultiError(now) != nil {
		return Known
	}
	return Ask
}

// MultiError returns the error that a server recently replied to MULTI, or nil.
func (c *Catalog) MultiError(now time.Duration) []byte {
	if now >= c.noMultiUntil || len(c.noMulti) == 0 {
		return nil
	}
	return c.noMulti
}

// MultiFails records a server's error reply to MULTI. It copies the bytes.
func (c *Catalog) MultiFails(err []byte, now time.Duration) {
	c.multi, c.noMulti, c.noMultiUntil = false, bytes.Clone(err), now+noMultiFor
}

// takeMulti records the reply to an empty transaction. A rejection is believed for a moment only: nothing was executed,
// so it costs little to ask again. A server that is busy with a script checks the rights first.
func (c *Catalog) takeMulti(reply []byte, now time.Duration) {
	switch {
	case unable(reply):
	case reply[0] == '-' && retry.Classify(reply, false) != retry.Busy:
		c.noMulti, c.noMultiUntil = bytes.Clone(reply), now+failedFor
	default:
		c.multi = true
	}
}
