package drill

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"evergate/testenv/drill/ledger"
	"evergate/testenv/servers"
)

// leave restores everything after a drill, however it ended: it heals broken servers and removes the keys. It returns a
// sentence for each server that stays broken. The context must outlive that of an interrupted drill.
func (r *run) leave(ctx context.Context) (left []string, err error) {
	s := r.site
	if _, marks, _ := r.line.seen(); s.target != nil && marks.Struck >= 0 {
		left = s.mend(ctx)
		err = s.awaitHealed(ctx)
	}
	back := r.readback()
	keys := r.keys(r.load.Book.Taken())
	keys[r.probeKey()] = true
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	removeErr := servers.WaitFor(ctx, "the keys to be removed", func() error { return back.Remove(keys) })
	if removeErr != nil {
		err = errors.Join(err, fmt.Errorf("keys that begin with %s may be left: %w", r.load.Names.Prefix, removeErr))
	}
	return left, err
}

// keys returns all keys that the load and the observers have written.
func (r *run) keys(entries []ledger.Entry) map[string]bool {
	keys := r.load.Keys(entries)
	keys[r.watchedKey()] = true
	if r.shared != nil {
		for _, key := range r.shared.Keys() {
			keys[key] = true
		}
	}
	return keys
}

// mend heals broken servers and returns a sentence for each that it cannot heal.
func (s *site) mend(ctx context.Context) (left []string) {
	for _, addr := range slices.Sorted(maps.Keys(s.hurt)) {
		how := s.hurt[addr]
		if s.target.Commands.Heal == "" {
			left = append(left, fmt.Sprintf("%s was %s and is not healed: no --heal-cmd is given", addr, how))
		} else if err := s.hands.heal(ctx, addr); err != nil {
			left = append(left, fmt.Sprintf("%s was %s and is not healed: %v", addr, how, err))
		}
	}
	return left
}

// awaitHealed waits until all agree on a primary, and all healed servers are in sync with it. Until then a former
// primary may hold keys that are removed elsewhere, and another drill would find no server to break.
func (s *site) awaitHealed(ctx context.Context) error {
	if err := s.awaitAgreed(ctx); err != nil {
		return err
	}
	replicas := -1
	for _, addr := range s.nodes {
		if s.hurt[addr] == "" {
			replicas++
		}
	}
	if err := s.awaitReplicas(ctx, replicas); err != nil {
		return err
	}
	answered, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	return servers.WaitFor(answered, "all Sentinels that are healed", func() error {
		for _, addr := range s.sentinels {
			if s.hurt[addr] != "" {
				continue
			}
			if _, err := s.ask(addr, "PING"); err != nil {
				return err
			}
		}
		return nil
	})
}

// helloTwice is how long a Sentinel may take to publish its view twice: a period is 2 s.
const helloTwice = 5 * time.Second

// awaitAgreed waits until all agree on a primary. If a Sentinel has come back, it waits until they still agree after
// that one has published: a Sentinel that crashed during a failover still believes in it, and the others follow.
func (s *site) awaitAgreed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	steady := time.Duration(0)
	if s.rejoined {
		steady = helloTwice
	}
	last, since := "", time.Now()
	return servers.WaitFor(ctx, "all to agree again", func() error {
		now, err := s.primary()
		if err != nil || now != last {
			last, since = now, time.Now()
		}
		if err == nil && time.Since(since) < steady {
			err = fmt.Errorf("%s has only just become primary", now)
		}
		return err
	})
}
