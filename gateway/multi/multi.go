// Package multi does commands that concern several shards, or take several steps: keys in several slots, what goes to
// all primaries, SCAN through a cluster, SAVE. Their parts are requests like any other, and one reply is made of the
// replies to them.
package multi

import (
	"math/rand/v2"

	"evergate/gateway/exchange"
	"evergate/gateway/retry"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// Config is what a Multi needs.
type Config struct {
	Exchange *exchange.Exchange
	Clock    *wait.Clock
	Pool     *upstream.Pool
	Rand     *rand.Rand
	// OutputBytesMax bounds what is found by a scan before it is a page.
	OutputBytesMax int
	// Report passes on what was seen on a connection.
	Report func(service int, r topology.Report)
	// Print returns a number of so many bits, never 0, for a server or whatever else a cursor must know again: the same
	// each time for one identity, and not that of another one. See FirstPrint.
	Print func(identity uint64, bits int) uint32
}

// Multi does such commands for the sessions of an exchange.
type Multi struct {
	x     *exchange.Exchange
	conf  Config
	clock *wait.Clock
	pool  *upstream.Pool
	rnd   *rand.Rand
	cut   scratch
}

// New makes a Multi.
func New(conf Config) *Multi {
	return &Multi{x: conf.Exchange, conf: conf, clock: conf.Clock, pool: conf.Pool, rnd: conf.Rand}
}

// Resend retries a part of a Composite of this room, or answers it. It returns false when the session was blocked. of:
// it is one of this room.
func (m *Multi) Resend(c *exchange.Session, a *retry.Entry) (sent, of bool) {
	switch s := splitOf(c, a.Seq); {
	case s != nil && s.broadcast != nil:
		return m.resendBroadcast(c, s), true
	case s != nil && s.scan != nil:
		return m.resendScan(c, s, a), true
	}
	return false, false
}
