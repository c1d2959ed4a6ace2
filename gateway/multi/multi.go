// Package multi executes commands that concern several shards, or take several steps: keys in several slots (split.go),
// what goes to all primaries (broadcast.go), SCAN through a cluster (scan.go, cursor.go), and SAVE (save.go). Each of
// them is one sessions.Composite (parts.go): its parts are sent as requests like any other, and one reply is made of
// the replies to them.
//
// Begin with Multi.Split, then read parted.Take in parts.go.
//
// It knows shards, slots and how replies are joined (package resp joins them). It must not know how a part reaches its
// server, is retried or waits: that is package exchange. It reads no client's input and
// writes no client's output.
package multi

import (
	"math/rand/v2"

	"evergate/gateway/exchange"
	"evergate/gateway/retry"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// Config has what a Multi needs. All fields are required.
type Config struct {
	Exchange *exchange.Exchange
	Clock    *wait.Clock
	Pool     *upstream.Pool
	Rand     *rand.Rand
	// Report passes on an observation to the control plane.
	Report func(service int, r topology.Report)
	// Print returns a number of this many bits, 1 or more, by which a cursor recognizes a server: always the same for
	// one identity, and different for any other one that the gateway has met. See FirstPrint.
	Print func(identity uint64, bits int) uint32
}

// Multi executes such commands for the sessions of an exchange. New makes it.
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

// Resend sends the part of a request that its session must retry first, or answers it. sent is false when the session
// was blocked; handled is false for a part of
// Split, which is retried like a single command, and for what is no part.
func (m *Multi) Resend(c *sessions.Session, a *retry.Entry) (sent, handled bool) {
	switch s := splitOf(c, a.Seq); {
	case s != nil && s.broadcast != nil:
		return m.resendBroadcast(c, s), true
	case s != nil && s.scan != nil:
		return m.resendScan(c, s, a), true
	}
	return false, false
}
