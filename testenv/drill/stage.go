package drill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evergate/testenv/drill/ledger"
	"evergate/testenv/drill/load"
	"evergate/testenv/servers"
)

// stage is all that an act uses: a site, a timeline and the ledger of the load.
type stage struct {
	*site
	line  *timeline
	book  *load.Book
	quick bool
}

// switchPatience is how long servers may take to agree on a new primary once they know that they need one.
const switchPatience = 40 * time.Second

// patience is how long servers may take to agree on a new primary.
func (s *site) patience() time.Duration { return switchPatience + 2*s.downAfter }

// strike records that the drill breaks or fails over a server now.
func (s *stage) strike(format string, args ...any) {
	s.line.record("drill", fmt.Sprintf(format, args...), func(m *ledger.Marks, now time.Duration) {
		if m.Struck < 0 {
			m.Struck = now
		}
		m.Strikes = append(m.Strikes, now)
	})
}

// strikeBefore is strike for an event that was observed later, at most so long ago.
func (s *stage) strikeBefore(ago time.Duration, text string) {
	s.line.record("drill", text, func(m *ledger.Marks, now time.Duration) { m.Strikes = append(m.Strikes, now-ago) })
}

// awaitFlow waits until a write of the struck shard that was sent from now on is acknowledged.
func (s *stage) awaitFlow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	from := s.line.now()
	_ = servers.WaitFor(ctx, "a write", func() error { // the verdict reports it if none comes
		if s.book.WroteSince(from) {
			return nil
		}
		return errors.New("none yet")
	})
	return nil
}

// note records a step that is not a strike.
func (s *stage) note(format string, args ...any) {
	s.line.record("drill", fmt.Sprintf(format, args...), nil)
}

// healed records that the failure ends now.
func (s *stage) healed(format string, args ...any) {
	s.line.record("drill", fmt.Sprintf(format, args...), func(m *ledger.Marks, now time.Duration) { m.Healed = now })
}

// awaitAccepts waits until the n-th new primary accepts a write.
func (s *stage) awaitAccepts(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	for {
		_, marks, news := s.line.seen()
		if len(marks.Accepts) >= n {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil // the verdict reports that there were too few
		}
	}
}

// awaitSwitch waits until a new primary accepts writes and all agree that it is one.
func (s *stage) awaitSwitch(ctx context.Context, before string) error {
	if err := s.awaitAccepts(ctx, 1); err != nil {
		return err
	}
	_, err := s.awaitPrimary(ctx, before)
	return err
}

// awaitPrimary waits until all agree on a primary that is not in before.
func (s *stage) awaitPrimary(ctx context.Context, before ...string) (now string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	err = servers.WaitFor(ctx, "a primary on which all agree", func() error {
		now, err = s.primary()
		for _, old := range before {
			if err == nil && now == old {
				return errors.New("it is still the former primary")
			}
		}
		return err
	})
	return now, err
}

// awaitReplicas waits until n replicas are linked.
func (s *site) awaitReplicas(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	return servers.WaitFor(ctx, "replicas", func() error {
		if got := len(s.replicas()); got < n {
			return fmt.Errorf("%d of %d are linked", got, n)
		}
		return nil
	})
}

// flow lets the load run for a while; half as long in a quick drill.
func (s *stage) flow(ctx context.Context, d time.Duration) error {
	if s.quick {
		d /= 2
	}
	return s.pass(ctx, d)
}

// pass waits for a while.
func (s *stage) pass(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
