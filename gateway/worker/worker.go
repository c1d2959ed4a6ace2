// Package worker is one single-threaded share of the gateway, with its own sessions and its own connections. It takes
// bytes and returns bytes, and does no I/O: a loop calls the methods and does what Out says once a round.
//
//	w.Tick(now)                          starts a round: its time, new views, what is due
//	w.ClientOpened, ClientRead, ClientWrote, ClientEnded, ClientClosed
//	w.ConnOpened, ConnRead, ConnWrote, ConnClosed
//	w.Out()                              ends it: what to write, dial and close, and what not to read
//	w.RoundEnded(now)                    when that is done: how long the round took
//
// Nothing is written while requests are read: a round's requests for a server leave in one write, and so do a round's
// replies to a client. That is where the speed comes from. Rejected: a goroutine and a queue for each client. It costs
// three times the CPU, and the order among goroutines cannot be tested.
//
// The worker has the order of steps: for a request (request.go), a reply (reply.go), a rejection (rejected.go), a retry
// (resend.go), a new view (views.go) and a round (out.go). The steps themselves are in the rooms below: gateway/multi,
// transaction, dedicated, inquiry, clients and subscribe are commands, gateway/exchange carries their requests.
package worker

import (
	"math/rand/v2"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/account"
	"evergate/gateway/acks"
	"evergate/gateway/admin"
	"evergate/gateway/blocks"
	"evergate/gateway/clients"
	"evergate/gateway/dedicated"
	"evergate/gateway/exchange"
	"evergate/gateway/facade"
	"evergate/gateway/fanout"
	"evergate/gateway/freshness"
	"evergate/gateway/inquiry"
	"evergate/gateway/latency"
	"evergate/gateway/maintenance"
	"evergate/gateway/multi"
	"evergate/gateway/policy"
	"evergate/gateway/pubsub"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/slowlog"
	"evergate/gateway/subscribe"
	"evergate/gateway/throttle"
	"evergate/gateway/transaction"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
	"evergate/topology"
)

// Service is the configuration of one service.
type Service struct {
	Name string
	// Reading is where and how reads are served, except those of Listeners and Users for whom another one is set.
	Reading session.Reading
	// Acks is how writes are confirmed; without a Timeout that is AcksTimeout.
	Acks acks.Terms
	// Hold is how long requests wait for a server that can take them.
	Hold session.Hold
	// SilentAfter is how long a server may owe a reply and send nothing before it gets no new requests; 0: a quarter of
	// the time after which the servers themselves start a failover.
	SilentAfter time.Duration
	// Hedge is when a read that a replica owes is sent to another one as well.
	Hedge session.Hedge
	// Allowed are the harmful commands that are executed, by their names in the table of package routing.
	Allowed map[string]bool
	// BlockingLost is what becomes of a blocking pop whose connection is lost.
	BlockingLost sessions.BlockingLost
	// CloseOnGap closes the connections of subscribers that may have missed messages; otherwise they stay subscribed.
	CloseOnGap bool
	// Users are what is set for single users, by name.
	Users map[string]UserTerms
	// Fresh has the writes in flight of all workers, see package freshness. Nil: there is one worker.
	Fresh *freshness.Service
	// Kill has the stale connections of all workers. Nil: there is one worker.
	Kill *upstream.KillList
	// Pass: the servers know the users. Each has connections of its own, see users.go; Env.Verify is called.
	Pass bool
}

// AcksTimeout is for how long a server waits for replicas to confirm a write, unless it is set.
const AcksTimeout = time.Second

// Listener is a listener of a service.
type Listener struct {
	Service int
	Hold    session.Hold
	// Reading is nil where it is that of the service.
	Reading *session.Reading
	// Acks is as that of the service.
	Acks acks.Terms
	// Role is the role that the listener emulates; nil: none.
	Role *facade.Role
}

// As returns the listener with the role of another one, and with the service behind it.
func (l Listener) As(other Listener) Listener {
	l.Service, l.Role = other.Service, other.Role
	return l
}

// Emulating returns the listener with a role.
func (l Listener) Emulating(role *facade.Role) Listener {
	l.Role = role
	return l
}

