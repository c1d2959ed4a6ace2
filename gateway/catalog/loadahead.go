package catalog

import (
	"evergate/gateway/resp"
	"evergate/routing"
	"evergate/topology"
)

// Servers do not replicate scripts, and lose them at a restart: after a failover EVALSHA would get NOSCRIPT. So the
// gateway remembers the scripts that pass through it, and loads a script, ahead of the request that names it, into each
// server that is not known to have it. If that is wrong (after a flush by others), a NOSCRIPT leads to another load. A
// script that never passed through this gateway is unknown to it.

// Memory remembers the scripts of a service that pass through the gateway; all workers share it.
type Memory struct {
	// Seen remembers a script, Script returns the one with a SHA1 in lower case, nil if it is not remembered, and
	// Forgotten forgets all. They neither keep nor change the bytes.
	Seen      func(body []byte)
	Script    func(name []byte) []byte
	Forgotten func()
}

// Place is a connection to one run of a server.
type Place struct {
	Node  topology.NodeID
	RunID string
	Conn  int32
}

// Note remembers the script of a command that is about to be sent, or forgets all. A command whose number of keys is
// invalid is skipped: no server would read its script.
func (c *Catalog) Note(command *routing.Command, args [][]byte) {
	if command == nil || !command.Has(routing.Scripts) {
		return
	}
	switch command.ID {
	case routing.CmdEval, routing.CmdEvalRO:
		if _, ok := command.Keys(args, nil); ok {
			c.memory.Seen(args[1])
		}
	case routing.CmdScriptLoad:
		c.memory.Seen(args[2])
	case routing.CmdScriptFlush:
		c.memory.Forgotten()
		c.UnloadAll()
	}
}

// NoteAll is Note for each command of a transaction, in pieces of whole frames.
func (c *Catalog) NoteAll(pieces [][]byte, l *resp.Limits) {
	for args := range resp.Commands(pieces, l) {
		c.Note(routing.Lookup(args), args)
	}
}

// Missing returns the script that a command names if it must be loaded ahead of it at a place, and records it as being
// loaded there.
func (c *Catalog) Missing(at Place, command *routing.Command, args [][]byte) []byte {
	named, ok := Script(command, args)
	if !ok || c.Has(at.Node, at.RunID, at.Conn, named) {
		return nil
	}
	name := Name(named)
	body := c.memory.Script(name[:])
	if body != nil {
		c.Load(at.Node, at.RunID, at.Conn, name)
	}
	return body
}

// MissingAll is Missing for each command of a transaction.
func (c *Catalog) MissingAll(at Place, pieces [][]byte, l *resp.Limits) (bodies [][]byte) {
	for args := range resp.Commands(pieces, l) {
		if body := c.Missing(at, routing.Lookup(args), args); body != nil {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

// Remembered returns the script that a command names; nil if it names none, or one that is not remembered.
func (c *Catalog) Remembered(command *routing.Command, args [][]byte) []byte {
	named, ok := Script(command, args)
	if !ok {
		return nil
	}
	name := Name(named)
	return c.memory.Script(name[:])
}
