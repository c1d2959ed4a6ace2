package ledger

import (
	"fmt"
	"strings"
	"time"
)

type Kind uint8

type state uint8

type Request struct {
	ID     int
	Client int
	Kind   Kind
	Facade Facade
	keys   []string
	State  state
	handed int            // commands of it whose last byte the network took
	Ran    map[string]int // key -> index of its execution; only writes
	proto  int            // of HELLO
	saw    int            // the writer that a read found, -1 for none
	// sentAfter is how many requests had been answered when it was sent, repliedAs its number among those that were.
	sentAfter, repliedAs int
	// sentAt is when its client sent it, answeredAt when the gateway had sent the last byte of the reply.
	sentAt, answeredAt time.Duration
	// under is the last PROXY ACKS that its client had sent, level what that chooses.
	under *Request
	level string
	took  bool  // a pop was answered with an element
	pops  []pop // its executions that took one
	// watched and read are the WATCH before an EXEC, and the read of the key behind that.
	watched, read *Request
	cursor        *Cursor // of SCAN
	// sent and answered are the numbers of the users when the request was sent and its reply read, since is the request
	// that made its client who it was. touches are all keys, topic is what it names.
	sent, answered int
	since          *Request
	touches        []string
	topic          string
	// as and password are those of a request that authenticates, queued those of an EXEC. Denied: the user had no right.
	as, password string
	queued       []*Request
	Denied       bool
}

func (r *Request) Writes() bool {
	switch r.Kind {
	case Set, IncrBy, Mset, Del, Module, Execute, Script, NamedScript, Push:
		return true
	case Block:
		return r.took
	}
	return false
}

// Retried says that a request for one key was handed over more than once.
func (r *Request) Retried() bool { return r.handed > 1 && len(r.keys) == 1 }

func (r *Request) String() string {
	return fmt.Sprintf("#%d %s %s of client %d", r.ID, kindNames[r.Kind], strings.Join(r.keys, " "), r.Client)
}

const (
	Set Kind = iota
	IncrBy
	Get
	GetRange
	Mget
	Mset
	Del
	Ping
	Module
	Hello
	Unknown
	Quit
	Garbage
	Watch
	Multi
	Queueing
	Execute
	Discard
	Unwatch
	Script
	NamedScript
	Select
	Block
	Scan
	Push
	Slots
	Auth
	Reset
	Listen
	Notices
	Acks
	Wait
)

const (
	Pending state = iota
	Acknowledged
	Uncertain
	Refused
	orphaned // its client left before the reply
	void     // EXEC was answered nil: a watched key had changed
)

func (k Kind) String() string { return kindNames[k] }

var kindNames = [...]string{"SET", "INCRBY", "GET", "GETRANGE", "MGET", "MSET", "DEL", "PING", "MOD.SET", "HELLO",
	"NO.SUCH", "QUIT", "garbage", "WATCH", "MULTI", "SET in MULTI", "EXEC",
	"DISCARD", "UNWATCH", "EVAL", "EVALSHA", "SELECT", "BLPOP", "SCAN",
	"RPUSH", "CLUSTER SLOTS", "AUTH", "RESET", "SUBSCRIBE or PUBLISH",
	"CLIENT MAINT_NOTIFICATIONS", "PROXY ACKS", "WAIT"}

var StateNames = [...]string{"pending", "acknowledged", "uncertain", "refused", "orphaned", "void"}
