// Package slowlog keeps the requests of a service that took long, as SLOWLOG shows them. It has no clock and no lock.
//
//	log.Add(entry)                       when a slow request has ended
//	Parse(args), log.AppendReply(...)    SLOWLOG GET
//	Shown(args, secret)                  the arguments as Redis keeps them: few, and cut
//
// An Entry has values of users, in Args: only SLOWLOG shows them, to users with the right to it. The API has commands
// and keys.
package slowlog

import (
	"strconv"
	"time"
)

const (
	// argsMax is how many arguments are kept of a request, argBytes how many bytes of each: Redis's bounds.
	argsMax  = 32
	argBytes = 128
	// KeysMax is how many keys are kept for the API.
	KeysMax = 8
)

// Entry is one request that took long.
type Entry struct {
	// ID is unique in its log; Add sets it.
	ID int64
	// At is the time of day of its end.
	At time.Time
	// Took is the whole time that it took. Hold is the part in which it waited for a server, or was at others that did not
	// execute it. Server is the part from the reply to the request before it on its connection, if that came after it was
	// sent, to its own reply. Acks is the wait for replicas that must confirm it. What is left it spent behind requests
	// with which it shares the connection.
	Took, Server, Hold, Acks time.Duration
	// Args are what Redis would show.
	Args []string
	// Command is its row's name; empty if there is none. Keys are its first keys, cut, of KeysCount in all.
	Command   string
	Keys      []string
	KeysCount int
	// Arguments is how many it had, RequestBytes and ReplyBytes are its sizes.
	Arguments                int
	RequestBytes, ReplyBytes int64
	// Client is its client's address, Name that client's name, User its user.
	Client, Name, User string
	// Node is the server that answered it; empty if the gateway did.
	Node string
}

// Gateway is the part of the time that none of the others took.
func (e *Entry) Gateway() time.Duration { return max(0, e.Took-e.Server-e.Hold-e.Acks) }

// Shown returns arguments as Redis keeps them: at most 32, of which the last says how many more there were, and at most
// 128 bytes of each. secret reports which are secret. Those from the first nil on are not known, and counted.
func Shown(args [][]byte, secret func(i int) bool) []string {
	shown := make([]string, 0, min(len(args), argsMax))
	for i, arg := range args {
		switch {
		case i == argsMax-1 && len(args) > argsMax, arg == nil:
			return append(shown, "... ("+strconv.Itoa(len(args)-i)+" more arguments)")
		case secret(i):
			shown = append(shown, "(redacted)")
		case len(arg) > argBytes:
			shown = append(shown, string(arg[:argBytes])+"... ("+strconv.Itoa(len(arg)-argBytes)+" more bytes)")
		default:
			shown = append(shown, string(arg))
		}
	}
	return shown
}

// Key returns a key as it is kept.
func Key(key []byte) string { return string(key[:min(len(key), argBytes)]) }

// Log has the newest entries of a service. New makes it.
type Log struct {
	entries []Entry // oldest first
	most    int
	next    int64
}

// New makes an empty log of so many entries at most.
func New(most int) *Log { return &Log{most: most} }

// Keep changes how many entries are kept at most; 0: none.
func (l *Log) Keep(most int) {
	l.most = most
	l.trim()
}

// Most is how many entries are kept at most.
func (l *Log) Most() int { return l.most }

func (l *Log) trim() {
	if over := len(l.entries) - l.most; over > 0 {
		clear(l.entries[:over])
		l.entries = l.entries[over:] // the rest moves when append finds no room behind it
	}
}

// Add adds an entry.
func (l *Log) Add(e Entry) {
	if l.most == 0 {
		return
	}
	e.ID = l.next
	l.next++
	l.entries = append(l.entries, e)
	l.trim()
}

// Total is how many entries there were since the start.
func (l *Log) Total() int64 { return l.next }

// Len is how many entries are kept.
func (l *Log) Len() int { return len(l.entries) }

// Reset forgets all entries. Numbers go on.
func (l *Log) Reset() { l.entries = nil }

// Newest returns at most n entries, newest first; all if n is negative.
func (l *Log) Newest(n int) []Entry {
	if n < 0 || n > len(l.entries) {
		n = len(l.entries)
	}
	newest := make([]Entry, 0, n)
	for i := range n {
		newest = append(newest, l.entries[len(l.entries)-1-i])
	}
	return newest
}
