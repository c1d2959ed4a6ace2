package worker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/wait"
)

// Filter names clients of a service as CLIENT LIST and CLIENT KILL do. A field that is nil or zero leaves nobody
// out.
type Filter struct {
	// Old: it is CLIENT KILL address, which answers OK and spares nobody.
	Old bool
	// Addr and Local are addresses as CLIENT LIST shows them; no client has an empty one.
	Addr, Local *string
	// Type is normal or pubsub; what the gateway has none of (master, replica) is named none.
	Type string
	IDs  []int64
	// AgeMin leaves younger ones out.
	AgeMin time.Duration
	// Spares leaves out who asks.
	Spares bool
}

var (
	noSuchClient = []byte("-ERR No such client\r\n")
	badClientID  = []byte("-ERR Invalid client ID\r\n")
	badKillID    = []byte("-ERR client-id should be greater than 0\r\n")
	badMaxAge    = []byte("-ERR maxage is not an integer or out of range\r\n")
)

// listFilter reads CLIENT LIST [TYPE type | ID id ...]; wrong is the error of what makes no sense.
func listFilter(args [][]byte) (f Filter, wrong []byte) {
	switch {
	case len(args) == 2:
	case len(args) == 4 && resp.IsWord(args[2], "type"):
		return f, f.ofType(args[3])
	case len(args) > 3 && resp.IsWord(args[2], "id"):
		for _, a := range args[3:] {
			n, ok := resp.Integer(a)
			if !ok {
				return f, badClientID
			}
			f.IDs = append(f.IDs, n)
		}
	default:
		return f, resp.SyntaxError
	}
	return f, nil
}

// killFilter reads CLIENT KILL address | [ID id] [ADDR address] [LADDR address] [TYPE type] [USER name] [SKIPME yes/no]
// [MAXAGE seconds].
func killFilter(args [][]byte) (f Filter, wrong []byte) {
	if len(args) == 3 {
		return Filter{Old: true, Addr: word(args[2])}, nil
	}
	f.Spares = true
	for rest := args[2:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) < 2 {
			return f, resp.SyntaxError
		}
		if wrong = f.take(rest[0], rest[1]); wrong != nil {
			return f, wrong
		}
	}
	return f, nil
}

// take reads one pair of CLIENT KILL.
func (f *Filter) take(name, value []byte) (wrong []byte) {
	switch strings.ToLower(string(name)) {
	case "id":
		n, ok := resp.Integer(value)
		if !ok || n < 1 {
			return badKillID
		}
		f.IDs = []int64{n}
	case "addr":
		f.Addr = word(value)
	case "laddr":
		f.Local = word(value)
	case "type":
		return f.ofType(value)
	case "user":
		if string(value) != defaultUser {
			return resp.AppendError(nil, "ERR No such user '"+string(resp.Cut(value, 128))+"'")
		}
	case "skipme":
		f.Spares = resp.IsWord(value, "yes")
		if !f.Spares && !resp.IsWord(value, "no") {
			return resp.SyntaxError
		}
	case "maxage":
		n, ok := resp.Integer(value)
		if !ok || n < 1 || n > int64(forEver/time.Second) {
			return badMaxAge
		}
		f.AgeMin = time.Duration(n) * time.Second
	default:
		return resp.SyntaxError
	}
	return nil
}

// defaultUser is the only user that clients of the gateway can be.
const defaultUser = "default"

func (f *Filter) ofType(word []byte) (wrong []byte) {
	switch f.Type = strings.ToLower(string(word)); f.Type {
	case "normal", "pubsub":
	case "master", "replica", "slave":
		f.Type = "none"
	default:
		return resp.AppendError(nil, "ERR Unknown client type '"+string(resp.Cut(word, 128))+"'")
	}
	return nil
}

// word is an argument that was given, be it empty.
func word(arg []byte) *string {
	s := string(arg)
	return &s
}

