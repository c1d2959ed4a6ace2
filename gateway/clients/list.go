package clients

import (
	"evergate/gateway/admin"
	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/wait"
	"evergate/routing"
)

// A worker sends the requests of its own clients to all workers, contributes a partial result to every worker's, and
// delivers the replies to its clients.

// Request reads the request that a client's command makes; wrong answers one that makes no sense.
func (k *Clients) Request(c *sessions.Session, command *routing.Command, args [][]byte) (r admin.Request,
	wrong []byte) {
	r, wrong = admin.Parse(command, args, k.conf.WallClock())
	if r.As = c.Service.As; r.As != nil {
		r.Asked = admin.Asked(command, args)
	}
	if name := r.Filter.User; name != nil && r.As == nil && c.Service.UsersAt(c.Listener).Lookup(*name) == nil {
		wrong = resp.AppendError(nil, "ERR No such user '"+string(resp.Cut([]byte(*name), 128))+"'")
	}
	r.Patience = c.Patience()
	return r, wrong
}

// Send sends off a request whose reply has the place seq. Where it changes something, nothing more of the client
// is read until the reply comes.
func (k *Clients) Send(c *sessions.Session, r admin.Request, seq uint32) {
	r.Listener, r.Services = int(c.Listener), []int{c.Service.Of}
	r.Asker, r.Client, r.Seq, r.Proto = c.Number, c.Ref, seq, c.Proto
	k.conf.Admin(r)
}

// matches reports whether a client is among those that a request is about.
func (k *Clients) matches(r *admin.Request, c *sessions.Session) bool {
	killed := c.Ending && c.Why == session.Killed
	if c.Closed() || killed || !r.Concerns(c.Service.Of) {
		return false
	}
	identity := k.identity(c)
	return r.Matches(&identity)
}

func (k *Clients) List(r *admin.Request) (lines []admin.Line) {
	for c := range k.x.All {
		if k.matches(r, c) {
			query := 0
			if c.Number == r.Asker {
				query = r.Size
			}
			lines = append(lines, admin.Line{ID: c.Number, Text: k.Line(nil, c, query)})
		}
	}
	return lines
}

// Kill closes clients, and returns how many. The client that asks gets its reply first.
func (k *Clients) Kill(r *admin.Request) (n int) {
	for c := range k.x.All {
		if !k.matches(r, c) {
			continue
		}
		n++
		if c.Number == r.Asker {
			k.x.End(c, session.Killed)
		} else {
			k.x.EndBlocked(c, session.Killed)
		}
	}
	return n
}

// KeepAsker takes the client that asks out of the bound on the memory of all, or back.
func (k *Clients) KeepAsker(r *admin.Request) {
	for c := range k.x.All {
		if c.Number == r.Asker {
			c.AskNoEvict(r.On)
			k.x.Account(c)
		}
	}
}

func (k *Clients) identity(c *sessions.Session) admin.Identity {
	return admin.Identity{
		ID: c.Number, Remote: c.Remote, Local: c.Local, Subscribed: Listening(c), User: c.Rights().Name(),
		Age: k.clock.Now - c.OpenedAt,
	}
}

// Line appends a client's line of CLIENT LIST; see admin.Client.AppendLine.
func (k *Clients) Line(b []byte, c *sessions.Session, query int) []byte {
	a := k.describe(c)
	return a.AppendLine(b, query)
}

func (k *Clients) describe(c *sessions.Session) admin.Client {
	a := admin.Client{
		Identity: k.identity(c), Socket: c.Ref.ID, Idle: k.clock.Now - c.ActiveAt, DB: c.DB, Proto: c.Proto,
		Channels: listensTo(c, fanout.Channel), Patterns: listensTo(c, fanout.Pattern),
		ShardChannels: listensTo(c, fanout.Shard), Queued: -1,
		Unread: c.Input.Len(), UnreadRoom: c.Input.Room(),
		Output: c.Output.Cap(), Unwritten: c.Output.Len(), Kept: c.Replies.KeptBytes(),
		Monitors: c.Monitor.Is(), Blocked: c.AwaitsBlocking() || c.Reason == wait.Paused,
		WatchBroken: c.Watch.Broken(), Closing: c.Ending, NoEvict: c.NoEvict,
	}
	if c.Identity != nil {
		a.Name, a.Library, a.LibVer = c.Identity.Name, c.Identity.Library, c.Identity.Version
	}
	if c.Multi != nil {
		a.Queued, a.QueuedBytes = c.Multi.Count, c.Multi.Size()
	}
	if c.Last != nil {
		a.Last = c.Last.Name
	}
	return a
}

// Listening reports whether a client waits for messages, be it those of a Sentinel.
func Listening(c *sessions.Session) bool {
	return c.Subscribed() || c.Listens != nil && c.Listens.Any()
}

// listensTo counts what a client is subscribed to.
func listensTo(c *sessions.Session, k fanout.Kind) int {
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
