// Package config has what can be set of a gateway, and nothing that runs: Gateway with its Services, their defaults
// (Default, DefaultService), and what is wrong with them (Gateway.Validate). Addresses, passwords and users are written
// as the settings have them; SplitListen, Secret.Read and Access.Parse tell what they mean.
package config

import (
	"time"

	"evergate/gateway/api"
	"evergate/gateway/certs"
	"evergate/gateway/session"
)

// ReadPolicy selects the servers that may answer reads.
type ReadPolicy string

const (
	// ReadAuto is ReadPreferReplica, but ReadPrimary while a primary evicts keys that it has not served for long: it would
	// evict those that clients read from replicas.
	ReadAuto ReadPolicy = "auto"
	// ReadPrimary sends reads to the primary.
	ReadPrimary ReadPolicy = "primary"
	// ReadPreferReplica sends reads to replicas that are fresh enough (Consistency), and else to the primary.
	ReadPreferReplica ReadPolicy = "prefer-replica"
	// ReadReplica sends reads to replicas only; without one they fail.
	ReadReplica ReadPolicy = "replica"
)

// Where is the policy as it is now: evicts is whether a primary evicts keys that it has not served for long. It never
// returns ReadAuto.
func (r ReadPolicy) Where(evicts bool) ReadPolicy {
	switch {
	case r != ReadAuto:
		return r
	case evicts:
		return ReadPrimary
	}
	return ReadPreferReplica
}

// Confirmation selects the vote that makes a node the primary after a failover of Sentinels.
type Confirmation string

const (
	// ConfirmProvisional uses the node that the leading Sentinel promoted as soon as that node proves to continue the
	// old primary's history, and reverts unless a majority of Sentinels names it too.
	ConfirmProvisional Confirmation = "provisional"
	// ConfirmMajority waits for the majority, about a second longer.
	ConfirmMajority Confirmation = "majority"
)

// GapPolicy decides about subscribers that may have missed messages, for example because their server was lost.
type GapPolicy string

const (
	// GapStay keeps them subscribed: the messages are lost, as with any Redis that dies.
	GapStay GapPolicy = "keep"
	// GapClose closes their connections, so that they notice.
	GapClose GapPolicy = "close"
)

// BlockingLost decides about a blocking pop (BLPOP, BZPOPMIN, ...) that was sent and whose connection is lost: it may
// have taken an element that no client has seen. Commands that leave the element on a server (BLMOVE, XREAD, ...) are
// retried in any case.
type BlockingLost string

const (
	// BlockingAgain retries it with the time that is left, and counts that.
	BlockingAgain BlockingLost = "retry"
	// BlockingClose closes the client's connection.
	BlockingClose BlockingLost = "close"
	// BlockingError answers UNCERTAIN.
	BlockingError BlockingLost = "error"
)

// Credentials are those that the gateway presents to a server or a Sentinel.
type Credentials struct {
	// User is the ACL user; empty means the default user.
	User     string
	Password Secret
}

// Service is one named upstream with its listeners. Exactly one of Sentinels, Cluster and Primary is set.
type Service struct {
	// Name identifies the service in logs and INFO. Default "default".
	Name string
	// Listen are the addresses to accept clients on: HOST:PORT, [IPv6]:PORT, or unix:/path.
	Listen []string
	// TLSListen are further addresses, HOST:PORT or [IPv6]:PORT, where clients speak TLS, and TLS is what they are shown.
	TLSListen []string
	TLS       certs.ServerOptions
	// UpstreamTLS and SentinelTLS are for connections to servers and to Sentinels.
	UpstreamTLS, SentinelTLS certs.ClientOptions
	// Networks is where clients come from.
	Networks Networks
	// Facade is the role that the listeners emulate; ListenFacade overrides it for single listeners, keyed by their
	// text in Listen. Default FacadeNone.
	Facade       Facade
	ListenFacade map[string]Facade
	// MovingEndpoint is where clients are asked to move when the gateway drains: HOST:PORT, or HOST with the port that
	// they have connected to. Empty: to the address that they were given.
	MovingEndpoint string
	// Announce is the address that facades report to clients (HOST or HOST:PORT; without it, or without a port, that of
	// the listener); ListenAnnounce overrides it for single listeners.
	Announce       string
	ListenAnnounce map[string]string

	// Sentinels are the Sentinels to ask first (HOST:PORT); the others are discovered from them.
	Sentinels []string
	// MasterName is the name under which the Sentinels watch the primary.
	MasterName string
	// Cluster are the seed nodes of a Redis Cluster (HOST:PORT).
	Cluster []string
	// Primary is a plain primary (HOST:PORT), Replicas its replicas; if empty, the primary's own list is used.
	Primary  string
	Replicas []string

	// Reads is the read policy, default ReadAuto; ListenReads overrides it for single listeners, keyed by their text in
	// Listen.
	Reads       ReadPolicy
	ListenReads map[string]ReadPolicy
	// Consistency is how fresh a read must be that a replica serves, MaxLag how far the replica may lag behind for
	// ConsistencyBounded; ListenConsistency and ListenMaxLag override them for single listeners, keyed by their text in
	// Listen.
	Consistency       Consistency
	ListenConsistency map[string]Consistency
	MaxLag            session.Lag
	ListenMaxLag      map[string]session.Lag
	// Hedge is when a read that a replica owes is sent to another one as well. Zero: never.
	Hedge session.Hedge
	// Zone is the gateway's own zone, whose replicas get reads before those of others; ZoneMap is where servers are that
	// do not report it: HOST:PORT, HOST, NETWORK or a pattern of host names to the name of a zone.
	Zone    string
	ZoneMap map[string]string
	// Hold is the policy for requests that no server can take now, for example of a shard without a primary; ListenHold
	// overrides it for single listeners, keyed by their text in Listen. Default HoldAuto.
	Hold       Hold
	ListenHold map[string]Hold
	// Acks is how writes are confirmed.
	Acks Acks
	// SilentAfter is how long a server may owe a reply and stay silent before it gets no new requests. Zero: a quarter
	// of the topology's own down-after or node-timeout, between 100 ms and 1 s.
	SilentAfter time.Duration
	// BlockingLost decides about a blocking pop that was sent and whose connection is lost. Default BlockingAgain.
	BlockingLost BlockingLost
	// Confirm selects the vote that makes a new primary. Default ConfirmProvisional.
	Confirm Confirmation
	// FenceMinority stops writes while the gateway sees a minority of the Sentinels and the primary has no replica left.
	FenceMinority bool
	// OnGap decides about subscribers that may have missed messages. Default GapStay.
	OnGap GapPolicy
	// Allow are dangerous commands to permit; see routing.Allowed.
	Allow []string
	// AddressMap rewrites announced addresses before dialling: key "host:port" or "host" to "host:port" or "host".
	AddressMap map[string]string

	// Upstream is presented to the servers, Sentinel to the Sentinels.
	Upstream Credentials
	Sentinel Credentials
	// UpstreamAuth is as whom requests reach the servers. Default AuthService.
	UpstreamAuth UpstreamAuth
	// Password is required of the gateway's own clients (AUTH, HELLO AUTH). Zero: none is required.
	Password Secret
	// Access defines users with rights of their own instead.
	Access Access
	// UserSettings are what is set for single users, by name.
	UserSettings map[string]UserSettings
	// FacadePassword is required of clients of a listener with FacadeSentinel. Zero: none is required.
	FacadePassword Secret
	// NoAuth permits a listener beyond loopback without a password.
	NoAuth bool
}

