// Package inquiry asks servers what the catalog of a service lacks: what a command is, where its keys are, whether
// there is a database, which functions write, whether a user may execute transactions. The sessions that need the
// answer are blocked meanwhile. It knows no command but SELECT, which it answers.
package inquiry

import (
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// Config is what Inquiries need.
type Config struct {
	Exchange *exchange.Exchange
	Clock    *wait.Clock
	Pool     *upstream.Pool
	Limits   *resp.Limits
}

// Inquiries for the sessions of an exchange.
type Inquiries struct {
	x      *exchange.Exchange
	clock  *wait.Clock
	pool   *upstream.Pool
	limits *resp.Limits
}

// New makes Inquiries.
func New(conf Config) *Inquiries {
	return &Inquiries{x: conf.Exchange, clock: conf.Clock, pool: conf.Pool, limits: conf.Limits}
}
