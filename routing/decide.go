// Package routing has the table of commands: where their keys are, whether replicas may serve them, how they may be
// divided. Decide returns what to do with one request, given its arguments and a view; it knows nothing about bytes on
// the wire, sessions or time.
//
//	c := routing.Lookup(args)
//	d := routing.Decide(routing.Request{Command: c, Args: args}, view)
//
// The table is written by hand, and the tests compare it with servers' replies to COMMAND. Rejected: to take it from
// the servers at run time. They may differ, may be absent at the start, and do not report which commands may be
// divided, or are dangerous on a shared connection.
package routing

import (
	"evergate/topology"
)

// Kind is how a request is handled.
type Kind uint8

const (
	// Answer: the gateway answers it itself; no server is asked.
	Answer Kind = iota
	// Forward: the frame goes to one shard as it came.
	Forward
	// Split: the request is divided by slot into Parts, and the replies are joined by Merge.
	Split
	// Refuse: the client gets the error of Reason.
	Refuse
	// Dedicate: the server may delay the reply, so the request goes to the primary of one shard on a dedicated
	// connection.
	Dedicate
	// Broadcast: the frame goes to every primary, and the replies are joined by Merge.
	Broadcast
	// ScanAll: SCAN and its like. The cursor belongs to one server: the worker reads and writes it.
	ScanAll
	// Transact: MULTI, EXEC, DISCARD, WATCH or UNWATCH, about the session's queue. WATCH has a Shard and a Slot.
	Transact
	// Listen: SUBSCRIBE and its kin. It has a Shard and a Slot if its channels belong to slots.
	Listen
	// AskKeys: only a server knows the keys of this request (COMMAND GETKEYS). They are then passed in Request.Keys.
	AskKeys
)

// Reason is why a request is rejected. It labels logs and metrics.
type Reason uint8

const (
	NoReason       Reason = iota
	UnknownCommand        // no such command, nor subcommand
	WrongArity            // too few or too many arguments
	CrossSlot             // keys in more than one slot, and the command cannot be divided
	Forbidden             // it can harm the servers or other clients
	OneServer             // it is about one server, or works within one, and a cluster has several
	WhichShard            // permitted, but it names no key, and there are several primaries
)

var reasonNames = [...]string{
	"none", "unknown-command", "wrong-arity", "cross-slot", "forbidden", "one-server", "which-shard",
}

func (r Reason) String() string { return reasonNames[r] }

// Part is one piece of a Split: the arguments of one slot.
type Part struct {
	Slot  int
	Shard int
	// Args are indexes into the request's arguments, without the command name, in order.
	Args []int
}

// Decision is what to do with one request.
type Decision struct {
	Kind   Kind
	Reason Reason
	// Merge is how the replies of a Split or a Broadcast are joined.
	Merge Merge
	// Read: a replica may serve it: flagged readonly, not may_replicate, and no cursor.
	Read bool
	// Safe: it changes nothing, so it may be retried if it is unknown whether it was executed.
	Safe bool
	// Changes: it may change keys. Set with Forward, Split and Broadcast.
	Changes bool
	// Shard is the index in View.Shards, or -1 if no shard serves the slot now.
	Shard int
	// Slot is the slot of the keys, or -1 without keys or if the view is not sharded.
	Slot  int
	Parts []Part
	// Counts: the reply counts subscribers as the server sees them: one for each of the gateway's connections.
	Counts bool

	found, room []uint64 // scratch of split
	args        []int    // what the Args of Parts alias
}

// Merge is how the replies to the parts of a request are joined; gateway/resp does it.
type Merge uint8

const (
	// Ordered restores the order of the request's keys (MGET).
	Ordered Merge = iota
	// Sum adds integers (DEL, UNLINK, EXISTS, TOUCH).
	Sum
	// AllOK is a status if every part is one (MSET, FLUSHALL).
	AllOK
	// Union merges arrays of names, each name once (PUBSUB CHANNELS).
	Union
	// SumPairs adds the numbers of equal names (PUBSUB NUMSUB).
	SumPairs
	// Concat concatenates arrays (KEYS).
	Concat
	// AnyOf takes a reply that is not null, if there is one (RANDOMKEY).
	AnyOf
	// EachTrue is 1 at each index where every part is (SCRIPT EXISTS).
	EachTrue
	// Same is the reply that all parts share (SCRIPT LOAD).
	Same
	// OneOK is OK if at least one part is (SCRIPT KILL). It may have to bypass a busy server, so it goes on connections
	// of its own.
	OneOK
	// Least is the smallest integer (LASTSAVE).
	Least
	// Newest orders the elements of arrays by their second elements, newest first, as many as were requested (COMMANDLOG
	// GET).
	Newest
	// Texts concatenates texts, each under the name of its shard (MEMORY DOCTOR).
	Texts
	// Saved is OK if every server has written its dataset to disk (SAVE).
	Saved
	// OneAnswers takes the reply of any server: all say the same, or as much as one can.
	OneAnswers
	// Unjoined: there is no complete reply.
	Unjoined
)

