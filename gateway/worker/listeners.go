package worker

import (
	"evergate/gateway/fanout"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// subscribed is what a worker does for its subscriptions: see pubsub.Listeners.
type subscribed Worker

func (r *subscribed) Fan(t *fanout.Topic, frame []byte) {
	w := (*Worker)(r)
	listeners := t.Listeners()
	many := len(listeners) >= w.conf.GatherFrom
	for i := len(listeners) - 1; i >= 0; i-- { // a listener that is closed is replaced by the last one
		if c := w.x.Session(listeners[i].Ref); c != nil {
			w.x.Push(c, frame, many)
		}
	}
}

func (r *subscribed) Resume(who session.Ref) {
	w := (*Worker)(r)
	if c := w.x.Session(who); c != nil && c.Reason != wait.Running {
		w.x.Wake(c)
	}
}

func (r *subscribed) Close(who session.Ref, why session.CloseReason) {
	w := (*Worker)(r)
	if c := w.x.Session(who); c != nil {
		w.x.Close(c, why)
	}
}

func (r *subscribed) Rejected(kind retry.Kind) { r.counts.RefusedByServer[kind]++ }

func (r *subscribed) Moved(l *upstream.Conn, reply []byte) {
	(*Worker)(r).x.Redirected(l, reply, retry.Moved, &upstream.Pending{})
}
