package load

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"evergate/testenv/drill/history"
	"evergate/testenv/servers"
)

const (
	// sharedKeys is how many keys the clients of a Shared have in common: so few that each is written often.
	sharedKeys = 16
	// sharedWrites is which share of the operations are writes: one of so many.
	sharedWrites = 4
)

// Shared are clients that read and write the same keys, and record what each saw: the history of a pool of connections.
// Unlike those of a Load, each waits for its reply before it goes on.
type Shared struct {
	Names Names
	// Dial makes a connection to the path under test.
	Dial func() (*servers.Conn, error)
	// Clients is how many there are, Every the time between two operations of one of them, unless an operation lasts
	// longer.
	Clients int
	Every   time.Duration
	// Start is the origin of all times.
	Start time.Time

	stop     context.Context
	end      context.CancelFunc
	running  sync.WaitGroup
	values   atomic.Int64 // the last one that was written
	sessions atomic.Int64
	done     atomic.Int64

	mu  sync.Mutex
	ops []history.Op // guarded by mu
}

// Key returns the name of a key. In a cluster half of them belong to the struck shard.
func (s *Shared) Key(i int) string {
	return s.Names.Prefix + s.Names.Part(i, i%2 == 0) + "shared:" + strconv.Itoa(i)
}

// Keys returns the names of all keys.
func (s *Shared) Keys() []string {
	keys := make([]string, sharedKeys)
	for i := range keys {
		keys[i] = s.Key(i)
	}
	return keys
}

// Begin starts the clients.
func (s *Shared) Begin() {
	s.stop, s.end = context.WithCancel(context.Background())
	for i := range s.Clients {
		s.running.Go(func() { s.run(i) })
	}
}

// Stop ends them, and waits for the replies that are pending: for the time of a Dial's connection at most.
func (s *Shared) Stop() {
	s.end()
	s.running.Wait()
}

// Count is how many operations have ended.
func (s *Shared) Count() int { return int(s.done.Load()) }

// Taken returns the history of the connections that have ended: all, after Stop; the caller owns it.
func (s *Shared) Taken() []history.Op {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]history.Op(nil), s.ops...)
}

// run is one client: one connection after the other.
func (s *Shared) run(client int) {
	ticker := time.NewTicker(s.Every)
	defer ticker.Stop()
	for s.stop.Err() == nil {
		conn, err := s.Dial()
		if err == nil {
			s.serve(conn, client, ticker.C)
			_ = conn.Close()
		}
		select {
		case <-ticker.C:
		case <-s.stop.Done():
		}
	}
}

// serve is one session: it returns when its connection or the history ends.
func (s *Shared) serve(conn *servers.Conn, client int, tick <-chan time.Time) {
	session := int(s.sessions.Add(1))
	var mine []history.Op
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ops = append(s.ops, mine...)
	}()
	for n := client; ; n++ {
		select {
		case <-tick:
		case <-s.stop.Done():
			return
		}
		op, err := s.do(conn, session, (n*7+client)%sharedKeys, n%sharedWrites == 0)
		mine = append(mine, op)
		s.done.Add(1)
		if err != nil {
			return
		}
	}
}

// do executes one operation. The error is that of the connection.
func (s *Shared) do(conn *servers.Conn, session, key int, write bool) (history.Op, error) {
	args, wrote := []string{"GET", s.Key(key)}, int64(history.Nothing)
	if write {
		wrote = s.values.Add(1)
		args = []string{"SET", s.Key(key), strconv.FormatInt(wrote, 10)}
	}
	sent := time.Since(s.Start)
	frame, err := conn.Do(args...)
	ended := time.Since(s.Start)
	how, read := history.Unknown, int64(history.Nothing)
	if err == nil {
		how, read, err = outcome(strings.TrimSuffix(string(frame), "\r\n"), write)
	}
	return history.Op{Session: session, Key: key, Write: write, Value: max(wrote, read), Sent: sent, Ended: ended,
		Outcome: how}, err
}

// outcome returns what a reply tells. The error is for a reply to another request.
func outcome(text string, write bool) (how history.Outcome, read int64, err error) {
	switch {
	case strings.HasPrefix(text, "-UNCERTAIN "):
		return history.Unknown, history.Nothing, nil
	case strings.HasPrefix(text, "-"):
		return history.Failed, history.Nothing, nil
	case write && text == "+OK", !write && (text == "$-1" || text == "_"):
		return history.Done, history.Nothing, nil
	}
	if read, err = value(text); err == nil && !write {
		return history.Done, read, nil
	}
	return history.Unknown, history.Nothing, fmt.Errorf("the reply is %.100q", text)
}

// value returns the number in a bulk string.
func value(text string) (int64, error) {
	_, digits, _ := strings.Cut(text, "\r\n")
	return strconv.ParseInt(digits, 10, 64)
}