// Request is one command as the worker passes it. Args alias the client's bytes and are not kept.
type Request struct {
	Command *Command
	Args    [][]byte
	// Keys are the keys as a server reported them, after a decision AskKeys; nil if none was asked.
	Keys [][]byte
}

// special marks the commands that are not routed by their keys alone.
const special = Blocking | Subscribing | Transaction | Local | Scan | Everywhere | Harmful

// Decide is total: it returns a decision for any command, arguments and view. It allocates only for Split. A Broadcast
// goes to all shards. A nil Command is one that Lookup did not find; a nil view is one that is not known yet: commands
// that the gateway itself answers are decided as usual, others have Shard -1.
//
// The decision is written into d, which callers pass on by its address: a copy costs more than the decision. The old
// content of d does not matter, but its Parts are overwritten.
func Decide(d *Decision, r Request, v *topology.View) {
	c := r.Command
	switch {
	case c == nil:
		*d = refuse(UnknownCommand)
		return
	case !c.ArityFits(len(r.Args)):
		*d = refuse(WrongArity)
		return
	case c.Has(special):
		var done bool
		if *d, done = decideSpecial(&r, v); done {
			return
		}
	}
	if v != nil && v.Sharded && len(v.Shards) > 0 {
		d.slot(c, &r, v, c.Has(Read))
		d.Counts = d.Kind != Refuse && c.Has(Counting)
		return
	}
	d.forward(c, c.Has(Read))
	d.Counts = c.Has(Counting)
	if v == nil || len(v.Shards) == 0 {
		d.Shard = -1
	}
}

// decideSpecial decides about commands with special traits; done is false if such a command is ordinary here.
func decideSpecial(r *Request, v *topology.View) (d Decision, done bool) {
	c, args := r.Command, r.Args
	switch {
	case c.Has(Local):
		return Decision{Kind: Answer, Shard: -1, Slot: -1}, true
	case c.Has(Harmful):
		return refuse(Forbidden), true
	case c.Has(Transaction):
		return c.at(r, v, Transact), true
	case c.Waits():
		d := Decision{Kind: Dedicate, Shard: -1, Slot: -1}
		if v != nil && len(v.Shards) > 0 {
			d.Shard = 0 // in a cluster the others are asked after it
		}
		return d, true
	case c.Has(Listening):
		return c.at(r, v, Listen), true
	case c.Has(Subscribing) && v != nil && v.Sharded:
		return everyShard(c, args, v), true
	case c.Has(Subscribing) && v != nil && len(v.Shards) > 0:
		return Decision{Kind: Forward, Shard: 0, Slot: -1, Counts: c.Has(Counting), Safe: true}, true
	case c.Has(Blocking):
		return c.at(r, v, Dedicate), c.blocks(args)
	case c.Has(Scan):
		return c.at(r, v, ScanAll), true
	case c.Merge == Saved, c.Merge == OneOK, v != nil && v.Sharded && c.Merge != OneAnswers:
		return c.broadcast(), true
	}
	return Decision{}, false
}

// everyShard sends the same to the primaries of all shards, and joins the replies.
func everyShard(c *Command, args [][]byte, v *topology.View) Decision {
	if c.ID == CmdPubSubHelp {
		return Decision{Kind: Forward, Shard: 0, Slot: -1, Safe: true}
	}
	d := Decision{Kind: Split, Merge: c.Merge, Shard: -1, Slot: -1, Counts: true, Safe: true}
	all := make([]int, 0, len(args)-1)
	for i := 1; i < len(args); i++ {
		all = append(all, i)
	}
	for i := range v.Shards {
		d.Parts = append(d.Parts, Part{Slot: -1, Shard: i, Args: all})
	}
	return d
}