// names says that a client is among those that an errand is about.
func (w *Worker) names(e *Errand, c *client) bool {
	f := &e.Filter
	return c != nil && e.concerns(c) && !c.closed &&
		!(f.Spares && c.number == e.Asker) &&
		(f.Addr == nil || *f.Addr == c.remote) && (f.Local == nil || *f.Local == c.local) &&
		(f.Type == "" || f.Type == c.kind()) && (f.IDs == nil || slices.Contains(f.IDs, c.number)) &&
		w.clock.Now-c.OpenedAt >= f.AgeMin
}

// kind is the type of a client as CLIENT LIST TYPE calls it.
func (c *client) kind() string {
	if c.listening() {
		return "pubsub"
	}
	return "normal"
}

// listening says that a client waits for messages, be it those of a Sentinel.
func (c *client) listening() bool { return c.subscribed() || c.listens != nil && c.listens.Any() }

func (w *Worker) listClients(e *Errand) (lines []ClientLine) {
	for _, c := range w.clients {
		if w.names(e, c) {
			under := 0
			if c.number == e.Asker {
				under = e.Size
			}
			lines = append(lines, ClientLine{c.number, w.appendLine(nil, c, under)})
		}
	}
	return lines
}

// killClients closes clients, and returns how many. Who asks is told before.
func (w *Worker) killClients(e *Errand) (n int) {
	for _, c := range w.clients {
		if !w.names(e, c) {
			continue
		}
		n++
		if c.number == e.Asker {
			w.end(c, session.Killed)
		} else {
			w.close(c, session.Killed)
		}
	}
	return n
}

// appendLine appends a client's line of CLIENT LIST, in Redis's own form: tools read it. under is the size in bytes of
// the command that it is in the middle of.
func (w *Worker) appendLine(b []byte, c *client, under int) []byte {
	name, library, version := "", "", ""
	if c.Told != nil {
		name, library, version = c.Told.Name, c.Told.Library, c.Told.Version
	}
	multi, queued := -1, 0
	if c.Multi != nil {
		multi, queued = c.Multi.Count, len(c.Multi.Body)
	}
	last := "NULL"
	if c.last != nil {
		last = c.last.Name
	}
	b = fmt.Appendf(b, "id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d ", c.number, c.remote, c.local,
		c.ref.ID, name, int((w.clock.Now - c.OpenedAt).Seconds()), int((w.clock.Now - c.ActiveAt).Seconds()), w.flags(c),
		c.DB)
	b = fmt.Appendf(b, "sub=%d psub=%d ssub=%d multi=%d ",
		c.listensTo(fanout.Channel), c.listensTo(fanout.Pattern), c.listensTo(fanout.Shard), multi)
	b = fmt.Appendf(b, "qbuf=%d qbuf-free=%d argv-mem=0 multi-mem=%d rbs=%d rbp=%d obl=%d oll=0 omem=%d tot-mem=%d ",
		max(len(c.Unread), under), cap(c.Unread)-len(c.Unread), queued, cap(c.out), cap(c.out), len(c.out)-c.sent,
		c.Replies.KeptBytes(),
		cap(c.out)+cap(c.Unread)+queued+c.Replies.KeptBytes())
	return fmt.Appendf(b, "events=r cmd=%s user=default redir=-1 resp=%d lib-name=%s lib-ver=%s\n", last, c.Proto, library,
		version)
}

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

// flags are the letters by which CLIENT LIST says what a client is at.
func (w *Worker) flags(c *client) string {
	var b []byte
	for _, f := range [...]struct {
		letter byte
		is     bool
	}{
		{'O', c.monitoring != blind},
		{'P', c.listening()},
		{'x', c.Multi != nil},
		{'b', w.isBlocked(c) || c.Reason == wait.Postponed},
		{'d', c.Watch != nil && c.Watch.Broken},
		{'c', c.Ending},
		{'U', strings.HasSuffix(c.remote, ":0")},
		{'e', c.noEvict},
	} {
		if f.is {
			b = append(b, f.letter)
		}
	}
	if len(b) == 0 {
		return "N"
	}
	return string(b)
}
