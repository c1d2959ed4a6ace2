package worker

import (
	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// ClientRoom returns where to put what a client sends next: behind the beginning of the request that it is sending, of
// which it is known how long it is, so that it need not be copied again. It is empty for most clients. all says that
// this is room for the rest of that request: more may be read behind it, and given to ClientRead. What was put there is
// told by ClientFilled, before anything else is called.
func (w *Worker) ClientRoom(id uint32) (room []byte, all bool) {
	c := w.x.ByID(id)
	if c == nil || c.Ending || c.Reason != wait.Running || c.Retrying() {
		return nil, false
	}
	return c.Input.Straight()
}

// ClientFilled says that n bytes of what ClientRoom returned came from the client.
func (w *Worker) ClientFilled(id uint32, n int) {
	c := w.x.ByID(id)
	c.ActiveAt = w.clock.Now
	w.counts.ClientInBytes += uint64(n)
	if c.Input.Len()+n > w.conf.QueryBytesMax {
		w.x.Close(c, session.QueryLimit)
		return
	}
	c.Input.Filled(n)
	w.runUnread(c)
}