// Config of a worker. QueryBytesMax and OutputBytesMax must be positive; of the other limits each says what zero means.
type Config struct {
	// Services may become more, up to Places: one stays where it is, even when it is removed. Places never changes; zero:
	// none is added.
	Services       []Service
	Places         int
	Limits         resp.Limits
	QueryBytesMax  int
	OutputBytesMax int
	// PushBytesMax is how many bytes may be unwritten after a message was added to a client's output; a subscriber that
	// exceeds it is closed. Zero: as OutputBytesMax.
	PushBytesMax int
	// OutputSoft and PushSoft are the soft limits beside OutputBytesMax and PushBytesMax.
	OutputSoft sessions.SoftLimit
	PushSoft   sessions.SoftLimit
	// GatherFrom is the number of subscribers from which a message waits for others, so that one write takes both. Zero:
	// the default.
	GatherFrom int
	// Listeners are those whose requests wait otherwise than Service.Hold says, or that emulate a role; see
	// ClientOpened.
	Listeners []Listener
	// HoldSessionsMax bounds how many sessions may wait for a server at once, HoldBytesMax their unread input in bytes.
	// Past either, further requests are rejected. Zero: no bound but that of all clients.
	HoldSessionsMax int
	HoldBytesMax    int
	// DedicatedMax bounds the dedicated connections to one server. Zero: no bound.
	DedicatedMax int
	// UsersMax bounds the users of all services that Pass, while they are connected. Zero: no bound.
	UsersMax int
	IdleMax  time.Duration
	AuthMax  time.Duration
	// Unaudited: Env.Audit is not called.
	Unaudited bool
	// ClientMemory bounds what is kept for all clients.
	ClientMemory account.Bound
	// HotKeys: requests are sampled for the keys that many use.
	HotKeys bool
	// SlowerThan is from which time on a request is slow. Negative: none is.
	SlowerThan time.Duration
	// Seed makes jitter and the order of replicas repeatable.
	Seed uint64
}

