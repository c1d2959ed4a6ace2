package worker

import (
	"evergate/gateway/session"

	"evergate/gateway/wait"
)

const (
	// straightBytes bounds what is read at once into its place, so that a client with a long request takes no more of
	// a round than its turn.
	straightBytes = 256 << 10
	// straightMin is the least room that is worth a read of its own.
	straightMin = 4 << 10
)

// ClientRoom returns where to put what a client sends next: behind the beginning of the request that it is sending, of
// which it is known how long it is, so that it need not be copied again. It is empty for most clients. all says that
// this is room for the rest of that request: more may be read behind it, and given to ClientRead. What was put there is
// told by ClientFilled, before anything else is called.
func (w *Worker) ClientRoom(id uint32) (room []byte, all bool) {
	c := w.clients[id]
	if c == nil || len(c.Unread) == 0 || c.Ending || c.Reason != wait.Running || len(c.again) > 0 {
		return nil, false
	}
	need := c.scan.Need() - int64(len(c.Unread))
	n := min(need, int64(cap(c.Unread)-len(c.Unread)), straightBytes)
	if n <= 0 || n < min(need, straightMin) {
		return nil, false
	}
	return c.Unread[len(c.Unread) : len(c.Unread)+int(n)], n == need
}

// ClientFilled says that n bytes of what ClientRoom returned came from the client.
func (w *Worker) ClientFilled(id uint32, n int) {
	c := w.clients[id]
	c.ActiveAt = w.clock.Now
	w.stats.ClientInBytes += uint64(n)
	if len(c.Unread)+n > w.conf.QueryBytesMax {
		w.close(c, session.QueryLimit)
		return
	}
	c.Unread = c.Unread[:len(c.Unread)+n]
	w.runUnread(c)
}
