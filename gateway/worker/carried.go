package worker

import (
	"time"

	"evergate/gateway/upstream"
)

// carried are a worker's sessions, as its pool of connections knows them.
type carried Worker

func (r *carried) Lost(l *upstream.Conn, lost *upstream.Lost, front bool, why upstream.LostReason) {
	w := (*Worker)(r)
	w.lostRequest(w.services[l.Key.Service], l, lost, front, why)
}

func (r *carried) Ended(l *upstream.Conn, since time.Duration) (unneeded bool) {
	w := (*Worker)(r)
	s := w.services[l.Key.Service]
	s.catalog.Unload(l.Key.Node)
	if w.publishes == l {
		w.publishes = nil
	}
	return l.Key.Purpose == upstream.Subscription && s.Lost(l, since)
}

func (r *carried) Failed(l *upstream.Conn) (unneeded bool) {
	w := (*Worker)(r)
	return l.Key.Purpose == upstream.Subscription && w.services[l.Key.Service].Lost(l, w.clock.Now)
}

func (r *carried) Opened(l *upstream.Conn) {
	w := (*Worker)(r)
	if l.Key.Purpose == upstream.Subscription {
		w.pubsub.Opened(l)
	} else {
		w.pinOpened(l)
	}
}

func (r *carried) DedicatedLost(l *upstream.Conn, failed bool) { (*Worker)(r).pinLost(l, failed) }

func (r *carried) Usable(service int) {
	w := (*Worker)(r)
	w.releaseHeld(w.services[service])
}

func (r *carried) Elsewhere(service int) {
	w := (*Worker)(r)
	w.wakeHeld(w.services[service])
}

func (r *carried) Room(service int) {
	w := (*Worker)(r)
	w.wakeFull(w.services[service])
}

func (r *carried) Slow(l *upstream.Conn) {
	w := (*Worker)(r)
	w.readElsewhere(w.services[l.Key.Service], l)
}

func (r *carried) Silent(l *upstream.Conn) {
	w := (*Worker)(r)
	w.silentFor(l)
	if l.Key.Purpose == upstream.Subscription {
		w.pubsub.Silent(l)
		return
	}
	w.readElsewhere(w.services[l.Key.Service], l)
}

func (r *carried) Stopped(l *upstream.Conn) time.Duration {
	if (*Worker)(r).mayStop(l) {
		return stallGrace
	}
	return 0
}

func (r *carried) Look(l *upstream.Conn) { (*Worker)(r).pubsub.Look(l) }
