// Package gateway assembles the product: it turns a Config into services, keepers, workers and listeners, and
// starts, drains and stops them. It knows everything and does little.
package gateway

import "time"

// ReadPolicy says which servers may answer reads.
type ReadPolicy string

const (
	// ReadPrimary sends reads to the primary.
	ReadPrimary ReadPolicy = "primary"
	// ReadPreferReplica sends reads round-robin to healthy replicas, to the primary when there is none.
	ReadPreferReplica ReadPolicy = "prefer-replica"
	// ReadReplica sends reads to replicas only; without one they get an error.
	ReadReplica ReadPolicy = "replica"
)

// Confirmation says whose word makes a node the primary after a failover of Sentinels.
type Confirmation string

const (
	// ConfirmProvisional follows the node that the leading Sentinel promoted as soon as that node proves to descend from
	// the old primary, and goes back unless a majority of Sentinels names it too.
	ConfirmProvisional Confirmation = "provisional"
	// ConfirmMajority waits for the majority, about a second longer.
	ConfirmMajority Confirmation = "majority"
)

// GapPolicy says what becomes of subscribers that may have missed messages, as when their server was lost.
type GapPolicy string

const (
	// GapStay keeps them subscribed: what they missed is missed, as of any server that dies.
	GapStay GapPolicy = "keep"
	// GapClose closes their connections, so that they notice.
	GapClose GapPolicy = "close"
)

// BlockingLost says what becomes of a blocking pop (BLPOP, BZPOPMIN, ...) that was sent and whose connection is lost:
// it may have taken an element that nobody has seen. Commands that leave what they take on a server (BLMOVE, XREAD,
// ...) are put again in any case.
type BlockingLost string

const (
	// BlockingAgain sends it again with the time that is left, and counts it.
	BlockingAgain BlockingLost = "retry"
	// BlockingClose closes the client's connection.
	BlockingClose BlockingLost = "close"
	// BlockingError answers UNCERTAIN.
	BlockingError BlockingLost = "error"
)

// Credentials are what the gateway shows to a server or a Sentinel.
type Credentials struct {
	// User is the ACL user; empty means the default user.
	User     string
	Password Secret
}

// Service is one named upstream with its listeners. Exactly one of Sentinels, Cluster and Primary is set.
type Service struct {
	// Name stands in logs, lane keys and INFO. Default "default".
	Name string
	// Listen are the addresses to accept clients on: HOST:PORT, [IPv6]:PORT, or unix:/path.
	Listen []string
	// Facade is what the listeners pretend to be; ListenFacade is that of single ones, by their words in Listen. Default
	// FacadeNone.
	Facade       Facade
	ListenFacade map[string]Facade
	// Announce is the address that facades tell clients (HOST or HOST:PORT; without it, and without a port, that of the
	// listener); ListenAnnounce is that of single listeners.
	Announce       string
	ListenAnnounce map[string]string

	// Sentinels are the Sentinels to ask first (HOST:PORT); others are learnt from them.
	Sentinels []string
	// MasterName is the name under which the Sentinels watch the primary.
	MasterName string
	// Cluster are the seed nodes of a Redis Cluster (HOST:PORT).
	Cluster []string
	// Primary is a plain primary (HOST:PORT), Replicas its replicas; without any, the primary's own list is used.
	Primary  string
	Replicas []string

	// Reads is the read policy. Default ReadPrimary.
	Reads ReadPolicy
	// Hold is what becomes of requests that no server can take now, as of a shard without a primary; ListenHold is that
	// of single listeners, by their words in Listen. Default HoldAuto.
	Hold       Hold
	ListenHold map[string]Hold
	// SilentAfter is how long a server may owe an answer and send nothing until no more is sent to it meanwhile. Zero: a
	// quarter of the topology's own down-after or node-timeout, between 100 ms and 1 s.
	SilentAfter time.Duration
	// BlockingLost is what becomes of a blocking pop that was sent and whose connection is lost. Default BlockingAgain.
	BlockingLost BlockingLost
	// Confirm is whose word makes a new primary. Default ConfirmProvisional.
	Confirm Confirmation
	// OnGap is what becomes of subscribers that may have missed messages. Default GapStay.
	OnGap GapPolicy
	// Allow are commands to let through that would be refused for the harm they can do; see routing.Allowed.
	Allow []string
	// AddressMap rewrites announced addresses before dialling: key "host:port" or "host" to "host:port" or "host".
	AddressMap map[string]string

	// Upstream is shown to the servers, Sentinel to the Sentinels.
	Upstream Credentials
	Sentinel Credentials
	// Password is what the gateway's own clients must give (AUTH, HELLO AUTH). Zero: none is asked.
	Password Secret
	// FacadePassword is what clients must give that come to a listener with FacadeSentinel. Zero: none is asked.
	FacadePassword Secret
	// NoAuth allows a listener that is not loopback without a password.
	NoAuth bool
}

// Limits bound what one client or all of them may cost. Zero in a field is not "unlimited": DefaultLimits fills it.
type Limits struct {
	// BulkBytesMax is the longest argument accepted (Redis: proto-max-bulk-len). Default 512 MiB.
	BulkBytesMax int64
	// QueryBytesMax is the most unread bytes held for one client (Redis: client-query-buffer-limit). Default 1 GiB.
	QueryBytesMax int64
	// OutputBytesMax is the most reply bytes held for one client before it is cut. Default 256 MiB.
	OutputBytesMax int64
	// PushBytesMax is how many bytes may wait for a client when a message comes for it that it has subscribed to; past
	// that it is cut (Redis: client-output-buffer-limit pubsub). Default 32 MiB.
	PushBytesMax int64
	// ClientsMax is the most clients at once over all services (Redis: maxclients). Default 10000.
	ClientsMax int
	// HoldSessionsMax is how many clients may wait for a primary at once, over all services. Default 10000.
	HoldSessionsMax int
	// HoldBytesMax is how much of what they sent may wait with them. Default 1 GiB.
	HoldBytesMax int64
	// PrivateMax is how many connections to one server may each belong to a single client, for WATCH and blocking
	// commands; it is shared between the workers. Default 8000.
	PrivateMax int
	// IdleMax closes a client that has sent nothing for so long (Redis: timeout). Zero: never.
	IdleMax time.Duration
	// AuthMax closes a client that has not authenticated within it, where a password is set. Default 60 s.
	AuthMax time.Duration
}

// Config is everything a Gateway is started with.
type Config struct {
	Services []Service
	// Workers is the number of event loops. Zero: one per core.
	Workers int
	// DrainTimeout is how long SIGTERM waits for what is in flight. Default 10 s.
	DrainTimeout time.Duration
	// DialTimeout bounds resolving, connecting and greeting one server. Default 2 s.
	DialTimeout time.Duration
	// RefreshInterval is how often the topology is asked for when nothing happens. Default 3 s.
	RefreshInterval time.Duration
	Limits          Limits
	// LogLevel is trace, debug, info, warn or error; LogFormat is text or json. Defaults info, text.
	LogLevel  string
	LogFormat string
}