// Limits bound the cost of one client or of all. Zero in a field is not "unlimited": DefaultLimits fills it.
type Limits struct {
	// BulkBytesMax is the longest argument accepted (Redis: proto-max-bulk-len). Default 512 MiB.
	BulkBytesMax int64
	// QueryBytesMax is the most unread input buffered for one client (Redis: client-query-buffer-limit). Default 1 GiB.
	QueryBytesMax int64
	// OutputBytesMax is the most reply bytes buffered for one client before it is closed. Default 256 MiB.
	OutputBytesMax int64
	// PushBytesMax is how much output may be pending for a subscriber when a message arrives for it; past that it is
	// closed (Redis: client-output-buffer-limit pubsub). Default 32 MiB.
	PushBytesMax int64
	// ClientsMax is the most clients at once over all services (Redis: maxclients). Default 10000.
	ClientsMax int
	// HoldSessionsMax is how many clients may wait for a primary at once, over all services. Default 10000.
	HoldSessionsMax int
	// HoldBytesMax is how many bytes of their requests may wait with them. Default 1 GiB.
	HoldBytesMax int64
	// PrivateMax is the most dedicated connections to one server, for WATCH and blocking commands; it is divided among
	// the workers. Default 8000.
	PrivateMax int
	// IdleMax closes a client after this long without a command (Redis: timeout). Zero: never.
	IdleMax time.Duration
	// AuthMax closes a client that has not authenticated in time, if a password is set. Default 60 s.
	AuthMax time.Duration
	// HandshakeMax closes a client that has not finished its TLS handshake in time. Default 10 s.
	HandshakeMax time.Duration
	SharedLimits
}

// Gateway has everything that a gateway is started with.
type Gateway struct {
	Services []Service
	// Workers is the number of event loops. Zero: one per core.
	Workers int
	// DrainTimeout is how long SIGTERM waits for requests in flight. Default 10 s.
	DrainTimeout time.Duration
	// DrainDelay is for how long the gateway serves as before after SIGTERM, and reports that it is not ready. Default 0.
	DrainDelay time.Duration
	// DialTimeout bounds resolving, connecting to and setting up one server. Default 2 s.
	DialTimeout time.Duration
	// RefreshInterval is how often the topology is polled while nothing changes. Default 3 s.
	RefreshInterval time.Duration
	Limits          Limits
	// AuditLog is the file of the audit log, or AuditStdout: a line of JSON for each denied and each dangerous command.
	// Empty: there is none.
	AuditLog string
	// HotKeys is On or Off: whether requests are sampled for the keys that many use, and for large values. Default On.
	HotKeys string
	// SlowLogSlowerThan is from how many microseconds on a request is kept for SLOWLOG: 0: each one, -1: none. SlowLogMax
	// is how many are kept of each service. Defaults 10,000 and 128, which a zero does not stand for.
	SlowLogSlowerThan int64
	SlowLogMax        int
	// Admin is the HTTP server for operators. Default: none.
	Admin Admin
	// Listed are the settings as Admin shows them; empty if whoever made the Gateway does not know their sources.
	Listed api.Config
	// LogLevel is trace, debug, info, warn or error; LogFormat is text or json. Defaults info, text.
	LogLevel  string
	LogFormat string
	// LogFile is the file of the log. Empty: standard error.
	LogFile string
}

// On and Off are the values of switches that are on by default.
const (
	On  = "on"
	Off = "off"
)

// List sets what Admin shows of the settings.
func (c *Gateway) List(listed api.Config) { c.Listed = listed }

// AuditStdout is the name of standard output in Gateway.AuditLog.
const AuditStdout = "stdout"

// Names are those of the services.
func (c *Gateway) Names() (names []string) {
	for i := range c.Services {
		names = append(names, c.Services[i].Name)
	}
	return names
}

// Read returns the current credentials.
func (c Credentials) Read() (user, password string, err error) {
	password, err = c.Password.Read()
	return c.User, password, err
}
