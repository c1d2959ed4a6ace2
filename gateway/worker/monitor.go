package worker

import (
	"fmt"
	"regexp"
	"slices"

	"evergate/gateway/admin"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/routing"
)

// MONITOR shows a client what the clients of its service have done, of all workers, with the addresses that they have
// here. Servers would show one connection of the gateway for all of them, and each of a cluster's its own part. What
// does not pass the gateway is not seen; what scripts do the gateway hears from the servers, and has it shown too.
//
// Every worker is told before the first answer, so that all that is done after it is shown.

// monitoring says how far a MONITOR has come.
type monitoring uint8

const (
	blind   monitoring = iota
	waiting            // not all workers know yet
	shown
)

// monitor does MONITOR. All that came before has been answered.
func (w *Worker) monitor(c *client) {
	w.stats.Local++
	if c.monitoring != blind {
		return // as servers do: a second one gets no answer
	}
	c.monitoring = waiting
	c.adminOut = true
	w.sendAdmin(c, admin.Request{Kind: admin.BeginMonitor}, c.Replies.Reserve())
}

// monitors begins to show a client what is done, if it waited for every worker to know.
func (w *Worker) monitors(c *client) {
	if c.monitoring == waiting {
		c.monitoring = shown
		w.shows = append(w.shows, c.ref)
	}
}

// unmonitor ends what monitor began.
func (w *Worker) unmonitor(c *client) {
	if c.monitoring == blind {
		return
	}
	c.monitoring = blind
	w.shows = slices.DeleteFunc(w.shows, func(ref session.Ref) bool { return ref == c.ref })
	w.env.Admin(admin.Request{
		Kind: admin.EndMonitor, Listener: int(c.Listener), Services: []int{c.svc.index}, Asker: c.number,
	})
}

// countMonitors counts those whom the clients of a service are shown to, in all workers.
func (w *Worker) countMonitors(r *admin.Request) {
	for _, part := range r.Services {
		s := w.services[part]
		s.crowd = r.Services
		if r.Kind == admin.BeginMonitor {
			s.monitors++
		} else {
			s.monitors--
		}
	}
}

// seen shows a command that a client has done to those who watch, after those of the transaction that it ends.
func (w *Worker) seen(c *client, ended *session.Multi, command *routing.Command, args [][]byte) {
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
	at, standIns := -1, m.StandIns // MULTI comes first
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
	line := w.monitorLine(c, command, args)
	w.Show(c.svc.crowd, line)
	w.env.Shown(c.svc.crowd, line)
}

// Show gives a line to those of this worker who watch one of these services: what a client of them has done, in any
// worker.
func (w *Worker) Show(services []int, line []byte) {
	for i := len(w.shows) - 1; i >= 0; i-- { // one that is cut leaves, and another takes its place
		c := w.client(w.shows[i])
		if c != nil && slices.Contains(services, c.svc.index) {
			w.hand(c, line, false)
		}
	}
}

// monitorLine says when, in which database and by whom something was done: +SECONDS.MICROSECONDS [DB ADDRESS] "WORD"...
// Words that are secrets are not shown.
func (w *Worker) monitorLine(c *client, command *routing.Command, args [][]byte) []byte {
	now := w.env.WallClock()
	line := fmt.Appendf(nil, "+%d.%06d [%d %s]", now.Unix(), now.Nanosecond()/1000, c.DB, c.remote)
	for i, arg := range args {
		line = append(line, ' ')
		if isSecret(command, args, i) {
			line = append(line, `"(redacted)"`...)
		} else {
			line = appendQuoted(line, arg)
		}
	}
	return append(line, "\r\n"...)
}

// isSecret says that a word of a command must not be shown.
func isSecret(command *routing.Command, args [][]byte, i int) bool {
	if command == nil { // a module's
		return false
	}
	switch command.ID {
	case routing.CmdAuth:
		return i > 0
	case routing.CmdHello, routing.CmdMigrate:
		return followsAuth(command.ID, args, i)
	case routing.CmdConfigSet:
		return i > 2 && i%2 == 1 && secretSetting.Match(args[i-1])
	case routing.CmdACLSetUser:
		return i > 2
	}
	return false
}

// secretSetting is in the names of settings whose values are not shown: requirepass, masterauth, masteruser,
// tls-key-file-pass, and what newer servers call them.
var secretSetting = regexp.MustCompile(`(?i)pass|auth|user`)

// followsAuth says that a word comes behind AUTH or AUTH2 as a user or a password.
func followsAuth(of routing.ID, args [][]byte, i int) bool {
	for back := 1; back <= 2 && i-back >= 2; back++ {
		word := args[i-back]
		auth := resp.IsWord(word, "auth") && (back == 1 || of == routing.CmdHello)
		if auth || resp.IsWord(word, "auth2") {
			return true
		}
	}
	return false
}

// appendQuoted appends a word in quotation marks, with escapes for what is no printable ASCII.
func appendQuoted(b, word []byte) []byte {
	b = append(b, '"')
	for _, c := range word {
		switch c {
		case '\\', '"':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		case '\a':
			b = append(b, `\a`...)
		case '\b':
			b = append(b, `\b`...)
		default:
			if c < ' ' || c > '~' {
				b = append(b, `\x`...)
				b = append(b, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}

// onlyWatches says that a client who watches may not do a command: it is treated as a replica is.
func (c *client) onlyWatches(command *routing.Command) bool {
	return c.monitoring != blind && command != nil &&
		(command.Has(routing.Read) || command.Has(routing.Write))
}

// listensOn says that a client is there to be told things, and may be silent for as long as it likes.
func (c *client) listensOn() bool { return c.subscribed() || c.monitoring != blind }

var onlyWatched = []byte("-ERR Replica can't interact with the keyspace\r\n")
