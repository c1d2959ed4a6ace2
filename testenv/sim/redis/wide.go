package redis

import (
	"fmt"
	"strings"

	"evergate/gateway/resp"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/scenario"
)

// What only the clients of wide worlds ask for: scripts, databases, blocking commands, scans.

// in is what the node calls a key of the database of the connection that is served.
func (n *Node) in(key string) string { return inDatabase(n.db, key) }

func inDatabase(db int32, key string) string {
	if db == 0 {
		return key
	}
	return fmt.Sprintf("%d/%s", db, key)
}

// mayHave returns whether a command may stand on a connection: SELECT within a transaction only, and what belongs to
// a WAIT where replicas must confirm writes, or clients ask.
func (l *Conn) mayHave(args [][]byte) bool {
	switch strings.ToUpper(string(args[0])) {
	case "SELECT":
		return l.tx.open
	case "WAIT", "HELLO", "FUNCTION":
		return l.w.Options.Waits()
	}
	return !ledger.Forbidden(args)
}

// setUp does SELECT, which comes within MULTI only, and SCRIPT LOAD.
func (l *Conn) setUp(name string, args [][]byte) []byte {
	n := l.Node
	switch {
	case l.tx.open:
		return n.enqueue(l, args)
	case name == "SCRIPT" && len(args) == 3 && strings.EqualFold(string(args[1]), "load"):
		if n.w.Options.Bug != scenario.ForgetLoaded {
			l.Node.remember(ledger.ScriptName(string(args[2])))
		}
		return resp.AppendBulkString(nil, ledger.ScriptName(string(args[2])))
	}
	n.w.Ledger.Fail("%s was sent %s %s on a connection that others use", n.Addr, name, args[1])
	return resp.OK
}

func (n *Node) remember(script string) {
	if n.scripts == nil {
		n.scripts = map[string]bool{}
	}
	n.scripts[script] = true
}

// runWide answers what is no plain command; nil for those that are.
func (l *Conn) runWide(name string, args [][]byte) []byte {
	n := l.Node
	switch name {
	case "BLPOP":
		return l.pop(args)
	case "SCAN":
		return l.scan(args)
	case "CLUSTER":
		return l.nodes()
	case "EVAL":
		l.Node.remember(ledger.ScriptName(string(args[1])))
	case "EVALSHA":
		if !n.scripts[string(args[1])] {
			return []byte("-NOSCRIPT No matching script. Please use EVAL.\r\n")
		}
	}
	return nil
}

// pong answers PING, which a client's own becomes while a script may keep the server busy.
func pong(args [][]byte) []byte {
	if len(args) == 2 {
		return resp.AppendBulk(nil, args[1])
	}
	return resp.Pong
}
