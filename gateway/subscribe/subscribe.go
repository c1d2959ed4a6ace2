// Package subscribe does SUBSCRIBE and its kin for sessions: it joins them to topics, acknowledges when the servers
// have (topics.go), says what a subscribed RESP2 client may still send (AllowedWhileSubscribed in topics.go), and
// corrects replies that count subscribers (recount.go). What is subscribed to at servers is package pubsub's.
package subscribe

import (
	"evergate/gateway/exchange"
	"evergate/gateway/fanout"
	"evergate/gateway/pubsub"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
)

// Config is what Subscribers need.
type Config struct {
	Exchange *exchange.Exchange
	Limits   *resp.Limits
	// Count tells how many listen to a topic over all workers, and how many connections of theirs a server counts for it.
	Count func(service int, q fanout.Count) (listeners, conns int)
}

// Subscribers are the sessions of an exchange that listen.
type Subscribers struct {
	x        *exchange.Exchange
	conf     Config
	services []*pubsub.Subscriptions
	count    uint64
	args     [][]byte // scratch
}

// New makes Subscribers.
func New(conf Config) *Subscribers { return &Subscribers{x: conf.Exchange, conf: conf} }

// Serve adds a service, or takes it in place of the one with its Index.
func (u *Subscribers) Serve(s *pubsub.Subscriptions) {
	for s.Index >= len(u.services) {
		u.services = append(u.services, nil)
	}
	u.services[s.Index] = s
}

// Forget forgets the service with this Index, which has no session and no connection.
func (u *Subscribers) Forget(index int) { u.services[index] = nil }

// Count is how many commands have subscribed a client.
func (u *Subscribers) Count() uint64 { return u.count }

// of is the subscriptions of a session's service.
func (u *Subscribers) of(c *sessions.Session) *pubsub.Subscriptions {
	return u.services[c.Service.Index]
}
