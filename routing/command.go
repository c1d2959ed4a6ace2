package routing

// Trait is what the gateway must know of a command besides its keys.
type Trait uint32

const (
	// Write: it may change a dataset or what a server remembers, or it is copied to replicas (may_replicate).
	// A command that was sent and whose reply is lost may be done again only without this trait.
	Write Trait = 1 << iota
	// Read: flagged readonly and not may_replicate, so a replica may serve it.
	Read
	// Blocking: the server may keep it waiting, and all that comes after it on the connection. With the key form
	// Streams it blocks only when it has a BLOCK option.
	Blocking
	// Subscribing: belongs to pub/sub mode.
	Subscribing
	// Transaction: MULTI, WATCH and what ends them.
	Transaction
	// Local: the gateway answers about itself.
	Local
	// Scan: request and reply hold a cursor, which means nothing on another server: the primary always.
	Scan
	// Everywhere: in a sharded view the answer of one shard is not the whole answer, or the effect on one shard is
	// not the whole effect. Merge says how the answers are joined.
	Everywhere
	// Harmful: would harm the servers or other clients, or shows the secrets of the servers. Refused as Forbidden.
	Harmful
	// Listening: SUBSCRIBE and its kin, which the gateway does for many sessions at once.
	Listening
	// Counting: the reply counts subscribers, of which the server sees one for many.
	Counting
	// Scripts: servers learn scripts by it, or forget them.
	Scripts
	// RunsScript: it runs a script or a function, which may make the error reply itself.
	RunsScript
	// BySHA: it runs a script that it names by its SHA1.
	BySHA
	// NoAuth: clients may send it before they have given the password.
	NoAuth
	// WhilePaused: CLIENT PAUSE does not delay it. That is what ends a pause, and what client libraries send before it,
	// so that somebody who connects now can end a pause without end.
	WhilePaused
	// WhileSubscribed: a client that is subscribed and speaks RESP2 may send it. Listening commands are allowed anyway.
	WhileSubscribed
	// NoMulti: refused within a transaction, with an error about that. Of the Local and the Listening ones these are
	// those that change what replies are subject to, or would have EXEC's reply wait for servers.
	NoMulti
	// Alike: Local, and any server gives the same answer.
	Alike
	// Replication: makes the connection that of a replica.
	Replication
	// ReplicaTakes: Write, but it changes no key, so that a read-only replica takes it. What runs scripts is not among
	// these, since what a script does is seen too late.
	ReplicaTakes
	// OnSentinel: a Sentinel has this command, too.
	OnSentinel
)

// KeyForm is how a command's keys are found.
type KeyForm uint8

const (
	// Ranged: by First, Last and Step alone.
	Ranged KeyForm = iota
	// Counted: the argument at Count says how many keys follow it (EVAL, ZUNION). First, when set, is one key more,
	// the destination (ZUNIONSTORE).
	Counted
	// CountedPairs: as Counted, and a value after each key (MSETEX).
	CountedPairs
	// SortStore: First, and what follows the last STORE (SORT).
	SortStore
	// GeoStore: First, and what follows STORE or STOREDIST (GEORADIUS).
	GeoStore
	// Streams: the first half of what follows STREAMS (XREAD, XREADGROUP).
	Streams
	// MigrateKeys: First, or when that is empty all that follows KEYS (MIGRATE).
	MigrateKeys
	// Specified: by the key specifications of the server that it was learnt from.
	Specified
)

// Cut is how a command may be cut when its keys lie in more than one slot.
type Cut uint8

const (
	// Whole: it may not be cut.
	Whole Cut = iota
	// PerKey: each key can be asked for alone (MGET, DEL).
	PerKey
	// PerPair: each key with the value after it can be set alone (MSET).
	PerPair
)

// Command is one row of the table. Rows are never modified; they live as long as the process.
type Command struct {
	// Name is in lower case. A subcommand is named with its container, as Redis 7 does: "client|setname".
	Name string
	// Arity counts the arguments with the command's own name; negative means at least that many.
	Arity  int
	Traits Trait
	// ID identifies the row where the gateway deals with it by name. Family is the ID of the container of a subcommand,
	// and ID itself in all other rows.
	ID, Family ID
	// First, Last and Step are positions among the arguments, the command's name being 0. A First of 0 means that
	// no key has a fixed place; a negative Last counts from the end.
	First, Last, Step int
	Form              KeyForm
	// Count is the position of the number of keys when Form is Counted or CountedPairs.
	Count int
	Cut   Cut
	// Merge is how the replies are joined when the command was cut, or asked everywhere.
	Merge Merge

	// specs are the key specifications of a learnt command whose form is Specified.
	specs []KeySpec
	// asked: only the server can tell the keys (COMMAND GETKEYS).
	asked bool
	// word is the last part of Name: what the client types at this level.
	word string
	// within are the subcommands of a container; nil for all others.
	within *index
}

// Word is the last part of the name: that of a subcommand within its container.
func (c *Command) Word() string { return c.word }

// Has reports whether c has one of traits at least.
func (c *Command) Has(traits Trait) bool { return c.Traits&traits != 0 }

// ArityFits reports whether a command of n arguments, its name counted, has a number of arguments that c takes.
func (c *Command) ArityFits(n int) bool {
	if c.Arity < 0 {
		return n >= -c.Arity
	}
	return n == c.Arity
}
