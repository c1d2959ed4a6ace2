// Package scenario describes a run of the simulation: its seed, its servers, what finds out about them, and the mistake
// that is made, if any. It knows nothing of how a run is played.
package scenario

import (
	"strings"

	"evergate/gateway/acks"
	"evergate/gateway/session"
)

// Options of one run. The zero value is a plain primary with replicas that are always up to date, calm.
type Options struct {
	Seed uint64
	// Voice is who tells the gateway what is true.
	Voice Voice
	// Cluster: three shards and slots that move; else one shard. Only with Oracle.
	Cluster bool
	Reads   session.Reads
	// Consistency is how fresh the reads of replicas must be: Eventual, Gateway, or Bounded by Lag: a time, or bytes.
	Consistency session.Consistency
	Lag         session.Lag
	// Zones: servers are in two zones, the gateway in one of them. Only with a real State.
	Zones bool
	// Fence: writes stop while the gateway sees a minority of the Sentinels, and the primary has no replica. Only with
	// Sentinels.
	Fence bool
	// Acks is how many replicas must confirm a write before its client is answered, and for how long they are waited for.
	Acks acks.Terms
	// Async: replicas lag, and a failover may lose what they have not got.
	Async bool
	// Planned: nothing happens but SENTINEL FAILOVER, and nobody is slow. Only with Sentinels.
	Planned bool
	// Strands: connections break for the gateway alone, one at a time; what it had sent comes to the server later. Only
	// with a real State.
	Strands bool
	// Listeners: there are clients that subscribe and publish; with CloseOnGap they are closed
	// when they may have missed something.
	Listeners, CloseOnGap bool
	// Wide: clients also run scripts, by their text and by their name, choose a database, block and scan; some come to a
	// second service of the same servers, some to listeners that emulate a replica or a node of a cluster; some write all
	// they have before they read anything.
	Wide bool
	// OwnWait: clients ask with WAIT how many replicas have what they have written. Only with a real State.
	OwnWait bool
	// Users: clients authenticate, as one user after the other, and users lose rights and get them back, come and go.
	Users bool
	// Notices: some clients ask to be notified of holds and of a drain.
	Notices bool
	// Reloads: settings change.
	Reloads bool
	// BlockingLost is what becomes of a blocking pop whose connection is lost.
	BlockingLost BlockingLost
	// Bug is what the fake loop does wrong.
	Bug Bug
}

// Voice is who tells the gateway what is true.
type Voice uint8

const (
	// Oracle: views come from who knows everything, late, and wrong for a while.
	Oracle Voice = iota
	// Sentinels: views are made by the real decide.State from what simulated Sentinels and servers say.
	Sentinels
	// Bus: the same for a cluster, from what its nodes say.
	Bus
)

// BlockingLost is the setting of that name.
type BlockingLost uint8

const (
	// RetryPop: the gateway sends it again; an element may be lost.
	RetryPop BlockingLost = iota
	// AnswerUncertain: the client is told that nobody knows.
	AnswerUncertain
	// CloseClient: its connection is closed.
	CloseClient
	// BlockingLosts is how many there are.
	BlockingLosts
)

// Bug is a mistake that is made at the edges of the worker or of the State, as if they made it themselves: in what the
// loop tells of its connections, in what is seen of Sentinels and servers, in the order in which a server runs what it
// was sent. The product has no switches for them.
type Bug uint8

