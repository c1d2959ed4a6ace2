package ledger

import (
	"fmt"
	"strings"
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
	took   bool           // a pop was answered with an element
	pops   []pop          // its executions that took one
	// watched and read are the WATCH before an EXEC, and the read of the key behind that.
	watched, read *Request
	cursor        *Cursor // of SCAN
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
)

const (
	Pending state = iota
	Acknowledged
	Uncertain
	Refused
	orphaned // its client left before the reply
	void     // EXEC was answered nil: a watched key had changed
)

var kindNames = [...]string{"SET", "INCRBY", "GET", "GETRANGE", "MGET", "MSET", "DEL", "PING", "MOD.SET", "HELLO",
	"NO.SUCH", "QUIT", "garbage", "WATCH", "MULTI", "SET in MULTI", "EXEC",
	"DISCARD", "UNWATCH", "EVAL", "EVALSHA", "SELECT", "BLPOP", "SCAN",
	"RPUSH", "CLUSTER SLOTS"}

var StateNames = [...]string{"pending", "acknowledged", "uncertain", "refused", "orphaned", "void"}