// broadcast decides about a command that concerns all primaries.
func (c *Command) broadcast() Decision {
	if c.Merge == Unjoined {
		return refuse(OneServer)
	}
	return Decision{Kind: Broadcast, Merge: c.Merge, Read: c.Has(Read), Safe: !c.Has(Write), Changes: c.ReplicaRefuses(),
		Shard: -1, Slot: -1}
}

// Repeats reports whether the command can be executed twice instead of once without a visible difference, if both
// precede its reply: it changes nothing, or leaves nothing.
func (c *Command) Repeats() bool {
	switch c.ID {
	case CmdFlushAll, CmdFlushDB, CmdScriptLoad, CmdScriptFlush:
		return true
	}
	return !c.Has(Write)
}

// Keyspace reports whether a command over all primaries is about all keys, so that no slot may be missing.
func (c *Command) Keyspace() bool {
	return c.Has(Everywhere) && (c.Has(Read) || c.ID == CmdFlushAll || c.ID == CmdFlushDB)
}

// at decides as for an ordinary command, and replaces the kind unless it is rejected.
func (c *Command) at(r *Request, v *topology.View, kind Kind) Decision {
	d := Decision{Shard: -1, Slot: -1}
	switch {
	case v == nil || len(v.Shards) == 0:
	case !v.Sharded:
		d.Shard = 0
	default:
		if d.slot(c, r, v, false); d.Kind == Refuse || d.Kind == AskKeys {
			return d
		}
	}
	d.Kind = kind
	return d
}

// blocks reports whether a command with the trait Blocking may really block: some do only with an option.
func (c *Command) blocks(args [][]byte) bool {
	if c.Form != Streams {
		return true
	}
	_, block := streamOptions(args)
	return block > 0
}

// forward sends the command to the first shard.
func (d *Decision) forward(c *Command, read bool) {
	if d.Kind, d.Reason, d.Merge, d.Parts = Forward, NoReason, 0, d.Parts[:0]; d.args == nil {
		d.Parts = nil // they alias room that was too large to keep
	}
	d.Read, d.Safe, d.Counts, d.Changes = read, !c.Has(Write), false, c.ReplicaRefuses()
	d.Shard, d.Slot = 0, -1
}

// slot routes by the slot of the keys.
func (d *Decision) slot(c *Command, r *Request, v *topology.View, read bool) {
	args := r.Args
	if c.Cut == PerPair && len(args)%2 == 0 {
		*d = refuse(WrongArity)
		return
	}
	d.forward(c, read)
	if c.asked || c.Form == Specified {
		d.learnt(c, r, v)
		return
	}
	a, b, ok := c.spans(args)
	if !ok {
		return // any server rejects it, with its own error, before it does anything
	}
	for _, s := range [...]span{a, b} {
		for at := s.first; at <= s.last; at += s.step {
			slot := Slot(args[at])
			switch {
			case d.Slot < 0:
				d.Slot = slot
			case d.Slot == slot:
			case c.Cut == Whole:
				*d = refuse(CrossSlot)
				return
			default:
				d.split(c, args, a, v)
				return
			}
		}
	}
	if d.Slot >= 0 {
		d.Shard = shardOf(v, d.Slot)
	}
}

// learnt routes a command that was learnt from a server by all its keys. It is never divided. If the arguments do not
// show the keys it is not sent: unlike a command of the table, it might be executed.
func (d *Decision) learnt(c *Command, r *Request, v *topology.View) {
	keys := r.Keys
	if keys == nil {
		places, ok := c.Keys(r.Args, nil)
		if !ok {
			*d = Decision{Kind: AskKeys, Shard: -1, Slot: -1}
			return
		}
		for _, at := range places {
			keys = append(keys, r.Args[at])
		}
	}
	for _, key := range keys {
		slot := Slot(key)
		if d.Slot >= 0 && d.Slot != slot {
			*d = refuse(CrossSlot)
			return
		}
		d.Slot = slot
	}
	if d.Slot >= 0 {
		d.Shard = shardOf(v, d.Slot)
	}
}

// shardOf returns the index of the shard that serves slot, or -1.
func shardOf(v *topology.View, slot int) int {
	s := v.Shard(slot)
	if s == nil {
		return -1
	}
	return s.Index
}

func refuse(why Reason) Decision {
	return Decision{Kind: Refuse, Reason: why, Shard: -1, Slot: -1}
}
