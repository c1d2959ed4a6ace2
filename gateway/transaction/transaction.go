// Package transaction executes MULTI, EXEC, DISCARD, WATCH and UNWATCH. The commands of a transaction are queued in
// their session and sent in one piece at EXEC (queue.go, exec.go). WATCH makes a server remember something for a
// connection, so it needs a dedicated one (watch.go). For a command that the gateway answers itself a PING is sent as a
// placeholder, and its reply replaced in that of EXEC (placeholders.go).
//
// Begin with Transactions.Do and Queue.
//
// It knows what makes up a transaction, and the errors of servers for it. It must not know how connections are chosen,
// and how requests are retried or withheld: for package exchange a transaction is one request. What its commands mean
// is decided by package routing, and those of the gateway are answered through Commands.
package transaction

import (
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Commands answers what belongs to other rooms.
type Commands interface {
	// Refuse answers a request with the error for the reason of a decision.
	Refuse(c *sessions.Session, why routing.Reason, command *routing.Command, args [][]byte)
	// Own answers a command of the gateway in a transaction that was executed; args are its words. sent: the reply, for
	// the place seq, comes later through Completed. reply is valid until the next call.
	Own(c *sessions.Session, args [][]byte, seq uint32) (reply []byte, sent bool)
}

// Config has what Transactions need. All fields are required.
type Config struct {
	Exchange *exchange.Exchange
	Clock    *wait.Clock
	Pool     *upstream.Pool
	Commands Commands
	Limits   *resp.Limits
}

// Transactions executes the transactions of the sessions of an exchange. New makes it.
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

// Queued returns how many commands were queued so far.
func (tx *Transactions) Queued() uint64 { return tx.queued }
