package direct

import (
	"context"
	"sync"
	"time"

	"evergate/topology/watch"
)

// A client in a blocking command is not closed before its server has ended the command; see sessions.EndBlocked. Here
// the servers are asked for that: what comes together goes to each in one batch.

// unblockRetries is after which times a server is asked again that had nothing to unblock: CLIENT UNBLOCK may have
// overtaken the blocking command, which was sent on another connection.
var unblockRetries = []time.Duration{2 * time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond}

// unblockMost bounds the clients of a batch.
const unblockMost = 1000

// unblocks has the clients that servers are to unblock. The zero value has none.
type unblocks struct {
	mu sync.Mutex
	at map[string][]int64 // CLIENT IDs by server; an address is there while a goroutine works on it
}

// Unblock has the server at addr end the blocking command of its client with an error. It does not wait for that.
func (s *Service) Unblock(addr string, client int64) {
	u := &s.unblocks
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.at == nil {
		u.at = map[string][]int64{}
	}
	all, works := u.at[addr]
	u.at[addr] = append(all, client)
	if !works {
		s.Aside(func(ctx context.Context) {
			for batch := u.next(addr); batch != nil; batch = u.next(addr) {
				s.unblock(ctx, addr, batch)
			}
		})
	}
}

// next returns clients of a server, nil when there are none any more.
func (u *unblocks) next(addr string) (batch []int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := u.at[addr]
	if len(all) == 0 {
		delete(u.at, addr)
		return nil
	}
	n := min(len(all), unblockMost)
	u.at[addr] = all[n:]
	return all[:n]
}

// unblock asks a server to unblock clients, and those again that it did not, on a goroutine of its own.
func (s *Service) unblock(ctx context.Context, addr string, clients []int64) {
	left := s.tryUnblock(ctx, addr, clients)
	if len(left) == 0 {
		return
	}
	s.Aside(func(ctx context.Context) {
		for _, wait := range unblockRetries {
			if !pause(ctx, wait) {
				return
			}
			if left = s.tryUnblock(ctx, addr, left); len(left) == 0 {
				return
			}
		}
	})
}

// tryUnblock asks a server once, and returns the clients that were not blocked.
func (s *Service) tryUnblock(ctx context.Context, addr string, clients []int64) (left []int64) {
	commands := make([][]any, len(clients))
	for i, id := range clients {
		commands[i] = []any{"CLIENT", "UNBLOCK", id, "ERROR"}
	}
	counts, err := s.AskMany(ctx, addr, commands)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		s.Logger.Warn("client unblock failed, server connection closed", "server", addr, "error", watch.Words(err))
		return nil
	}
	for i, id := range clients {
		if counts[i] == 0 {
			left = append(left, id)
		}
	}
	return left
}
