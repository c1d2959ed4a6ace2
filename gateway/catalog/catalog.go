// Package catalog caches the answers of the servers of one service about commands, keys, databases, MULTI, functions
// and scripts. It decides which questions must be asked, builds them and parses the replies. It knows no connection:
// the caller sends the question, and passes the reply, or the loss of the connection, to Take.
//
// Scripts come from clients, too: loadahead.go decides which one is loaded ahead of a request that names it, scripts.go
// knows which run of a server has which.
package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/routing"
	"evergate/topology"
)

// State is how much is known.
type State uint8

const (
	// Known: the servers have it.
	Known State = iota
	// Unknown: the servers do not have it, or reject it.
	Unknown
	// Failed: the servers could not answer, and are not asked again for failedFor.
	Failed
	// Ask: a server must be asked.
	Ask
)

const (
	// unknownFor is how long an answer that something does not exist is believed, failedFor how long a server that could
	// not answer is not asked again.
	unknownFor = 30 * time.Second
	failedFor  = time.Second
)

// Catalog of one service. The zero value is not ready: see New.
type Catalog struct {
	commands  map[string]*command
	databases map[int32]*database
	functions map[string]bool // true: declared no-writes; nil while unknown
	loaded    map[topology.NodeID]*loaded
	// multi: a server accepts MULTI. noMulti is a server's error reply to it, which MULTI gets until noMultiUntil.
	multi        bool
	noMulti      []byte
	noMultiUntil time.Duration
	asked        []inquiry // by tag
	memory       Memory
}

// New returns an empty catalog.
func New(memory Memory) *Catalog {
	return &Catalog{
		memory: memory, commands: map[string]*command{}, databases: map[int32]*database{},
		loaded: map[topology.NodeID]*loaded{},
	}
}

// subject is the subject of a question.
type subject uint8

const (
	nothing subject = iota
	aCommand
	theKeys // of a request
	aDatabase
	allFunctions
	transactions
)

// topic identifies a question.
type topic struct {
	subject  subject
	database int32
	name     string // of a command
	request  digest // of the request with the keys
}

// Question to any server of the service. It is valid as long as the arguments that it was made of.
type Question struct {
	topic
	args [][]byte
}

// inquiry is a question under way, and the sessions that wait for the answer.
type inquiry struct {
	topic
	waiters []session.Ref
}

// OfCommand asks for the properties of the command of a request.
func OfCommand(args [][]byte) Question {
	return Question{topic: topic{subject: aCommand, name: nameOf(args)}}
}

// OfKeys asks for the keys of a request.
func OfKeys(args [][]byte) Question {
	return Question{topic: topic{subject: theKeys, name: nameOf(args), request: digestOf(args)}, args: args}
}

// OfDatabase asks whether database n exists; n is positive.
func OfDatabase(n int32) Question { return Question{topic: topic{subject: aDatabase, database: n}} }

// OfFunctions asks which functions are declared to write nothing.
func OfFunctions() Question { return Question{topic: topic{subject: allFunctions}} }

// OfTransactions asks whether the user may execute transactions.
func OfTransactions() Question { return Question{topic: topic{subject: transactions}} }

// Join adds a session to those that wait for the answer to a question. It returns false if the question is not under
// way.
func (c *Catalog) Join(q Question, who session.Ref) bool {
	for i := range c.asked {
		if c.asked[i].topic == q.topic {
			c.asked[i].waiters = append(c.asked[i].waiters, who)
			return true
		}
	}
	return false
}

// Ask begins a question that is not under way. It returns the frame to send on a connection in database db, how many
// replies precede the one for Take, and the tag to pass to Take with that one.
func (c *Catalog) Ask(q Question, who session.Ref, db int32) (tag uint32, frame []byte, ahead uint32) {
	at := len(c.asked)
	for i := range c.asked {
		if c.asked[i].subject == nothing {
			at = i
			break
		}
	}
	if at == len(c.asked) {
		c.asked = append(c.asked, inquiry{})
	}
	c.asked[at] = inquiry{topic: q.topic, waiters: []session.Ref{who}}
	frame, ahead = q.frame(db)
	return uint32(at), frame, ahead
}

