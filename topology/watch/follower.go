package watch

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"evergate/topology"
)

const (
	// heartbeatEvery is how long a subscription may be quiet before a PING is sent, and how long the reply may take: a
	// Sentinel that died silently is noticed within twice this time.
	heartbeatEvery = time.Second
	// followBackoff is the longest wait between two tries to reach a Sentinel.
	followBackoff = time.Second
	// learntKeptFor is how long a discovered Sentinel may be unreachable before it is forgotten. Sentinels list dead ones
	// for ever.
	learntKeptFor = time.Minute
)

// follower is the one subscription and the one poll of a Sentinel, for all services that know it.
type follower struct {
	watch *Watch
	key   followerKey
	// addr is its dial address, and its name in observations.
	addr string
	// wake requests a poll at once.
	wake chan struct{}
	end  context.CancelFunc
	// silent: the subscription has missed a heartbeat, so the next poll has heartbeatEvery for its answer.
	silent atomic.Bool

	// watch.mu guards the rest. access is that of one of the listeners.
	access access
	// listeners are the services, in the order in which they came.
	listeners []*service
	// named: a service's settings name it, so it is never forgotten.
	named bool
	// id is its SENTINEL MYID; empty if unknown.
	id string
}

// run subscribes and polls until ctx ends.
func (f *follower) run(ctx context.Context) {
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		f.listen(ctx)
	}()
	f.poll(ctx)
	<-listening
}

// client returns a plain client, which can pipeline; go-redis's SentinelClient cannot.
func (f *follower) client() *redis.Client {
	f.watch.mu.Lock()
	o := options(f.addr, f.watch.dialTimeout(), f.access)
	f.watch.mu.Unlock()
	o.ReadTimeout = min(o.ReadTimeout, 2*heartbeatEvery)
	o.ContextTimeoutEnabled = true
	return redis.NewClient(o)
}

// listen keeps a subscription alive. A poll follows each time without one: messages may have been missed. So does one
// when a subscription ends, since the Sentinel may be gone.
func (f *follower) listen(ctx context.Context) {
	failures := 0
	for pause(ctx, backoff(failures, followBackoff)) {
		if f.subscription(ctx) {
			failures = 0
			nudge(f.wake)
		}
		failures++
	}
}

// subscription passes on messages until the connection fails. It reports whether the subscription succeeded.
func (f *follower) subscription(ctx context.Context) bool {
	client := f.client()
	defer client.Close()
	sub := client.PSubscribe(ctx, "*")
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	defer sub.Close()
	if _, err := sub.ReceiveTimeout(ctx, f.watch.dialTimeout()); err != nil {
		return false
	}
	nudge(f.wake)
	for pinged := false; ; {
		message, err := sub.ReceiveTimeout(ctx, heartbeatEvery)
		var network net.Error
		switch {
		case err == nil:
			pinged = false
			if m, ok := message.(*redis.Message); ok {
				f.published(m)
			}
		case ctx.Err() != nil, !errors.As(err, &network), !network.Timeout():
			return true
		case pinged:
			f.silent.Store(true)
			return true
		case sub.Ping(ctx) != nil:
			return true
		default:
			pinged = true
		}
	}
}

// published passes a message to the services it is about.
func (f *follower) published(m *redis.Message) {
	master := messageMaster(m.Channel, m.Payload)
	if master == "" {
		return
	}
	for _, s := range f.watch.listenersOf(f) {
		if s.MasterName == master {
			s.observe(topology.SentinelMessage{Sentinel: f.addr, Channel: m.Channel, Payload: m.Payload})
		}
	}
}

// poll queries the Sentinel every RefreshInterval, and whenever it is woken.
func (f *follower) poll(ctx context.Context) {
	var client *redis.Client
	failures, lostAt := 0, time.Time{}
	for {
		if client == nil {
			client = f.client()
		}
		stop := context.AfterFunc(ctx, func() { _ = client.Close() })
		err := f.askInTime(ctx, client)
		stop()
		if ctx.Err() != nil {
			_ = client.Close()
			return
		}
		wait := f.watch.refreshInterval()
		wait -= rand.N(wait/10 + 1)
		if err != nil {
			_ = client.Close()
			client = nil
			failures++
			wait = backoff(failures, followBackoff)
			if lostAt.IsZero() {
				lostAt = time.Now()
			}
			f.reportLost(err)
			if f.watch.forget(f, lostAt) {
				return
			}
		} else {
			failures, lostAt = 0, time.Time{}
		}
		if !f.rest(ctx, wait, failures > 0) {
			if client != nil {
				_ = client.Close()
			}
			return
		}
	}
}

