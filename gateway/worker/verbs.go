package worker

import (
	"evergate/gateway/acks"
	"evergate/gateway/admin"
	"evergate/gateway/latency"
	"evergate/gateway/retry"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// verbs is what a worker does for the rooms below it: see exchange.Verbs, transaction.Commands, dedicated.Others.
type verbs Worker

func (v *verbs) Resend(c *sessions.Session, a *retry.Entry) bool {
	w, was, waits := (*Worker)(v), *a, c.WaitsSince // the list may change
	if !w.resend(c, a) {
		return false
	}
	if waits != 0 {
		w.slow.retried(w, c, &was)
	}
	return true
}

func (v *verbs) Internal(l *upstream.Conn, tag uint32, reply []byte) {
	(*Worker)(v).inquiries.Take(l, tag, reply)
}

func (v *verbs) Reply(l *upstream.Conn, reply []byte) { (*Worker)(v).reply(l, reply) }

func (v *verbs) Confirmed(c *sessions.Session, l *upstream.Conn, r *acks.Reply) {
	w := (*Worker)(v)
	us := uint32(w.clock.Stamp) - r.Began
	w.latency.Record(c.Service.Of, r.Command, latency.BucketOf(us), us)
	if wait.Stamp(us) >= w.slow.least {
		w.slow.confirmed(w, c, l, r)
	}
}

func (v *verbs) Unlisten(c *sessions.Session) { (*Worker)(v).subscribers.Unlisten(c) }

func (v *verbs) Closed(c *sessions.Session) {
	w := (*Worker)(v)
	w.subscribers.Unlisten(c)
	w.clients.EndMonitor(c)
	w.policy.Left(c)
	w.throttle.Left(c)
	w.env.Left(c.Remote)
}

// Refuse answers with the error that a decision names.
func (v *verbs) Refuse(c *sessions.Session, why routing.Reason, command *routing.Command, args [][]byte) {
	(*Worker)(v).refuse(c, why, command, args)
}

// Own answers a command of a transaction here. sent: the reply comes through AdminReply.
func (v *verbs) Own(c *sessions.Session, args [][]byte, seq uint32) (reply []byte, sent bool) {
	w := (*Worker)(v)
	command := routing.Lookup(args)
	if !admin.Is(command.ID, c.Service.As != nil) {
		f := (*own)(w).facts(c, command, args)
		reply, do := (*own)(w).ownReply(c, command, args, &f)
		(*own)(w).apply(c, &do) // none that blocks is replaced in a transaction
		return reply, false
	}
	r, wrong := w.clients.Request(c, command, args)
	if wrong != nil {
		return wrong, false
	}
	w.clients.Send(c, r, seq)
	return nil, true
}

// Paused blocks a session whose request must wait for the end of a pause before it is retried.
func (v *verbs) Paused(c *sessions.Session, a *retry.Entry) bool {
	return (*Worker)(v).clients.PausedRetry(c, a)
}
