package admin

import (
	"fmt"
	"strings"
	"time"
)

// Identity has the properties that a Filter selects by.
type Identity struct {
	// ID is that of CLIENT ID, Remote and Local are addresses as CLIENT LIST shows them.
	ID            int64
	Remote, Local string
	// User is its name for the ACL.
	User string
	// Subscribed: it waits for messages, perhaps those of a Sentinel.
	Subscribed bool
	Age        time.Duration
}

// kind returns the type of a client for CLIENT LIST TYPE.
func (i *Identity) kind() string {
	if i.Subscribed {
		return "pubsub"
	}
	return "normal"
}

// Client has the properties that CLIENT LIST and CLIENT INFO show.
type Client struct {
	Identity
	// Socket takes the place of the file descriptor: it is unique within the worker.
	Socket                uint32
	Name, Library, LibVer string
	Idle                  time.Duration
	DB                    int32
	Proto                 uint8
	// Channels, Patterns and ShardChannels are how many it subscribed to.
	Channels, Patterns, ShardChannels int
	// Queued are the commands of its transaction, -1 without one, QueuedBytes their bytes.
	Queued, QueuedBytes int
	// Unread is the number of input bytes that were not parsed yet, UnreadRoom the free space of their buffer.
	Unread, UnreadRoom int
	// Output is the size of the buffer of its replies, Unwritten the bytes to write in there, Kept the bytes of replies
	// that arrived before their turn.
	Output, Unwritten, Kept int
	// Last is its last command; empty before the first.
	Last string

	Monitors, Blocked, WatchBroken, Closing, NoEvict bool
}

// AppendLine appends the client's line of CLIENT LIST, in Redis' own form: tools read it. query is the size in bytes of
// the client's current command.
func (c *Client) AppendLine(b []byte, query int) []byte {
	last := "NULL"
	if c.Last != "" {
		last = c.Last
	}
	queued := c.QueuedBytes
	b = fmt.Appendf(b, "id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d ", c.ID, c.Remote, c.Local,
		c.Socket, c.Name, int(c.Age.Seconds()), int(c.Idle.Seconds()), c.Flags(), c.DB)
	b = fmt.Appendf(b, "sub=%d psub=%d ssub=%d multi=%d ", c.Channels, c.Patterns, c.ShardChannels, c.Queued)
	b = fmt.Appendf(b, "qbuf=%d qbuf-free=%d argv-mem=0 multi-mem=%d rbs=%d rbp=%d obl=%d oll=0 omem=%d tot-mem=%d ",
		max(c.Unread, query), c.UnreadRoom, queued, c.Output, c.Output, c.Unwritten, c.Kept,
		c.Output+c.Unread+c.UnreadRoom+queued+c.Kept)
	return fmt.Appendf(b, "events=r cmd=%s user=%s redir=-1 resp=%d lib-name=%s lib-ver=%s\n", last, c.User, c.Proto,
		c.Library, c.LibVer)
}

// Flags returns the letters for the client's state.
func (c *Client) Flags() string {
	var b []byte
	for _, f := range [...]struct {
		letter byte
		is     bool
	}{
		{'O', c.Monitors},
		{'P', c.Subscribed},
		{'x', c.Queued >= 0},
		{'b', c.Blocked},
		{'d', c.WatchBroken},
		{'c', c.Closing},
		{'U', strings.HasSuffix(c.Remote, ":0")},
		{'e', c.NoEvict},
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
