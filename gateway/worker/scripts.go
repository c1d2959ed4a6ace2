package worker

import (
	"evergate/gateway/catalog"
	"evergate/gateway/exchange"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// A server's scripts are its own: neither replicas nor a server that restarts have them, and clients that run a script
// by its SHA1 meet NOSCRIPT where another primary had it. So the gateway remembers the scripts that pass it, and loads
// one, ahead of the request that names it, into each server that this worker has not loaded it into. Where that was
// wrong (somebody has flushed them there) the NOSCRIPT makes it be loaded again. What nobody has said through this
// gateway is the servers' to know.

// noteScript remembers the script that a command brings, or forgets all. The command is about to be sent: where it says
// how many keys it has so that no server would look at the script, there is nothing to remember.
func (w *Worker) noteScript(c *exchange.Session, command *routing.Command, args [][]byte) {
	if command == nil || !command.Has(routing.Scripts) {
		return
	}
	switch command.ID {
	case routing.CmdEval, routing.CmdEvalRO:
		if _, ok := command.Keys(args, nil); ok {
			w.env.ScriptSeen(c.Service.Index, args[1])
		}
	case routing.CmdScriptLoad:
		w.env.ScriptSeen(c.Service.Index, args[2])
	case routing.CmdScriptFlush:
		w.env.ScriptsForgotten(c.Service.Index)
		c.Service.Catalog.UnloadAll()
	}
}

// alsoOnReplicas sends SCRIPT LOAD and SCRIPT FLUSH to the replicas that reads go to: these are not replicated. Nobody
// waits for the replies.
func (w *Worker) alsoOnReplicas(c *exchange.Session, command *routing.Command, frame []byte) {
	if c.Service.View == nil || command.ID != routing.CmdScriptLoad && command.ID != routing.CmdScriptFlush {
		return
	}
	for l := range c.Service.Replicas(c.Setup()) {
		exchange.Quietly(l, frame)
		w.pool.Dirty(l)
	}
}

// missing returns the script that a command names, if it must be loaded ahead of it on this lane.
func (w *Worker) missing(l *upstream.Conn, command *routing.Command, args [][]byte) []byte {
	s := w.services[l.Key.Service]
	named, ok := catalog.Script(command, args)
	if !ok || s.Catalog.Has(l.Key.Node, l.RunID, int32(l.ID), named) {
		return nil
	}
	name := catalog.Name(named)
	body := w.script(s, name)
	if body != nil {
		s.Catalog.Load(l.Key.Node, l.RunID, int32(l.ID), name)
	}
	return body
}

// missingIn is missing for the commands of a transaction.
func (w *Worker) missingIn(l *upstream.Conn, frame []byte) (bodies [][]byte) {
	for args := range w.commandsIn(frame) {
		if body := w.missing(l, routing.Lookup(args), args); body != nil {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

// noteScriptsIn is noteScript for the commands of a transaction.
func (w *Worker) noteScriptsIn(c *exchange.Session, frame []byte) {
	for args := range w.commandsIn(frame) {
		w.noteScript(c, routing.Lookup(args), args)
	}
}

// script returns the script with a name, or nil when nobody has said it.
func (w *Worker) script(s *service, name catalog.SHA) []byte { return w.env.Script(s.Index, name[:]) }

// unknown returns the script that a server which was asked for it does not have, if it can be loaded now.
func (w *Worker) unknown(l *upstream.Conn, t *upstream.Pending, args [][]byte) []byte {
	named, ok := catalog.Script(routing.Lookup(args), args)
	if t.Flags&upstream.Loaded != 0 || !ok {
		return nil
	}
	return w.script(w.services[l.Key.Service], catalog.Name(named))
}
