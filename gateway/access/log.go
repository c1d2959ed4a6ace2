package access

import (
	"slices"
	"strconv"
	"time"

	"evergate/gateway/resp"
)

const (
	// LogEntriesMax is the most entries of a log (Redis: acllog-max-len).
	LogEntriesMax = 128
	// logObjectBytes bounds what is kept of a key, a channel, a name or a client's description.
	logObjectBytes = 512
	// logGrouping is how long an entry counts more of the same; logSearched is how many entries are compared.
	logGrouping = 60 * time.Second
	logSearched = 10
	// logShown is how many entries ACL LOG shows if it names no number.
	logShown = 10
)

// Phase is when a request was denied: the context of ACL LOG.
type Phase string

const (
	TopLevel Phase = "toplevel"
	InMulti  Phase = "multi"
)

// Entry is one entry of ACL LOG.
type Entry struct {
	ID, Count int64
	Reason    Reason
	Phase     Phase
	// Object is the command, key or channel that was denied, or the command that failed to authenticate.
	Object, User string
	// Client is the client's line of CLIENT LIST, at the last time.
	Client string
	// Created and Updated are Unix times in milliseconds: of the first and of the last denial.
	Created, Updated int64
}

// same reports whether a later entry is more of the same.
func (e *Entry) same(later *Entry) bool {
	return e.Reason == later.Reason && e.Phase == later.Phase && e.Object == later.Object && e.User == later.User &&
		max(later.Updated-e.Updated, e.Updated-later.Updated) <= logGrouping.Milliseconds()
}

// Log has the latest denials, newest first. The zero value is an empty one.
type Log struct {
	entries []Entry
	next    int64
}

// Add notes a denial. Its ID, its Count and its Created are set here, and its texts are cut.
func (l *Log) Add(e Entry) {
	e.Count, e.Created = 1, e.Updated
	e.Object, e.User, e.Client = cut(e.Object), cut(e.User), cut(e.Client)
	for i := range min(len(l.entries), logSearched) {
		if old := l.entries[i]; old.same(&e) {
			old.Client, old.Updated, old.Count = e.Client, e.Updated, old.Count+1
			copy(l.entries[1:i+1], l.entries[:i])
			l.entries[0] = old
			return
		}
	}
	e.ID = l.next
	l.next++
	l.entries = slices.Insert(l.entries, 0, e)
	l.entries = l.entries[:min(len(l.entries), LogEntriesMax)]
}

func cut(text string) string { return text[:min(len(text), logObjectBytes)] }

// Reset forgets all entries.
func (l *Log) Reset() { l.entries = nil }

// Entries returns the entries, newest first. They are the log's own until the next Add.
func (l *Log) Entries() []Entry { return l.entries }

// LogQuery parses the arguments of ACL LOG [count | RESET]. wrong is the error reply to others.
func LogQuery(args [][]byte) (count int, reset bool, wrong []byte) {
	switch {
	case len(args) == 2:
		return logShown, false, nil
	case len(args) > 3:
		return 0, false, wrongArgs(args)
	case resp.IsWord(args[2], "reset"):
		return 0, true, nil
	}
	n, ok := resp.Integer(args[2])
	if !ok {
		return 0, false, resp.NotInteger
	}
	return int(max(0, min(n, LogEntriesMax))), false, nil
}

// AppendLog appends the reply to ACL LOG: so many of the entries. now is a Unix time in milliseconds.
func AppendLog(dst []byte, proto uint8, entries []Entry, count int, now int64) []byte {
	entries = entries[:min(len(entries), count)]
	dst = resp.AppendArray(dst, len(entries))
	for i := range entries {
		e := &entries[i]
		dst = resp.AppendMap(dst, int(proto), 10)
		dst = resp.AppendInt(resp.AppendBulkString(dst, "count"), e.Count)
		for _, pair := range [...][2]string{
			{"reason", e.Reason.String()}, {"context", string(e.Phase)}, {"object", e.Object}, {"username", e.User},
		} {
			dst = resp.AppendBulkString(resp.AppendBulkString(dst, pair[0]), pair[1])
		}
		age := strconv.FormatFloat(float64(now-e.Updated)/1000, 'f', -1, 64)
		if dst = resp.AppendBulkString(dst, "age-seconds"); proto == 3 {
			dst = append(append(append(dst, ','), age...), "\r\n"...)
		} else {
			dst = resp.AppendBulkString(dst, age)
		}
		dst = resp.AppendBulkString(resp.AppendBulkString(dst, "client-info"), e.Client)
		dst = resp.AppendInt(resp.AppendBulkString(dst, "entry-id"), e.ID)
		dst = resp.AppendInt(resp.AppendBulkString(dst, "timestamp-created"), e.Created)
		dst = resp.AppendInt(resp.AppendBulkString(dst, "timestamp-last-updated"), e.Updated)
	}
	return dst
}

var reasonNames = map[Reason]string{Command: "command", Key: "key", Channel: "channel", Auth: "auth",
	Database: "database"}

// String returns the reason as ACL LOG names it; empty for those that are not logged.
func (r Reason) String() string { return reasonNames[r] }

// Logged reports whether denials for the reason are in the log.
func (r Reason) Logged() bool { return r.String() != "" }

// ObjectOf returns what a denied request is logged with.
func (d Denial) ObjectOf(name string) string {
	if d.Object != nil {
		return string(d.Object)
	}
	return name
}
