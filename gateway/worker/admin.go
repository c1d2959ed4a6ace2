package worker

import (
	"evergate/gateway/admin"
	"evergate/gateway/exchange"
	"evergate/gateway/fanout"
	"evergate/gateway/session"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Requests over all workers: this one sends those of its clients off, has a partial result for everybody's, and gives
// the replies to its clients.

// adminRequest reads the request that a client's command makes; wrong answers one that makes no sense.
func (w *Worker) adminRequest(c *exchange.Session, command *routing.Command, args [][]byte) (r admin.Request,
	wrong []byte) {
	r, wrong = admin.Parse(command, args, w.env.WallClock())
	r.Patience = c.Patience()
	return r, wrong
}

// sendAdmin sends off a request whose reply has the place seq. Where it changes something, nothing more of the client
// is read until the reply comes.
func (w *Worker) sendAdmin(c *exchange.Session, r admin.Request, seq uint32) {
	r.Listener, r.Services = int(c.Listener), []int{c.Service.Index}
	r.Asker, r.Client, r.Seq, r.Proto = c.Number, c.Ref, seq, c.Proto
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
		p = w.dedicated.FindBlocked(r)
	case admin.BeginMonitor:
		w.monitors.Count(r.Services, 1)
	case admin.EndMonitor:
		w.monitors.Count(r.Services, -1)
	}
	return p
}

// Unblock answers a blocked client here, and closes its connection. It returns how many were blocked.
func (w *Worker) Unblock(r *admin.Request) int { return w.dedicated.Unblock(r) }

// AdminReply gives the reply to a request to the client that waits for it, and resumes that client.
func (w *Worker) AdminReply(ref session.Ref, seq uint32, reply []byte) {
	c := w.x.Session(ref)
	if c == nil {
		return
	}
	if !w.transactions.Completed(c, seq, reply) {
		w.x.Deliver(c, seq, reply)
	}
	w.monitors.Show(&c.Monitor, c.Ref, c.Service.Index)
	if c.Reason == wait.InFlight || c.AwaitsAdmin && c.Reason == wait.Asking {
		w.x.Wake(c)
	}
	c.AwaitsAdmin = false
	w.x.Finished(c)
}

// matches reports whether a client is among those that a request is about.
func (w *Worker) matches(r *admin.Request, c *exchange.Session) bool {
	if c.Closed() || !r.Concerns(c.Service.Index) {
		return false
	}
	identity := w.identity(c)
	return r.Matches(&identity)
}

func (w *Worker) listClients(r *admin.Request) (lines []admin.Line) {
	for c := range w.x.All {
		if w.matches(r, c) {
			query := 0
			if c.Number == r.Asker {
				query = r.Size
			}
			lines = append(lines, admin.Line{ID: c.Number, Text: w.appendLine(nil, c, query)})
		}
	}
	return lines
}

// killClients closes clients, and returns how many. The client that asks gets its reply first.
func (w *Worker) killClients(r *admin.Request) (n int) {
	for c := range w.x.All {
		if !w.matches(r, c) {
			continue
		}
		n++
		if c.Number == r.Asker {
			w.x.End(c, session.Killed)
		} else {
			w.x.Close(c, session.Killed)
		}
	}
	return n
}

func (w *Worker) identity(c *exchange.Session) admin.Identity {
	return admin.Identity{
		ID: c.Number, Remote: c.Remote, Local: c.Local, Subscribed: isListening(c), Age: w.clock.Now - c.OpenedAt,
	}
}

// appendLine appends a client's line of CLIENT LIST; see admin.Client.AppendLine.
func (w *Worker) appendLine(b []byte, c *exchange.Session, query int) []byte {
	a := admin.Client{
		Identity: w.identity(c), Socket: c.Ref.ID, Idle: w.clock.Now - c.ActiveAt, DB: c.DB, Proto: c.Proto,
		Channels: listensTo(c, fanout.Channel), Patterns: listensTo(c, fanout.Pattern),
		ShardChannels: listensTo(c, fanout.Shard), Queued: -1,
		Unread: c.Input.Len(), UnreadRoom: c.Input.Room(),
		Output: c.Output.Cap(), Unwritten: c.Output.Len(), Kept: c.Replies.KeptBytes(),
		Monitors: c.Monitor.Is(), Blocked: c.IsBlocked() || c.Reason == wait.Paused,
		WatchBroken: c.Watch != nil && c.Watch.Broken, Closing: c.Ending, NoEvict: c.NoEvict,
	}
	if c.Identity != nil {
		a.Name, a.Library, a.LibVer = c.Identity.Name, c.Identity.Library, c.Identity.Version
	}
	if c.Multi != nil {
		a.Queued, a.QueuedBytes = c.Multi.Count, len(c.Multi.Body)
	}
	if c.Last != nil {
		a.Last = c.Last.Name
	}
	return a.AppendLine(b, query)
}

// listening reports whether a client waits for messages, be it those of a Sentinel.
func isListening(c *exchange.Session) bool {
	return c.Subscribed() || c.Listens != nil && c.Listens.Any()
}

// listensTo counts what a client is subscribed to.
func listensTo(c *exchange.Session, k fanout.Kind) int {
	switch {
	case c.Subs != nil:
		return c.Subs.Count(k)
	case c.Listens != nil && k == fanout.Channel:
		return c.Listens.Channels()
	case c.Listens != nil && k == fanout.Pattern:
		return c.Listens.Patterns()
	}
	return 0
}
