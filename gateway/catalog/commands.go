package catalog

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"time"

	"evergate/gateway/resp"
	"evergate/routing"
	"evergate/topology"
)

// A command that the table lacks may belong to a module, or to a newer server. A server is asked once with COMMAND
// INFO; a command that no server has is then unknown for a while. If only a server knows the keys of a learnt command,
// which a module may cause, it is asked about each request with COMMAND GETKEYS: in a cluster nothing is sent before
// its slot is known. A redirection is not certain: Valkey 9.1 executes MSETEX at any node.

const (
	// commandsMax bounds the number of commands; beyond it all are forgotten and asked again.
	commandsMax = 1024
	// nameMax is the longest name that a server is asked about, in bytes.
	nameMax = 64
	// keysMax bounds the requests of one command whose keys are remembered.
	keysMax = 256
)

// command is a server's answer about a command; row is nil if the server does not know it.
type command struct {
	row    *routing.Command
	at     time.Duration
	failed bool // the server could not answer
	// keys has the answers about the keys of requests, by the digest of the request.
	keys map[digest]*keys
}

type digest [sha256.Size]byte

func digestOf(args [][]byte) digest { return sha256.Sum256(resp.AppendCommand(nil, args...)) }

// keys is a server's answer about the keys of a request: the keys, or an error, which is believed for unknownFor.
type keys struct {
	names [][]byte // not nil
	err   []byte
	at    time.Duration
}

// nameOf returns the name of a request's command for questions and as a key.
func nameOf(args [][]byte) string {
	return strings.ToLower(string(resp.Cut(args[0], nameMax+1)))
}

// Row returns the row of a request that was seen before, from the table or learnt; nil if there is none.
func (c *Catalog) Row(args [][]byte) *routing.Command {
	if row := routing.Lookup(args); row != nil {
		return row
	}
	if known := c.commands[nameOf(args)]; known != nil && known.row != nil {
		return known.row.Of(args)
	}
	return nil
}

// Container returns the learnt row of a command with subcommands if the request names none of them; nil otherwise.
func (c *Catalog) Container(args [][]byte) *routing.Command {
	if known := c.commands[nameOf(args)]; known != nil && known.row != nil && known.row.Of(args) == nil {
		return known.row
	}
	return nil
}

// Command returns the row of a request whose command the table lacks; nil unless it is Known.
func (c *Catalog) Command(args [][]byte, now time.Duration) (*routing.Command, State) {
	name := nameOf(args)
	if len(name) == 0 || len(name) > nameMax || routing.Container(args[0]) != nil || !routing.Learnable(name) {
		return nil, Unknown
	}
	known := c.commands[name]
	switch {
	case known == nil:
		return nil, Ask
	case known.failed && now-known.at < failedFor:
		return nil, Failed
	case known.row != nil:
		if row := known.row.Of(args); row != nil {
			return row, Known
		}
		return nil, Unknown
	case known.failed || now-known.at >= unknownFor:
		return nil, Ask
	}
	return nil, Unknown
}

// takeCommand records the reply to COMMAND INFO. If the gateway may not ask (NOPERM), the command is unknown; any other
// error is no answer.
func (c *Catalog) takeCommand(name string, reply []byte, now time.Duration) {
	if reply == nil {
		return
	}
	if len(c.commands) >= commandsMax {
		clear(c.commands)
	}
	failed := reply[0] == '-' && !bytes.HasPrefix(reply, []byte("-NOPERM"))
	info, _ := resp.Decode(reply)
	c.commands[name] = &command{row: routing.LearnInfo(name, info), at: now, failed: failed}
}

// Decide is routing.Decide, with a server's answer about the keys.
func (c *Catalog) Decide(d *routing.Decision, row *routing.Command, args [][]byte, v *topology.View) {
	r := routing.Request{Command: row, Args: args}
	if routing.Decide(d, r, v); d.Kind != routing.AskKeys {
		return
	}
	if r.Keys = c.Keys(args); r.Keys != nil {
		routing.Decide(d, r, v)
	}
}

// Keys returns the keys of a request as a server reported them; nil if none has. It is not nil for a request without
// keys.
func (c *Catalog) Keys(args [][]byte) [][]byte {
	if known := c.keys(args); known != nil && known.err == nil {
		return known.names
	}
	return nil
}

// keys returns a server's answer about the keys of a request; nil if there is none yet.
func (c *Catalog) keys(args [][]byte) *keys {
	known := c.commands[nameOf(args)]
	if known == nil || len(known.keys) == 0 {
		return nil
	}
	return known.keys[digestOf(args)]
}

// KeysError is for a request whose keys Decide does not know: it returns Unknown with the server's error about them, or
// Ask.
func (c *Catalog) KeysError(args [][]byte, now time.Duration) (err []byte, s State) {
	if known := c.keys(args); known != nil && now-known.at < unknownFor {
		return known.err, Unknown
	}
	return nil, Ask
}

// takeKeys records the reply to COMMAND GETKEYS.
func (c *Catalog) takeKeys(q *topic, reply []byte, now time.Duration) {
	known := c.commands[q.name]
	if known == nil || unable(reply) {
		return
	}
	k := &keys{names: [][]byte{}, at: now}
	elements, ok := resp.Elements(reply)
	for _, e := range elements {
		name, is := resp.String(e)
		k.names, ok = append(k.names, bytes.Clone(name)), ok && is
	}
	switch {
	case ok, bytes.HasPrefix(reply, []byte("-ERR The command has no key arguments")):
	case bytes.HasPrefix(reply, []byte("-ERR Invalid ")): // number of arguments, or arguments
		k.err = bytes.Clone(reply)
	default:
		k.err = keysUntold
	}
	if known.keys == nil || len(known.keys) >= keysMax {
		known.keys = map[digest]*keys{}
	}
	known.keys[q.request] = k
}

var keysUntold = resp.AppendError(nil, "ERR evergate: no server could report the keys of the command (COMMAND "+
	"GETKEYS), so it cannot be routed; it was not executed")
