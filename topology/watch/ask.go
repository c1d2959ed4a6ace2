package watch

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// askIdle is how long an idle connection is kept.
const askIdle = time.Minute

// asked is a client for commands to one server, and how many are under way.
type asked struct {
	client *redis.Client
	busy   int
	usedAt time.Time
}

// errEnded is the error of Ask after the Watch has ended.
var errEnded = errors.New("the gateway is stopping")

// Ask sends a command to the server at addr, as the service's user and on connections of its own: for rare commands
// that concern single servers. It waits for the reply until ctx ends, and at most DialTimeout for each read and write.
// The reply is that of RESP2: string, int64, nil or []any. An error for which Replied is true is the server's reply.
func (w Watched) Ask(ctx context.Context, addr string, args ...string) (reply any, err error) {
	s := w.now.Load()
	client := s.asking(addr)
	if client == nil {
		return nil, errEnded
	}
	defer s.askedOnce(addr)
	words := make([]any, len(args))
	for i, a := range args {
		words[i] = a
	}
	reply, err = client.Do(ctx, words...).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return reply, err
}

// AskMany is Ask for many commands at once. It returns the integers among the replies by command, 0 for any other
// reply, and the first error.
func (w Watched) AskMany(ctx context.Context, addr string, commands [][]any) (replies []int64, err error) {
	s := w.now.Load()
	client := s.asking(addr)
	if client == nil {
		return nil, errEnded
	}
	defer s.askedOnce(addr)
	pipe := client.Pipeline()
	for _, words := range commands {
		pipe.Do(ctx, words...)
	}
	all, err := pipe.Exec(ctx)
	replies = make([]int64, len(commands))
	for i, one := range all {
		if n, isNumber := one.(*redis.Cmd).Val().(int64); isNumber {
			replies[i] = n
		}
	}
	return replies, err
}

// Replied reports whether an error of Ask is the server's reply, not a failure of the connection.
func Replied(err error) bool { return replied(err) }

// Closed reports whether an error of Ask means that the server closed an established connection; it may be alive.
func Closed(err error) bool { return cut(err) }

// Refused reports whether an error of Ask means that the server does not permit the command to the gateway's user.
func Refused(err error) bool { return refused(err) }

// Words returns a short text for an error of Ask.
func Words(err error) string { return words(err) }

// asking returns the client for a server, a new one if necessary, and closes idle ones; nil after the Watch has ended.
func (s *service) asking(addr string) *redis.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.askEnded {
		return nil
	}
	now := time.Now()
	for other, a := range s.asks {
		if a.busy == 0 && now.Sub(a.usedAt) > askIdle {
			_ = a.client.Close()
			delete(s.asks, other)
		}
	}
	a := s.asks[addr]
	if a == nil {
		o := options(addr, s.watch.dialTimeout(), s.toServers())
		o.PoolSize, o.ContextTimeoutEnabled = 4, true
		a = &asked{client: redis.NewClient(o)}
		s.asks[addr] = a
	}
	a.busy++
	return a.client
}

func (s *service) askedOnce(addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.asks[addr]; a != nil {
		a.busy--
		a.usedAt = time.Now()
	}
}

// endAsking closes the connections, which aborts the commands under way.
func (s *service) endAsking() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.askEnded = true
	for _, a := range s.asks {
		_ = a.client.Close()
	}
	clear(s.asks)
}
