// Package dedicated does commands that keep a connection for themselves: blocking ones, WAIT, what may harm and is let
// through by a setting, and the stream of a replica.
package dedicated

import (
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Others are the commands that dedicated ones leave to others.
type Others interface {
	// Refuse answers with the error that a decision names.
	Refuse(c *exchange.Session, why routing.Reason, command *routing.Command, args [][]byte)
	// Paused blocks a session whose request must wait for the end of a pause before it is retried.
	Paused(c *exchange.Session, a *retry.Entry) bool
}

// Config is what Dedicated needs.
type Config struct {
	Exchange *exchange.Exchange
	Clock    *wait.Clock
	Pool     *upstream.Pool
	Others   Others
	Limits   *resp.Limits
	// QueryBytesMax bounds what waits to be written in a tunnel.
	QueryBytesMax int
}

// Dedicated does such commands for the sessions of an exchange.
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