// Env is what a worker needs from outside. The functions are called on the worker's goroutine and must not block.
type Env struct {
	// View returns a service's newest view, nil while nothing is known.
	View func(service int) *topology.View
	// Config returns the newest configuration, which is never written to: the same value until it changes. It has the
	// services of the one before, in their order, and may have more. Nil: it never changes.
	Config func() *Config
	// Report passes on an observation to the control plane.
	Report func(service int, r topology.Report)
	// Settled is called once for each view of a service: when its demoted primaries owe no reply any more, at once if it
	// has none. It may be nil, as Acked may.
	Settled func(service int, epoch uint64)
	// Acked counts n writes that a node acknowledged, before their clients can see the replies.
	Acked func(service int, node topology.NodeID, n int)
	// Users returns the users of a service's clients: the same value until they change. Nil: there is no password.
	Users func(service int) *access.Users
	// Denied takes note of a request that a user's rights do not allow, or of a wrong password. Denials returns the
	// entries of a service, newest first, and ForgetDenials forgets them. All nil: nothing is noted.
	Denied        func(service int, e access.Entry)
	Denials       func(service int) []access.Entry
	ForgetDenials func(service int)
	// AuthDelay returns how long an attempt of an address to authenticate as a user must wait, AuthFailed counts one whose
	// password was wrong. user is empty where there is none of that name. Both nil: none waits.
	AuthDelay  func(service int, remote, user string) time.Duration
	AuthFailed func(service int, remote, user string)
	// Verify has a server asked about the credentials of a client. The answer comes through Verified, within
	// the Patience. It may be nil where no service is one that Pass.
	Verify func(v policy.Verification)
	// Audit notes an entry of the audit log. Nil: there is none.
	Audit func(e policy.Event)
	// Random fills its argument with random bytes that nobody can guess.
	Random func([]byte)
	// Admin sends a request to all workers, this one included: see Worker.Admin. The reply comes through
	// Worker.AdminReply.
	Admin func(r admin.Request)
	// Count returns how many clients of all workers listen to a topic, and how many of the workers' connections a server
	// counts for it. Counted is called when those of this worker come or go; see fanout.Hub. Both nil: there is one
	// worker.
	Count   func(service int, q fanout.Count) (listeners, conns int)
	Counted func(service int, k fanout.Kind, name string, node topology.NodeID, listeners, conns int)
	// Slow takes a request that took long. Nil: none is looked for.
	Slow func(service int, e slowlog.Entry)
	// Gap is called for each time in which subscribers may have missed messages, Cut for each client that was closed
	// because too much was kept for it. Either may be nil.
	Gap func(service int, g pubsub.Gap)
	Cut func(service int, c sessions.Cut)
	// Unblock has a server asked to end the blocking command of its client; see sessions.Config. It may be nil.
	Unblock func(service int, addr string, client int64)
	// Malformed is called for each client that is closed because its input is no request, with the error that it got.
	Malformed func(service int, remote, text string)
	// Left is called for each client that is gone, with its address. It may be nil.
	Left func(remote string)
	// Held records that this worker begins to hold the requests of a service, or ends it; see maintenance.Services. The
	// notice to clients that may come of it is passed to Worker.Notify of every worker. Nil: there is one worker.
	Held func(service int, held bool)
	// Unserved is called for each request that is answered LOADING. It may be nil.
	Unserved func(service int, why string)
	// Shown has the other workers Show a line to the clients that monitor these services. The bytes are neither kept nor
	// changed.
	Shown func(services []int, line []byte)
	// ScriptSeen remembers a script, Script returns the one whose SHA1 in lower case is name, nil when it is not
	// remembered, and ScriptsForgotten forgets a service's. The bytes are not kept, nor changed. LongScripts adds to the
	// number of workers that wait for a long script of a service, and returns it. All nil: this worker is alone, and none
	// are remembered.
	ScriptSeen       func(service int, body []byte)
	Script           func(service int, name []byte) []byte
	ScriptsForgotten func(service int)
	LongScripts      func(service, add int) int
	// Print returns a number of so many bits, never 0, by which a cursor identifies a server: the same each time for one
	// identity, and another for each identity. Nil: see multi.FirstPrint.
	Print func(identity uint64, bits int) uint32
	// ClientNumber returns a number for CLIENT ID that no other client of this process has.
	ClientNumber func() int64
	// WallClock returns the time for TIME.
	WallClock func() time.Time
	Rates
}

// Worker is one single-threaded share of the gateway. All methods must be called from one goroutine.
type Worker struct {
	x            *exchange.Exchange
	multi        *multi.Multi
	transactions *transaction.Transactions
	dedicated    *dedicated.Dedicated
	inquiries    *inquiry.Inquiries
	clients      *clients.Clients
	policy       *policy.Policy
	throttle     *throttle.Throttle
	notices      *maintenance.Notices
	terms        terms
	subscribers  *subscribe.Subscribers
	conf         Config
	configured   *Config // what Env.Config returned last
	env          Env
	clock        *wait.Clock
	pool         *upstream.Pool
	blocks       *blocks.Pool
	rnd          *rand.Rand
	counts       Counts
	sums         Stats // what Stats returned last
	pubsub       *pubsub.PubSub
	services     services
	served       int // services of the settings, removed ones among them
	users        map[userKey]*service
	hot          sampling
	slow         slowness
	latency      latency.Recorder
	rounds       latency.Histogram
	args         [][]byte // scratch of run
	decision     routing.Decision
	trimAt       time.Duration // when blocks are trimmed next; never while there are none
	shown        Out           // in the hands of the loop
	// unchecked: a request came past the check of rights, and was rejected.
	unchecked bool
}

