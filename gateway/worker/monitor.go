package worker

import (
	"evergate/gateway/admin"
	"evergate/gateway/session"
	"evergate/gateway/trace"
	"evergate/routing"
)

// monitor does MONITOR. All that came before has been answered.
func (w *Worker) monitor(c *client) {
	w.stats.Local++
	if !w.monitors.Begin(&c.monitor) {
		return // as servers do: a second one gets no answer
	}
	c.adminOut = true
	w.sendAdmin(c, admin.Request{Kind: admin.BeginMonitor}, c.Replies.Reserve())
}

// unmonitor ends what monitor began.
func (w *Worker) unmonitor(c *client) {
	if w.monitors.End(&c.monitor, c.ref) {
		w.env.Admin(admin.Request{
			Kind: admin.EndMonitor, Listener: int(c.Listener), Services: []int{c.svc.Index}, Asker: c.number,
		})
	}
}

// finishedCommand shows a command that a client has done to the sessions that monitor, after the commands of the
// transaction that it ends.
func (w *Worker) finishedCommand(c *client, ended *session.Multi, command *routing.Command, args [][]byte) {
	switch command.ID {
	case routing.CmdMonitor, routing.CmdQuit:
		return
	case routing.CmdExec:
		if ended == nil || ended.Aborted {
			break
		}
		w.showQueued(c, ended)
	}
	w.show(c, command, args)
}

// showQueued shows the commands of a transaction.
func (w *Worker) showQueued(c *client, m *session.Multi) {
	at, standIns := -1, m.Placeholders // MULTI comes first
	for args := range w.commandsIn(m.Body) {
		if len(standIns) > 0 && standIns[0].At == at {
			args, standIns = standIns[0].Args, standIns[1:]
		}
		if at >= 0 {
			w.show(c, routing.Lookup(args), args)
		}
		at++
	}
}

func (w *Worker) show(c *client, command *routing.Command, args [][]byte) {
	r := trace.Record{At: w.env.WallClock(), DB: c.DB, Client: c.remote, Command: command, Args: args}
	line, services := r.AppendLine(nil), w.monitors.Watchers(c.svc.Index)
	w.Show(services, line)
	w.env.Shown(services, line)
}

// Show gives a line to the sessions of this worker that monitor one of these services: what a client of them has done,
// in any worker.
func (w *Worker) Show(services []int, line []byte) {
	for ref := range w.monitors.Sessions(services) {
		if c := w.client(ref); c != nil {
			w.hand(c, line, false)
		}
	}
}

// listensOn reports whether a client is there to be sent things, and may be silent for as long as it likes.
func (c *client) listensOn() bool { return c.subscribed() || c.monitor.Is() }

var onlyMonitors = []byte("-ERR Replica can't interact with the keyspace\r\n")