// rest waits for the next poll. Requests for one do not shorten the backoff of an unreachable Sentinel.
func (f *follower) rest(ctx context.Context, d time.Duration, lost bool) bool {
	if lost {
		return pause(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-f.wake:
		return true
	case <-ctx.Done():
		return false
	}
}

func (f *follower) reportLost(err error) {
	for _, s := range f.watch.listenersOf(f) {
		s.observe(topology.SentinelLost{Sentinel: f.addr, Why: words(err)})
	}
}

// askInTime queries the state of every service once, within heartbeatEvery if the Sentinel has been silent: half of the
// time in which writes are to stop, with Service.FenceMinority, has passed by then.
func (f *follower) askInTime(ctx context.Context, client *redis.Client) error {
	if !f.silent.Swap(false) {
		return f.askAll(ctx, client)
	}
	short, cancel := context.WithTimeout(ctx, heartbeatEvery)
	defer cancel()
	return f.askAll(short, client)
}

// askAll queries the state of every service once. An error means that the connection cannot be used any more.
func (f *follower) askAll(ctx context.Context, client *redis.Client) error {
	if err := f.identify(ctx, client); err != nil {
		return err
	}
	for _, s := range f.watch.listenersOf(f) {
		report, others, err := askSentinel(ctx, client, f.addr, s.MasterName)
		switch {
		case err == nil:
			s.observe(report)
			f.learn(s, others)
		case replied(err), errors.Is(err, errNoAddress):
			s.observe(topology.SentinelLost{Sentinel: f.addr, Why: words(err)})
		default:
			return err
		}
	}
	return nil
}

// identify finds out which Sentinel answers at this address: after a reconnect a name may lead to another one.
func (f *follower) identify(ctx context.Context, client *redis.Client) error {
	id := redis.NewStringCmd(ctx, "sentinel", "myid")
	if err := client.Process(ctx, id); err != nil && !replied(err) {
		return err
	}
	f.watch.identified(f, id.Val())
	return nil
}

// askSentinel queries one Sentinel about one master: its state, and the other Sentinels that it knows.
func askSentinel(ctx context.Context, client *redis.Client, sentinel, master string) (topology.SentinelReport,
	[]map[string]string, error) {
	// The epoch is queried before the address: if a switch comes in between, an old epoch with a new address moves
	// nothing, while a new epoch with an old address would be believed.
	asked := time.Now()
	picture := redis.NewMapStringStringCmd(ctx, "sentinel", "master", master)
	addr := redis.NewStringSliceCmd(ctx, "sentinel", "get-master-addr-by-name", master)
	replicas := redis.NewMapStringStringSliceCmd(ctx, "sentinel", "replicas", master)
	others := redis.NewMapStringStringSliceCmd(ctx, "sentinel", "sentinels", master)
	all := []redis.Cmder{picture, addr, replicas, others}
	if err := together(ctx, client, all...); err != nil {
		return topology.SentinelReport{}, nil, err
	}
	for _, cmd := range all {
		if err := cmd.Err(); err != nil {
			return topology.SentinelReport{}, nil, err
		}
	}
	report, err := parseSentinel(sentinel, addr.Val(), picture.Val(), replicas.Val())
	report.Asked = asked
	return report, others.Val(), err
}

// learn follows the Sentinels that this one knows, except those that it reports as down. One that is merely
// disconnected may be new, or on the other side of a partition.
func (f *follower) learn(s *service, others []map[string]string) {
	for _, other := range others {
		if other["ip"] == "" || parseFlags(other["flags"])&topology.SDown != 0 || f.watch.known(s, other["runid"]) {
			continue
		}
		announced := topology.JoinAddr(other["ip"], other["port"])
		f.watch.follow(s, topology.MapAddr(s.AddressMap, announced), false)
	}
}

// alike reports whether two followers with the same Sentinel may be merged: only if their credentials and their TLS
// are the same.
func (f *follower) alike(g *follower) bool {
	return f != g && f.id != "" && f.id == g.id && f.key.user == g.key.user && f.key.password == g.key.password &&
		f.key.tls == g.key.tls
}

// hasListener reports whether the service is among the listeners.
func (f *follower) hasListener(s *service) bool { return slices.Contains(f.listeners, s) }