const (
	NoBug Bug = iota
	// ResendSent tells of what was written to a lane only when an answer comes: what is lost before is sent again.
	ResendSent
	// WroteAll says that all was written when the network took a part.
	WroteAll
	// WrongLane gives what came from one lane to another.
	WrongLane
	// WrongClient writes what one client is owed to another.
	WrongClient
	// NoLaneClosed keeps the end of a connection to itself.
	NoLaneClosed
	// WriteTwice writes a lane's bytes twice.
	WriteTwice
	// Overtake has a later request run before an earlier one that was held: of the first two on a new connection.
	Overtake
	// ChangeLanes has two requests that are in flight together run in either order, as on two connections.
	ChangeLanes
	// RedoLate does a refused request where it belongs, but after a later one of the same client.
	RedoLate
	// TrustOne listens to one Sentinel, and takes what it says for what all say.
	TrustOne
	// TrustRole takes it for the word of all Sentinels when a server says that it is primary.
	TrustRole
	// NoFence does not see that a primary is another run, with another history.
	NoFence
	// NoBarrier goes from one primary to the next in one step: no worker is shown that the first is left, and none is
	// waited for.
	NoBarrier
	// NoWithholding does not tell the workers which primary is being left.
	NoWithholding
	// NoKill does not end former connections at a node before a new one is used.
	NoKill
	// KeepWatching has servers watch on when they are told UNWATCH.
	KeepWatching
	// RunUnqueued has them execute the commands of a transaction one by one.
	RunUnqueued
	// ForgetLoaded has servers forget at once a script that is loaded ahead of its call.
	ForgetLoaded
	// WrongDatabase sets connections up in database 0, whichever they are dialled for.
	WrongDatabase
	// LoseAnswer keeps the answers to blocking commands from the gateway.
	LoseAnswer
	// RetryAnswered drops the reply to a pop, and tells of a lost connection instead: the pop is retried though its
	// server has answered.
	RetryAnswered
	// RetryUnasked has pops retried where the settings want an error.
	RetryUnasked
	// TrustCursor takes the cursor of any server for one of the server that is asked.
	TrustCursor
	// LeaveHalfClosed takes it for the end of a client when it closes its half of the connection.
	LeaveHalfClosed
	// KeepOnGap keeps subscribers that may have missed messages where the settings want them closed.
	KeepOnGap
	// StopUnread does not read from a client that does not read.
	StopUnread
	// NoReplica and NoClusterNode have the listeners that emulate these roles emulate none.
	NoReplica
	NoClusterNode
	// OldUsers keeps new users from the workers, KeepUser has them keep those that are gone, KeepPassword the former
	// passwords, KeepChannels the former channels.
	OldUsers
	KeepUser
	KeepPassword
	KeepChannels
	// FreeAfterAuth does not check the requests behind a second AUTH, FreeInMulti those of transactions, FreeParts those
	// that concern several keys, FreeScripts the keys that scripts declare.
	FreeAfterAuth
	FreeInMulti
	FreeParts
	FreeScripts
	// FreeChannels does not check channels, FreeWrites takes the right to read a key for that to write it, and
	// NoSelectors overlooks selectors.
	FreeChannels
	FreeWrites
	NoSelectors
	// DenyRetried rejects what is retried, as if it were another user's.
	DenyRetried
	// NoEnd does not tell the workers that a hold has ended, NotifyAll notifies clients that did not ask, and NotifyWithin
	// does so within a reply.
	NoEnd
	NotifyAll
	NotifyWithin
	// PollEarly has polls begin before they have their number, KeepProof takes a replica that restarts for one that
	// still has everything, and MoveProof overlooks that a shard has gained a slot.
	PollEarly
	KeepProof
	MoveProof
	// WaitElsewhere sends the WAIT behind writes on another connection, ReleaseEarly passes replies on before it is
	// answered, and AttachedOnly takes the replicas that are attached for all that there are.
	WaitElsewhere
	ReleaseEarly
	AttachedOnly
	// NoMinority does not stop writes where Fence wants that, LongLag serves reads from replicas that lag for longer than
	// they may.
	NoMinority
	LongLag
	// NoKillBefore does not end former connections at a node before those that are open already are used.
	NoKillBefore
	// FarBehind serves reads from replicas that lack more bytes than they may.
	FarBehind
	// OwnWaitAlone has the WAIT of a client count for what its own connection has written: nothing.
	OwnWaitAlone
	// Bugs is how many there are.
	Bugs
)

var bugNames = [Bugs]string{"none", "resend sent writes", "wrote all", "wrong lane", "wrong client", "no lane closed",
	"write twice", "overtake held requests", "change lanes in flight", "redo a refused request late",
	"trust one Sentinel", "trust ROLE alone", "forget the fence", "skip the barrier", "do not withhold",
	"leave former connections", "keep watching", "run what is queued",
	"forget loaded scripts", "the wrong database", "lose the answers to blocking commands",
	"retry answered pops", "retry pops against the settings",
	"take cursors of other servers",
	"leave half-closed clients", "keep subscribers on a gap", "stop reading from clients that do not read",
	"take writes at a replica", "be no node of a cluster",
	"keep the former users", "keep users that are gone", "keep former passwords", "keep former channels",
	"check nothing after AUTH",
	"check nothing in transactions", "check no parts", "check no keys of scripts", "check no channels",
	"take reads for writes", "overlook selectors", "deny what is retried",
	"never end a hold", "notify those that did not ask", "notify within a reply",
	"poll before the number", "keep proofs over restarts", "move slots with their proof",
	"wait on another connection", "release before the wait", "count attached replicas for all",
	"write though only a minority is seen", "read what is too old", "use open connections beside former ones",
	"read what is too far behind", "send the WAIT of a client alone"}

func (b Bug) String() string { return bugNames[b] }

// RealState says that the views are made by the real decide.State, which knows only what it is told.
func (o Options) RealState() bool { return o.Voice != Oracle }

// Waits says that servers are asked how many replicas have what was written.
func (o Options) Waits() bool { return o.Acks.Asked() || o.OwnWait }

// Sharded says that keys belong to one of several shards.
func (o Options) Sharded() bool { return o.Cluster || o.Voice == Bus }

// Tags is how many hash tags all keys have: so many slots are used.
const Tags = 8

// Padding makes long values; it is longer than what keeps new requests off a lane.
var Padding = strings.Repeat("=", 1_300_000)
