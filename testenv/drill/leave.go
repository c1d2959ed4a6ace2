package drill

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"evergate/testenv"
)

// leave puts everything back after a drill, however it ended: what is broken is healed, the keys are removed. It gives
// what had to stay broken, a sentence each. The context must outlive the one of a drill that was ended early.
func (r *run) leave(ctx context.Context) (left []string, err error) {
	s := r.site
	if _, marks, _ := r.line.seen(); s.target != nil && marks.Struck >= 0 {
		left = s.mend(ctx)
		err = s.awaitHealed(ctx)
	}
	back := r.readback()
	keys := r.load.keys(r.load.book.taken())
	keys[r.watchedKey()], keys[r.probeKey()] = true, true
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	removeErr := testenv.WaitFor(ctx, "the keys to be removed", func() error { return back.remove(keys) })
	if removeErr != nil {
		err = errors.Join(err, fmt.Errorf("keys that begin with %s may be left: %w", r.load.names.prefix, removeErr))
	}
	return left, err
}

// mend heals what is broken and says what stays so.
func (s *site) mend(ctx context.Context) (left []string) {
	for _, addr := range slices.Sorted(maps.Keys(s.hurt)) {
		how := s.hurt[addr]
		if s.target.Commands.Heal == "" {
			left = append(left, fmt.Sprintf("%s was %s and stays so: there is no --heal-cmd", addr, how))
		} else if err := s.hands.heal(ctx, addr); err != nil {
			left = append(left, fmt.Sprintf("%s was %s and stays so: %v", addr, how, err))
		}
	}
	return left
}

// awaitHealed waits until all that is not broken any more is in step again. Until then a former primary may hold keys
// that are removed elsewhere.
func (s *site) awaitHealed(ctx context.Context) error {
	replicas := -1
	for _, addr := range s.nodes {
		if s.hurt[addr] == "" {
			replicas++
		}
	}
	if err := s.awaitReplicas(ctx, replicas); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	return testenv.WaitFor(ctx, "all Sentinels that are healed", func() error {
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

// keys are all that the load has made or may have made: those that are read, and those of its requests so far.
func (l *load) keys(entries []Entry) map[string]bool {
	keys := map[string]bool{}
	for i := range l.conns {
		if r, struck := l.plan(i); r.kind == Get {
			for number := range readKeys {
				keys[l.names.key(&Entry{Conn: i, Number: number, Kind: Get, Struck: struck})] = true
			}
		}
	}
	for i := range entries {
		key := l.names.key(&entries[i])
		keys[key] = true
		if l.names.paired(&entries[i]) {
			keys[twin(key)] = true
		}
	}
	return keys
}
