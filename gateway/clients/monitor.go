package clients

import (
	"evergate/gateway/admin"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/trace"
	"evergate/routing"
)

// BeginMonitor does MONITOR. All that came before has been answered.
func (k *Clients) BeginMonitor(c *sessions.Session) {
	k.x.CountLocal(c)
	if !k.monitors.Begin(&c.Monitor) {
		return // as servers do: a second one gets no answer
	}
	c.AwaitAdmin()
	k.Send(c, admin.Request{Kind: admin.BeginMonitor}, c.Replies.Reserve())
}

// EndMonitor ends what BeginMonitor began.
func (k *Clients) EndMonitor(c *sessions.Session) {
	if k.monitors.End(&c.Monitor, c.Ref) {
		k.conf.Admin(admin.Request{
			Kind: admin.EndMonitor, Listener: int(c.Listener), Services: []int{c.Service.Of}, Asker: c.Number,
		})
	}
}

// ShowFinished shows a command that a client has done to the sessions that monitor, after the commands of the
// transaction that it ends.
func (k *Clients) ShowFinished(c *sessions.Session, ended *session.Multi, command *routing.Command, args [][]byte) {
	switch command.ID {
	case routing.CmdMonitor, routing.CmdQuit:
		return
	case routing.CmdExec:
		if ended == nil || ended.Aborted {
			break
		}
		k.showQueued(c, ended)
	}
	k.show(c, command, args)
}

// showQueued shows the commands of a transaction.
func (k *Clients) showQueued(c *sessions.Session, m *session.Multi) {
	at, placeholders := -1, m.Placeholders // MULTI comes first
	for args := range resp.Commands(m.Body, k.conf.Limits) {
		if len(placeholders) > 0 && placeholders[0].At == at {
			args, placeholders = placeholders[0].Args, placeholders[1:]
		}
		if at >= 0 {
			k.show(c, routing.Lookup(args), args)
		}
		at++
	}
}

func (k *Clients) show(c *sessions.Session, command *routing.Command, args [][]byte) {
	r := trace.Record{At: k.conf.WallClock(), DB: c.DB, Client: c.Remote, Command: command, Args: args}
	line, services := r.AppendLine(nil), k.monitors.Watchers(c.Service.Of)
	k.Show(services, line)
	k.conf.Shown(services, line)
}

// Show gives a line to the sessions of this worker that monitor one of these services: what a client of them has done,
// in any worker.
func (k *Clients) Show(services []int, line []byte) {
	for ref := range k.monitors.Sessions(services) {
		if c := k.x.Session(ref); c != nil && !c.Ending {
			k.x.Hand(c, line, false)
		}
	}
}

var OnlyMonitors = []byte("-ERR Replica can't interact with the keyspace\r\n")
