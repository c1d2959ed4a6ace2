package worker

import (
	"evergate/gateway/admin"
	"evergate/gateway/fanout"
	"evergate/gateway/session"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Requests over all workers: this one sends those of its clients off, has a partial result for everybody's, and gives
// the replies to its clients.

// adminRequest reads the request that a client's command makes; wrong answers one that makes no sense.
func (w *Worker) adminRequest(c *client, command *routing.Command, args [][]byte) (r admin.Request, wrong []byte) {
	r, wrong = admin.Parse(command, args, w.env.WallClock())
	r.Patience = c.patience()
	return r, wrong
}

// sendAdmin sends off a request whose reply has the place seq. Where it changes something, nothing more of the client
// is read until the reply comes.
func (w *Worker) sendAdmin(c *client, r admin.Request, seq uint32) {
	r.Listener, r.Services = int(c.Listener), []int{c.svc.Index}
	r.Asker, r.Client, r.Seq, r.Proto = c.number, c.ref, seq, c.Proto
	w.env.Admin(r)
}

// Admin does this worker's part of a request, and returns its partial result.
func (w *Worker) Admin(r *admin.Request) (p admin.Partial) {
	switch r.Kind {
	case admin.ListClients:
		p.Lines = w.listClients(r)
	case admin.KillClients:
		p.Count = w.killClients(r)
	case admin.PauseClients:
		w.pauseClients(r)
	case admin.UnpauseClients:
		w.unpauseClients(r)
	case admin.UnblockClient:
		p = w.unblock(r)
	case admin.BeginMonitor:
		w.monitors.Count(r.Services, 1)
	case admin.EndMonitor:
		w.monitors.Count(r.Services, -1)
	}
	return p
}

// AdminReply gives the reply to a request to the client that waits for it, and resumes that client.
func (w *Worker) AdminReply(ref session.Ref, seq uint32, reply []byte) {
	c := w.client(ref)
	if c == nil {
		return
	}
	if s := c.splitOf(seq); s == nil {
		w.deliver(c, seq, reply)
	} else if w.completedBy(c, s, reply) {
		w.complete(c, s)
	}
	w.monitors.Show(&c.monitor, c.ref, c.svc.Index)
	if c.Reason == wait.InFlight || c.adminOut && c.Reason == wait.Asking {
		w.wake(c)
	}
	c.adminOut = false
	w.finished(c)
}

// matches reports whether a client is among those that a request is about.
func (w *Worker) matches(r *admin.Request, c *client) bool {
	if c == nil || c.closed || !r.Concerns(c.svc.Index) {
		return false
	}
	identity := w.identity(c)
	return r.Matches(&identity)
}

func (w *Worker) listClients(r *admin.Request) (lines []admin.Line) {
	for _, c := range w.clients {
		if w.matches(r, c) {
			query := 0
			if c.number == r.Asker {
				query = r.Size
			}
			lines = append(lines, admin.Line{ID: c.number, Text: w.appendLine(nil, c, query)})
		}
	}
	return lines
}

// killClients closes clients, and returns how many. The client that asks gets its reply first.
func (w *Worker) killClients(r *admin.Request) (n int) {
	for _, c := range w.clients {
		if !w.matches(r, c) {
			continue
		}
		n++
		if c.number == r.Asker {
			w.end(c, session.Killed)
		} else {
			w.close(c, session.Killed)
		}
	}
	return n
}

func (w *Worker) identity(c *client) admin.Identity {
	return admin.Identity{
		ID: c.number, Remote: c.remote, Local: c.local, Subscribed: c.listening(), Age: w.clock.Now - c.OpenedAt,
	}
}

// appendLine appends a client's line of CLIENT LIST; see admin.Client.AppendLine.
func (w *Worker) appendLine(b []byte, c *client, query int) []byte {
	a := admin.Client{
		Identity: w.identity(c), Socket: c.ref.ID, Idle: w.clock.Now - c.ActiveAt, DB: c.DB, Proto: c.Proto,
		Channels: c.listensTo(fanout.Channel), Patterns: c.listensTo(fanout.Pattern),
		ShardChannels: c.listensTo(fanout.Shard), Queued: -1,
		Unread: c.Input.Len(), UnreadRoom: c.Input.Room(),
		Output: c.Output.Cap(), Unwritten: c.Output.Len(), Kept: c.Replies.KeptBytes(),
		Monitors: c.monitor.Is(), Blocked: w.isBlocked(c) || c.Reason == wait.Paused,
		WatchBroken: c.Watch != nil && c.Watch.Broken, Closing: c.Ending, NoEvict: c.noEvict,
	}
	if c.Identity != nil {
		a.Name, a.Library, a.LibVer = c.Identity.Name, c.Identity.Library, c.Identity.Version
	}
	if c.Multi != nil {
		a.Queued, a.QueuedBytes = c.Multi.Count, len(c.Multi.Body)
	}
	if c.last != nil {
		a.Last = c.last.Name
	}
	return a.AppendLine(b, query)
}

// listening reports whether a client waits for messages, be it those of a Sentinel.
func (c *client) listening() bool { return c.subscribed() || c.listens != nil && c.listens.Any() }

// listensTo counts what a client is subscribed to.
func (c *client) listensTo(k fanout.Kind) int {
	switch {
	case c.subs != nil:
		return c.subs.Count(k)
	case c.listens != nil && k == fanout.Channel:
		return c.listens.Channels()
	case c.listens != nil && k == fanout.Pattern:
		return c.listens.Patterns()
	}
	return 0
}
