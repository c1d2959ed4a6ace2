package worker

import (
	"time"

	"evergate/gateway/upstream"
)

// carried is what a worker does for its pool of connections: see upstream.Users.
type carried Worker

func (r *carried) Lost(l *upstream.Conn, lost *upstream.Lost, front bool, why upstream.LostReason) {
	w := (*Worker)(r)
	w.x.LostRequest(w.services[l.Key.Service].Service, l, lost, front, why)
}

func (r *carried) Ended(l *upstream.Conn, since time.Duration) (unneeded bool) {
	w := (*Worker)(r)
	s := w.services[l.Key.Service]
	s.Catalog.Unload(l.Key.Node)
	w.x.ConnEnded(l)
	return l.Key.Purpose == upstream.Subscription && s.Lost(l, since)
}

func (r *carried) Failed(l *upstream.Conn) (unneeded bool) {
	w := (*Worker)(r)
	return l.Key.Purpose == upstream.Subscription && w.services[l.Key.Service].Lost(l, w.clock.Now)
}

func (r *carried) Rejected(l *upstream.Conn, alone bool) {
	(*users)(r).expel((*Worker)(r).services[l.Key.Service], l, alone)
}

func (r *carried) Opened(l *upstream.Conn) {
	w := (*Worker)(r)
	if l.Key.Purpose == upstream.Subscription {
		w.pubsub.Opened(l)
	} else {
		w.x.DedicatedOpened(l)
	}
}

func (r *carried) DedicatedLost(l *upstream.Conn, failed bool) {
	(*Worker)(r).x.DedicatedLost(l, failed)
}

func (r *carried) Resized(l *upstream.Conn) { (*Worker)(r).x.AccountOwner(l) }

func (r *carried) Unconfirmed(l *upstream.Conn) { (*Worker)(r).x.LostUnconfirmed(l) }

func (r *carried) GiveUp(l *upstream.Conn) { (*Worker)(r).x.GiveUpHedged(l) }

func (r *carried) Usable(service int) {
	w := (*Worker)(r)
	w.services[service].Usable()
}

func (r *carried) Elsewhere(service int) {
	w := (*Worker)(r)
	w.services[service].WakeHeld()
}

func (r *carried) Room(service int) {
	w := (*Worker)(r)
	w.services[service].WakeFull()
}

func (r *carried) Slow(l *upstream.Conn) {
	w := (*Worker)(r)
	w.x.ReadElsewhere(l)
}

func (r *carried) Silent(l *upstream.Conn) {
	w := (*Worker)(r)
	w.x.EndSilent(l)
	if l.Key.Purpose == upstream.Subscription {
		w.pubsub.Silent(l)
		return
	}
	w.x.ReadElsewhere(l)
}

func (r *carried) Stopped(l *upstream.Conn) time.Duration {
	return (*Worker)(r).x.Stopped(l)
}

func (r *carried) Look(l *upstream.Conn) { (*Worker)(r).pubsub.Look(l) }
