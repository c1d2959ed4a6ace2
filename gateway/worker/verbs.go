package worker

import (
	"evergate/gateway/exchange"
	"evergate/gateway/retry"
	"evergate/gateway/upstream"
)

// verbs are a worker's commands, as its exchange knows them.
type verbs Worker

func (v *verbs) Resend(c *exchange.Session, a *retry.Entry) bool { return (*Worker)(v).resend(c, a) }

func (v *verbs) Internal(l *upstream.Conn, tag uint32, reply []byte) {
	(*Worker)(v).took(l, tag, reply)
}

func (v *verbs) Reply(l *upstream.Conn, reply []byte) { (*Worker)(v).reply(l, reply) }

func (v *verbs) Unlisten(c *exchange.Session) { (*Worker)(v).unlisten(c) }

func (v *verbs) Closed(c *exchange.Session) {
	w := (*Worker)(v)
	w.unlisten(c)
	w.unmonitor(c)
}
