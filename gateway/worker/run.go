package worker

import (
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/wait"
)

// A session that cannot go on is blocked: the request stays unread in its client's input, and is decided again, under
// the view of that moment, when the session runs again. Replies leave in order, so a later request of the same client
// could not be answered sooner anyway; order, back-pressure and a client that leaves while it waits need no further
// care.

// run handles the requests at the start of buf until it ends or the session is blocked, and returns how many bytes were
// used.
func (w *Worker) run(c *sessions.Session, buf []byte) (used int) {
	limits := w.limits(c)
	for !c.Ending && !c.Closed() && !c.Retrying() && used < len(buf) {
		if c.OwedTooMuch() {
			w.x.Block(c, wait.OwedTooMuch)
			break
		}
		n, args, status := c.Input.Next(buf[used:], w.args, limits)
		w.args = args
		switch status {
		case resp.More:
			return used
		case resp.Empty:
			used += n
			continue
		case resp.Broken:
			if w.isBlocked(c) {
				return used
			}
			w.counts.ProtocolErrors++
			w.env.Malformed(c.Service.Of, c.Remote, c.Input.Err())
			w.x.Answer(c, resp.AppendError(nil, c.Input.Err()))
			w.x.End(c, session.ProtocolError)
			return len(buf)
		}
		user, waits := c.User, c.WaitsSince
		if !w.request(c, buf[used:used+n], args, status == resp.Ragged) {
			break
		}
		if w.throttle.Limits(c.Ref.ID) {
			w.throttle.Spend(c, n)
		}
		if waits != 0 {
			w.slow.waited(w, c, c.Replies.Newest(), wait.StampOf(waits), args)
		}
		w.x.Resumed(c)
		w.x.ReleaseUnused(c)
		w.subscribers.GiveUp(c)
		used += n
		if n > sessions.PauseBytes {
			w.forgetArgs()
		}
		if c.User != user {
			limits = w.limits(c)
		}
	}
	return used
}

// forgetArgs drops what points into a large request, so that its buffer can be given back.
func (w *Worker) forgetArgs() {
	if cap(w.args) > 64 {
		w.args = make([][]byte, 0, 64)
	}
	clear(w.args[:cap(w.args)])
}
