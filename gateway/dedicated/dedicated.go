// Package dedicated executes commands that need a dedicated connection, except WATCH: blocking ones (blocking.go, and
// unblock.go for CLIENT UNBLOCK), WAIT and WAITAOF (wait.go), dangerous ones that a setting permits (harmful.go), and
// the replication stream of SYNC and its kin (tunnel.go).
//
// Begin with Dedicated.DoBlocking.
//
// It knows why these commands must not enter a connection that others share, and how each of them is retried. It must
// not know how dedicated connections are dialled, pooled and closed: exchange.Dedications and package upstream do.
package dedicated

import (
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Others answers what belongs to other rooms.
type Others interface {
	// Refuse answers a request with the error for the reason of a decision.
	Refuse(c *sessions.Session, why routing.Reason, command *routing.Command, args [][]byte)
	// Paused blocks a session whose request must not be retried before the end of a CLIENT PAUSE, and reports whether
	// it did.
	Paused(c *sessions.Session, a *retry.Entry) bool
}

// Config has what Dedicated needs. All fields are required.
type Config struct {
	Exchange *exchange.Exchange
	Clock    *wait.Clock
	Pool     *upstream.Pool
	Others   Others
	Limits   *resp.Limits
}

// Dedicated executes such commands for the sessions of an exchange. New makes it.
type Dedicated struct {
	x     *exchange.Exchange
	conf  Config
	clock *wait.Clock
	pool  *upstream.Pool
	args  [][]byte // scratch
}

// New makes a Dedicated.
func New(conf Config) *Dedicated {
	return &Dedicated{x: conf.Exchange, conf: conf, clock: conf.Clock, pool: conf.Pool}
}
