package worker

import (
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// resend retries one request, which is decided anew, or answers it. It returns false when the session was blocked.
//
// What is retried in a way of its own comes first: the parts of a composite, a transaction, a blocking command.
func (w *Worker) resend(c *sessions.Session, a *retry.Entry) bool {
	switch {
	case !a.Due(w.clock.Now, c.Service.View):
		return w.x.RetryLater(c, a)
	case !c.InBlockingCommand() && w.clients.PausedRetry(c,
		a): // the time of a blocking command may end before the pause does
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
	case d.Kind == routing.Split && d.Counts && a.Part >= 0 && int(a.Part) < len(d.Parts):
		// Every shard was asked the same.
		d = routing.Decision{Kind: routing.Forward, Shard: d.Parts[a.Part].Shard, Slot: -1, Counts: true, Safe: true}
	case d.Kind == routing.Answer: // COMMAND, which any server may answer
		d = routing.Decision{Kind: routing.Forward, Safe: true, Shard: 0, Slot: -1}
	case d.Reason == routing.Forbidden:
		w.x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, exchange.NotElsewhere)
		return true
	case d.Kind != routing.Forward: // its keys lie on several shards now
		w.x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, exchange.TooManyRedirects)
		return true
	}
	d.Read = d.Read && !a.Primary
	return w.forwardRetry(c, a, &d, command, w.args)
}

// forwardRetry sends a request to retry to the shard that the decision names, or to the node that a redirection named.
// It returns false when the session was blocked.
func (w *Worker) forwardRetry(c *sessions.Session, a *retry.Entry, d *routing.Decision, command *routing.Command,
	args [][]byte) bool {
	keys := w.x.KeysOf(c, d, command, args)
	l, why := w.x.ChooseForRetry(c, a, d, keys)
	if l == nil {
		return w.x.StillUnavailable(c, a, d.Shard, why)
	}
	r := exchange.Request{
		Seq: a.Seq, Part: a.Part, Slot: int16(d.Slot), Redirects: a.Redirects, Retries: a.Retries, Cost: a.Cost,
		Began: a.Began, Command: a.Command, Shard: d.Shard, Read: d.Safe, Changes: d.Changes, Keys: keys, Frame: a.Frame,
		Counts: d.Counts, Ask: a.Ask, Foreign: a.Target >= 0,
	}
	if body := c.Service.Catalog.Missing(exchange.PlaceOf(l), command, args); body != nil {
		r.Load = [][]byte{body}
	} else if a.Load != nil {
		r.Load = [][]byte{a.Load}
	}
	w.x.Send(c, l, &r)
	return true
}
