package worker

import (
	"evergate/gateway/admin"
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/trace"
	"evergate/routing"
)

// monitor does MONITOR. All that came before has been answered.
func (w *Worker) monitor(c *exchange.Session) {
	w.x.CountLocal()
	if !w.monitors.Begin(&c.Monitor) {
		return // as servers do: a second one gets no answer
	}
	c.AwaitsAdmin = true
	w.sendAdmin(c, admin.Request{Kind: admin.BeginMonitor}, c.Replies.Reserve())
}

// unmonitor ends what monitor began.
func (w *Worker) unmonitor(c *exchange.Session) {
	if w.monitors.End(&c.Monitor, c.Ref) {
		w.env.Admin(admin.Request{
			Kind: admin.EndMonitor, Listener: int(c.Listener), Services: []int{c.Service.Index}, Asker: c.Number,
		})
	}
}

// finishedCommand shows a command that a client has done to the sessions that monitor, after the commands of the
// transaction that it ends.
func (w *Worker) finishedCommand(c *exchange.Session, ended *session.Multi, command *routing.Command, args [][]byte) {
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
func (w *Worker) showQueued(c *exchange.Session, m *session.Multi) {
	at, standIns := -1, m.Placeholders // MULTI comes first
	for args := range resp.Commands(m.Body, &w.conf.Limits) {
		if len(standIns) > 0 && standIns[0].At == at {
			args, standIns = standIns[0].Args, standIns[1:]
		}
		if at >= 0 {
			w.show(c, routing.Lookup(args), args)
		}
		at++
	}
}

func (w *Worker) show(c *exchange.Session, command *routing.Command, args [][]byte) {
	r := trace.Record{At: w.env.WallClock(), DB: c.DB, Client: c.Remote, Command: command, Args: args}
	line, services := r.AppendLine(nil), w.monitors.Watchers(c.Service.Index)
	w.Show(services, line)
	w.env.Shown(services, line)
}

// Show gives a line to the sessions of this worker that monitor one of these services: what a client of them has done,
// in any worker.
func (w *Worker) Show(services []int, line []byte) {
	for ref := range w.monitors.Sessions(services) {
		if c := w.x.Session(ref); c != nil {
			w.x.Hand(c, line, false)
		}
	}
}

var onlyMonitors = []byte("-ERR Replica can't interact with the keyspace\r\n")