// New makes a worker.
func New(conf Config, env Env) *Worker {
	clock, spare := wait.NewClock(), &blocks.Pool{}
	w := &Worker{
		conf: conf, env: env, rnd: rand.New(rand.NewPCG(conf.Seed, 0x65766572)), trimAt: wait.Never,
		args: make([][]byte, 0, 64), users: map[userKey]*service{},
		hot: newSampling(&conf), slow: newSlowness(&conf, &env),
		latency: latency.NewRecorder(len(conf.Services), len(routing.Rows())),
	}
	w.fill()
	w.configured = w.env.Config()
	pool := upstream.New(upstream.Config{
		Clock: &clock, Rand: w.rnd, Blocks: spare, Users: (*carried)(w), DedicatedMax: conf.DedicatedMax,
		Places: w.conf.Places, Reported: env.Report, Settled: w.env.Settled, WallClock: env.WallClock,
	})
	w.clock, w.pool, w.blocks = &clock, pool, spare
	w.x = exchange.New(exchange.Config{
		Sessions: sessions.Config{
			Clock: &clock, Pool: pool, Blocks: spare, Limits: w.conf.ofSessions(),
			Unserved: w.env.Unserved, Cut: w.env.Cut, ClientNumber: env.ClientNumber, Memory: conf.ClientMemory,
			Unblock: env.Unblock,
		},
		Verbs: (*verbs)(w), Report: env.Report, Acked: w.env.Acked, LongScripts: w.env.LongScripts,
	})
	w.terms = newTerms(&w.conf, w.x.Sessions)
	w.multi = multi.New(multi.Config{
		Exchange: w.x, Clock: &clock, Pool: pool, Rand: w.rnd, Report: env.Report, Print: w.env.Print,
	})
	w.transactions = transaction.New(transaction.Config{
		Exchange: w.x, Clock: &clock, Pool: pool, Commands: (*verbs)(w), Limits: &w.conf.Limits,
	})
	w.dedicated = dedicated.New(dedicated.Config{
		Exchange: w.x, Clock: &clock, Pool: pool, Others: (*verbs)(w), Limits: &w.conf.Limits,
	})
	w.inquiries = inquiry.New(inquiry.Config{Exchange: w.x, Clock: &clock, Pool: pool, Limits: &w.conf.Limits})
	w.clients = clients.New(clients.Config{
		Exchange: w.x, Clock: &clock, Services: len(conf.Services), Limits: &w.conf.Limits, Admin: env.Admin,
		WallClock: env.WallClock, Shown: w.env.Shown, MayWrite: w.inquiries.MayWrite,
	})
	w.subscribers = subscribe.New(subscribe.Config{Exchange: w.x, Limits: &w.conf.Limits, Count: w.env.Count})
	w.policy = policy.New(policy.Config{
		Exchange: w.x, Clock: &clock, Limits: &w.conf.Limits, Delay: w.env.AuthDelay, Failed: w.env.AuthFailed,
		WallClock: env.WallClock, Random: env.Random, Audit: env.Audit,
		Comes: env.UserComes, Counts: (*users)(w).admits,
		Line:      func(c *sessions.Session) []byte { return w.clients.Line(nil, c, 0) },
		MayListen: w.subscribers.MayListen, Verify: env.Verify, Seen: (*users)(w).seen,
		Denied: w.env.Denied, Denials: w.env.Denials, Forget: w.env.ForgetDenials,
	})
	w.policy.SetAudits(!conf.Unaudited)
	w.throttle, w.notices = newThrottle(w), newNotices(w)
	w.pubsub = pubsub.New(pubsub.Config{
		Clock: &clock, Rand: w.rnd, Blocks: spare, Pool: pool, Listeners: (*subscribed)(w), GapEnded: w.env.Gap,
		Counted: w.env.Counted,
	})
	w.serveAll()
	return w
}

// RoundEnded counts how long a round took, after all that Out named was done.
func (w *Worker) RoundEnded(now time.Duration) {
	w.rounds.Add(uint32((now - w.clock.Now) / time.Microsecond))
}

// Tick begins a round. now is the time since any fixed moment and never goes back.
func (w *Worker) Tick(now time.Duration) {
	w.clock.Tick(now)
	if c := w.env.Config(); c != w.configured {
		w.configure(c)
	}
	for s := range w.services.All {
		v, users := w.services[s.Of].View, w.services[s.Of].Users // a user has those of the service
		if s.As == nil {
			v, users = w.env.View(s.Index), w.env.Users(s.Index)
		}
		if v != s.View {
			w.viewChanged(s, v)
		}
		if users != s.Users {
			w.policy.SetUsers(s.Service, users)
		}
	}
	if w.clock.Due() {
		w.timers()
	}
	if now >= w.trimAt {
		w.trimAt = wait.Never
		w.blocks.Trim()
	}
}
