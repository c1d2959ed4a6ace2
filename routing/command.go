package routing

// Trait is a property of a command that the gateway depends on, besides its keys.
type Trait uint32

const (
	// Write: it may change a dataset or the state of a server, or it is copied to replicas (may_replicate). A command
	// that was sent and whose reply is lost may be retried only without this trait.
	Write Trait = 1 << iota
	// Read: flagged readonly and not may_replicate, so a replica may serve it.
	Read
	// Blocking: the server may delay the reply, and all later ones on the connection. With the key form Streams it
	// blocks only if it has a BLOCK option.
	Blocking
	// Subscribing: belongs to pub/sub mode.
	Subscribing
	// Transaction: MULTI, WATCH and the commands that end them.
	Transaction
	// Local: the gateway answers it about itself.
	Local
	// Scan: request and reply contain a cursor, which means nothing on another server: always sent to the primary.
	Scan
	// Everywhere: in a sharded view the reply of one shard is incomplete, or the effect on one shard is not the whole
	// effect. Merge selects how the replies are joined.
	Everywhere
	// Harmful: it can harm the servers or other clients, or reveals secrets of the servers. Rejected as Forbidden.
	Harmful
	// Listening: SUBSCRIBE and its kin, which the gateway does once for many sessions.
	Listening
	// Counting: the reply counts subscribers, and the server sees one for many.
	Counting
	// Scripts: servers store scripts through it, or drop them.
	Scripts
	// RunsScript: it runs a script or a function, which may return the error reply itself.
	RunsScript
	// BySHA: it runs a script by its SHA1.
	BySHA
	// NoAuth: clients may send it before they have authenticated.
	NoAuth
	// WhilePaused: CLIENT PAUSE does not delay it: the commands that end a pause, and those that client libraries send
	// before them, so that a new client can end an endless pause.
	WhilePaused
	// WhileSubscribed: a subscribed RESP2 client may send it. Listening commands are allowed anyway.
	WhileSubscribed
	// NoMulti: rejected within a transaction, with an error of its own. These are the Local and Listening commands that
	// change how replies are sent, or would make EXEC's reply wait for servers.
	NoMulti
	// Alike: Local, and any server gives the same reply.
	Alike
	// Replication: makes the connection that of a replica.
	Replication
	// ReplicaTakes: Write, but it changes no key, so a read-only replica accepts it. Commands that run scripts do not
	// have it, since a script's commands are seen too late.
	ReplicaTakes
	// OfServer: a read whose reply, or effect, is not of the key's value alone, but of what its server keeps about it: how
	// it stores the value, when and how often it served it, and which consumers of a stream it has seen.
	OfServer
	// OnSentinel: a Sentinel has this command too.
	OnSentinel
)

// KeyForm is how a command's keys are found.
type KeyForm uint8

const (
	// Ranged: by First, Last and Step alone.
	Ranged KeyForm = iota
	// Counted: the argument at Count is the number of keys that follow it (EVAL, ZUNION). First, if set, is one key
	// more, the destination (ZUNIONSTORE).
	Counted
	// CountedPairs: as Counted, and a value after each key (MSETEX).
	CountedPairs
	// SortStore: First, and the argument of the last STORE (SORT).
	SortStore
	// GeoStore: First, and the argument of STORE or STOREDIST (GEORADIUS).
	GeoStore
	// Streams: the first half of the arguments after STREAMS (XREAD, XREADGROUP).
	Streams
	// MigrateKeys: First, or if that is empty all arguments after KEYS (MIGRATE).
	MigrateKeys
	// Specified: by the key specifications of the server that reported the command.
	Specified
)

// Cut is how a command may be divided if its keys lie in more than one slot.
type Cut uint8

const (
	// Whole: it may not be divided.
	Whole Cut = iota
	// PerKey: each key can be requested alone (MGET, DEL).
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
	// ID identifies a row that the gateway treats specially. Family is the ID of a subcommand's container, and ID
	// itself in all other rows.
	ID, Family ID
	// First, Last and Step are positions among the arguments; the command's name is 0. A First of 0 means that no key
	// has a fixed position; a negative Last counts from the end.
	First, Last, Step int
	Form              KeyForm
	// Count is the position of the number of keys if Form is Counted or CountedPairs.
	Count int
	Cut   Cut
	// Merge is how the replies are joined if the command was divided, or sent everywhere.
	Merge Merge
	// Index is the row's place in Rows, from 1; 0 if the command was learnt.
	Index uint16
	// Categories are those of the servers' ACL. A pseudo-command that no server has is in none.
	Categories Category

	// first is what the command does with the key at First, others with all other keys.
	first, others KeyAccess
	// specs are the key specifications of a command that was learnt from a server, if Form is Specified.
	specs []KeySpec
	// asked: only the server knows the keys (COMMAND GETKEYS).
	asked bool
	// word is the last part of Name: the word that the client sends at this level.
	word string
	// within are the subcommands of a container; nil for all others.
	within *index
}

// Word is the last part of the name: that of a subcommand within its container.
func (c *Command) Word() string { return c.word }

// Has reports whether c has at least one of traits.
func (c *Command) Has(traits Trait) bool { return c.Traits&traits != 0 }

// ArityFits reports whether c takes n arguments, its name included.
func (c *Command) ArityFits(n int) bool {
	if c.Arity < 0 {
		return n >= -c.Arity
	}
	return n == c.Arity
}
