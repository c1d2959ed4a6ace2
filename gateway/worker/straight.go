package worker

import (
	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// ClientRoom returns where to read a client's next bytes into: behind the beginning of a request whose length is known,
// so that it is not copied again. It is empty for most clients. all: there is room for the rest of that request, and
// bytes behind it may be given to ClientRead. ClientFilled must follow, before any other call.
func (w *Worker) ClientRoom(id uint32) (room []byte, all bool) {
	c := w.x.ByID(id)
	if c == nil || c.Ending || c.Reason != wait.Running || c.Retrying() {
		return nil, false
	}
	return c.Input.Straight()
}

// ClientFilled records that n bytes were read into what ClientRoom returned.
func (w *Worker) ClientFilled(id uint32, n int) {
	c := w.x.ByID(id)
	c.Touch(w.clock.Now)
	w.counts.ClientInBytes += uint64(n)
	if c.Input.Len()+n > w.conf.QueryBytesMax {
		w.x.Close(c, session.QueryLimit)
		return
	}
	c.Input.Filled(n)
	w.runUnread(c)
	w.x.Evict()
}
