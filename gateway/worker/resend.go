package worker

import (
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// resend sends one request to retry, or answers it. It returns false when the session was parked.
func (w *Worker) resend(c *exchange.Session, a *retry.Entry) bool {
	if !a.Due(w.clock.Now, c.Service.View) {
		return c.RetryLater(a)
	}
	if !c.Blocking() && w.clients.PausedRetry(c, a) { // what blocks may be over before the pause is
		return false
	}
	if sent, of := w.multi.Resend(c, a); of {
		return sent
	}
	w.args = resp.Args(a.Frame, w.args[:0])
	command := c.Service.Catalog.Row(w.args)
	var d routing.Decision
	c.Service.Catalog.Decide(&d, command, w.args, c.Service.View)
	switch {
	case d.Kind == routing.Transact: // WATCH is never retried
		return w.transactions.ResendExec(c, a)
	case d.Kind == routing.Dedicate:
		return w.dedicated.ResendBlocking(c, a, command, &d)
	}
	if d.Kind == routing.Split && d.Counts && a.Part >= 0 && int(a.Part) < len(d.Parts) {
		// Every shard was asked the same.
		d = routing.Decision{Kind: routing.Forward, Shard: d.Parts[a.Part].Shard, Slot: -1, Counts: true, Safe: true}
	}
	if d.Kind == routing.Answer { // COMMAND, which any server may answer
		d = routing.Decision{Kind: routing.Forward, Safe: true, Shard: 0, Slot: -1}
	}
	if d.Reason == routing.Forbidden {
		w.x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, exchange.NotElsewhere)
		return true
	}
	if d.Kind != routing.Forward {
		w.x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, exchange.TooManyRedirects)
		return true
	}
	d.Read = d.Read && !a.Primary
	r := exchange.Request{
		Seq: a.Seq, Part: a.Part, Slot: int16(d.Slot), Redirects: a.Redirects, Retries: a.Retries, Cost: a.Cost,
		Shard: d.Shard, Read: d.Safe, Frame: a.Frame, Counts: d.Counts,
	}
	args := w.args
	l, why := w.x.ChooseForRetry(c, a, &d)
	r.Ask, r.Foreign = a.Ask, a.Target >= 0
	if l == nil {
		return w.x.StillUnavailable(c, a, d.Shard, why)
	}
	if body := c.Service.Catalog.Missing(exchange.PlaceOf(l), command, args); body != nil {
		r.Load = [][]byte{body}
	} else if a.Load != nil {
		r.Load = [][]byte{a.Load}
	}
	w.x.Send(c, l, &r)
	return true
}
