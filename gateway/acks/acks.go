// Package acks has what it means that replicas confirm a write before its client gets the reply: how many must (Level,
// Need), for how long a server waits for them (Terms), and the replies of one connection that are kept until its WAIT
// is answered (Queue). One WAIT confirms all writes of a round: a group commit.
//
// Begin with Terms and Queue.
//
// WAIT k t has a server reply when k replicas have acknowledged what was written on the same connection before, or when
// t milliseconds are over, with the number of replicas that have. From Redis 7.2 on, and in Valkey, only commands of
// the connection itself that were replicated count; before, any command of the connection makes WAIT wait for all that
// the server has. An element that a blocked client was given, since another one pushed it, counts in neither: so Ahead
// is sent between such a command and its WAIT.
//
// The package is pure. It must not know connections, commands, or what becomes of a reply.
package acks

import (
	"fmt"
	"strconv"
	"time"

	"evergate/gateway/resp"
	"evergate/topology"
)

// Level is how many replicas must confirm a write: None to Most, Majority or All.
type Level int8

const (
	// None: a write is answered when its server has executed it.
	None Level = 0
	// Most is the largest number.
	Most Level = 16
	// Majority: with the primary, more than half of the servers that may be the primary.
	Majority Level = -1
	// All: all replicas that may be promoted, those that are down included.
	All Level = -2
)

// Parse reads a level: a number, "majority" or "all".
func Parse(text string) (Level, error) {
	switch text {
	case "majority":
		return Majority, nil
	case "all":
		return All, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > int(Most) {
		return None, fmt.Errorf("%q is neither a number from 0 to %d, nor majority, nor all", text, Most)
	}
	return Level(n), nil
}

// String returns the text that Parse reads.
func (l Level) String() string {
	switch l {
	case Majority:
		return "majority"
	case All:
		return "all"
	}
	return strconv.Itoa(int(l))
}

// Need is how many replicas of a shard must confirm a write. Replicas that are never promoted may be among those that a
// server counts, so Majority and All need as many more. At least one must confirm, even where no replica is known.
func (l Level) Need(c topology.Copies) int {
	switch l {
	case Majority:
		return max(1, (c.Promotable+1)/2) + c.Bystanders
	case All:
		return max(1, c.Promotable) + c.Bystanders
	}
	return int(l)
}

// Lacks reports whether fewer replicas are attached than must confirm a write. Where it is unknown how many are, the
// server decides.
func (l Level) Lacks(c topology.Copies) bool { return c.Attached >= 0 && c.Attached < l.Need(c) }

// Terms are a level, and for how long a server waits for the replicas. Timeout must be positive unless the level is
// None.
type Terms struct {
	Level   Level
	Timeout time.Duration
}

// Asked reports whether any replica must confirm.
func (t Terms) Asked() bool { return t.Level != None }

// Used are terms with which writes were sent, each in a place of its own.
type Used []UsedTerms

// UsedTerms are terms, and when a write was last sent with them.
type UsedTerms struct {
	Terms
	At time.Duration
}

// Place returns the place of terms with which a write is sent now.
func (u *Used) Place(t Terms, now time.Duration) int {
	for i := range *u {
		if used := &(*u)[i]; used.Terms == t {
			used.At = now
			return i
		}
	}
	*u = append(*u, UsedTerms{t, now})
	return len(*u) - 1
}

var waitWord = []byte("WAIT")

// AppendWait appends the frame of WAIT k, with a timeout of at least a millisecond.
func AppendWait(dst []byte, k int, timeout time.Duration) []byte {
	var number, ms [20]byte
	return resp.AppendCommand(dst, waitWord, strconv.AppendInt(number[:0], int64(k), 10),
		strconv.AppendInt(ms[:0], max(timeout.Milliseconds(), 1), 10))
}

// noFunctions is the reply to FUNCTION DUMP where there are none: the RDB version of Redis 7.0, which all later servers
// read, and a checksum.
const noFunctions = "\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda"

var (
	restoreFrame = resp.AppendCommandStrings(nil, "FUNCTION", "RESTORE", noFunctions, "APPEND")
	helloFrame   = resp.AppendCommandStrings(nil, "HELLO")
)

// Ahead is the command in front of a WAIT after which its count is for all that the server has. ownOffset: WAIT counts
// only what was replicated of its own connection. Then it is a command that is replicated, changes nothing, needs no
// key, and so is accepted by every node of a cluster: FUNCTION RESTORE of no functions. Elsewhere it is HELLO without
// arguments, which no user lacks the right to. The server's count is for too few writes where it is rejected.
func Ahead(ownOffset bool) []byte {
	if ownOffset {
		return restoreFrame
	}
	return helloFrame
}
