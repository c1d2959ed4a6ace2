package worker

import "evergate/routing"

// walk sends SCAN and its like.
func (w *Worker) walk(c *client, d routing.Decision, command *routing.Command, args [][]byte, frame []byte) bool {
	if c.svc.view != nil && c.svc.view.Sharded && d.Slot < 0 {
		w.refuse(c, routing.NotYet, command, nil)
		return true
	}
	d.Read, d.Safe = false, true
	return w.forward(c, d, command, args, frame)
}