// frame returns the question as a command. A database is selected within a transaction that also restores the
// connection's own.
func (q *Question) frame(db int32) (frame []byte, ahead uint32) {
	switch q.subject {
	case theKeys:
		return resp.AppendCommand(nil, append([][]byte{[]byte("COMMAND"), []byte("GETKEYS")}, q.args...)...), 0
	case aDatabase:
		frame = resp.AppendCommandStrings(nil, "MULTI")
		frame = resp.AppendCommandStrings(frame, "SELECT", strconv.Itoa(int(q.database)))
		frame = resp.AppendCommandStrings(frame, "SELECT", strconv.Itoa(int(db)))
		return resp.AppendCommandStrings(frame, "EXEC"), 3
	case allFunctions:
		return resp.AppendCommandStrings(nil, "FUNCTION", "LIST"), 0
	case transactions: // not DISCARD: where that is forbidden, the connection stays in the transaction
		return resp.AppendCommandStrings(resp.AppendCommandStrings(nil, "MULTI"), "EXEC"), 1
	}
	return resp.AppendCommandStrings(nil, "COMMAND", "INFO", q.name), 0
}

// Take records the reply to a question, nil if the connection was lost, and returns the sessions that waited for it.
func (c *Catalog) Take(tag uint32, reply []byte, now time.Duration) (wake []session.Ref) {
	q := c.asked[tag]
	c.asked[tag] = inquiry{}
	switch q.subject {
	case aDatabase:
		c.takeDatabase(q.database, reply, now)
	case allFunctions:
		list, _ := resp.Decode(reply) // an error means that none is declared no-writes
		c.functions = routing.Functions(list)
	case transactions:
		c.takeMulti(reply, now)
	case theKeys:
		c.takeKeys(&q.topic, reply, now)
	case aCommand:
		c.takeCommand(q.name, reply, now)
	}
	return q.waiters
}

// unable reports whether there is no answer, so that the question must be asked again: the connection was lost, or the
// server does not serve now.
func unable(reply []byte) bool {
	return reply == nil || reply[0] == '-' && retry.Classify(reply, false) == retry.Unable
}

// Asked returns the number of questions under way.
func (c *Catalog) Asked() (n int) {
	for i := range c.asked {
		if c.asked[i].subject != nothing {
			n++
		}
	}
	return n
}

// Waits reports whether a session waits for an answer; for tests, since it searches all questions.
func (c *Catalog) Waits(who session.Ref) bool {
	return slices.ContainsFunc(c.asked, func(q inquiry) bool { return slices.Contains(q.waiters, who) })
}

// Check returns what is wrong within the catalog; for tests, since it inspects everything.
func (c *Catalog) Check() error {
	seen := map[topic]bool{}
	for tag, q := range c.asked {
		switch {
		case q.subject == nothing && len(q.waiters) > 0:
			return fmt.Errorf("sessions wait for tag %d, which is free", tag)
		case q.subject == nothing:
		case seen[q.topic]:
			return fmt.Errorf("%+v is asked twice at once", q.topic)
		case len(q.waiters) == 0:
			return fmt.Errorf("nobody waits for %+v", q.topic)
		}
		seen[q.topic] = true
	}
	if len(c.commands) > commandsMax || len(c.databases) > databasesMax {
		return fmt.Errorf("%d commands and %d databases", len(c.commands), len(c.databases))
	}
	for name, known := range c.commands {
		if len(known.keys) > keysMax || known.failed && known.row != nil {
			return fmt.Errorf("%d keys are known of %q, failed %v", len(known.keys), name, known.failed)
		}
	}
	for node, l := range c.loaded {
		if len(l.known) > loadedMax {
			return fmt.Errorf("%d scripts are in node %d", len(l.known), node)
		}
	}
	return nil
}
