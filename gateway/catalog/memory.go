package catalog

import (
	"evergate/gateway/resp"
	"evergate/routing"
	"evergate/topology"
)

// A server's scripts are its own: neither replicas nor a server that restarts have them, and clients that run a script
// by its SHA1 meet NOSCRIPT where another primary had it. So the gateway remembers the scripts that pass it, and loads
// one, ahead of the request that names it, into each server that this catalog has not seen it loaded into. Where that
// was wrong (somebody has flushed them there) the NOSCRIPT makes it be loaded again. A script that never passed this
// gateway is the servers' to know.

// Memory is where the scripts of a service are remembered that pass the gateway; all workers share it.
type Memory struct {
	// Seen remembers a script, Script returns the one with a SHA1 in lower case, nil when it is not remembered, and
	// Forgotten forgets all. The bytes are not kept, nor changed.
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

// Note remembers the script that a command contains, or forgets all. The command is about to be sent: where it says how
// many keys it has so that no server would look at the script, there is nothing to remember.
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

// NoteAll is Note for each command of a transaction.
func (c *Catalog) NoteAll(frames []byte, l *resp.Limits) {
	for args := range resp.Commands(frames, l) {
		c.Note(routing.Lookup(args), args)
	}
}

// Missing returns the script that a command names, if it must be loaded ahead of it there; it counts as being loaded
// then.
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
func (c *Catalog) MissingAll(at Place, frames []byte, l *resp.Limits) (bodies [][]byte) {
	for args := range resp.Commands(frames, l) {
		if body := c.Missing(at, routing.Lookup(args), args); body != nil {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

// Remembered returns the script that a command names; nil where it names none, or one that is not remembered.
func (c *Catalog) Remembered(command *routing.Command, args [][]byte) []byte {
	named, ok := Script(command, args)
	if !ok {
		return nil
	}
	name := Name(named)
	return c.memory.Script(name[:])
}
