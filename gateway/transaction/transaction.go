// Package transaction does MULTI to EXEC, and WATCH. Commands are queued here and sent in one piece; commands that the
// gateway answers itself are replaced by a PING, and their replies put in its place.
package transaction

import (
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Commands are what a transaction leaves to others.
type Commands interface {
	// Refuse answers with the error that a decision names.
	Refuse(c *exchange.Session, why routing.Reason, command *routing.Command, args [][]byte)
	// Own answers a command of a transaction that has been executed. sent: the reply comes through Completed, for the
	// place seq.
	Own(c *exchange.Session, args [][]byte, seq uint32) (reply []byte, sent bool)
}

// Config is what Transactions need.
type Config struct {
	Exchange *exchange.Exchange
	Clock    *wait.Clock
	Pool     *upstream.Pool
	Commands Commands
	Limits   *resp.Limits
	// QueryBytesMax bounds what is queued for one EXEC.
	QueryBytesMax int
}

// Transactions of the sessions of an exchange.
type Transactions struct {
	x      *exchange.Exchange
	conf   Config
	clock  *wait.Clock
	pool   *upstream.Pool
	queued uint64
}

// New makes Transactions.
func New(conf Config) *Transactions {
	return &Transactions{x: conf.Exchange, conf: conf, clock: conf.Clock, pool: conf.Pool}
}

// Queued is how many commands were queued for an EXEC.
func (tx *Transactions) Queued() uint64 { return tx.queued }
