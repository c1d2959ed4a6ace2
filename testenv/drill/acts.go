package drill

import (
	"context"
	"errors"
	"time"
)

// calm is how long the load flows after the last thing has happened.
const calm = 2 * time.Second

func killPrimary(ctx context.Context, s *stage) error {
	old, err := s.primary()
	if err != nil {
		return err
	}
	s.strike("kill %s", old)
	return errors.Join(s.hands.kill(ctx, old), s.awaitSwitch(ctx, old), s.flow(ctx, calm))
}

func freezePrimary(ctx context.Context, s *stage) error {
	old, err := s.primary()
	if err != nil {
		return err
	}
	s.strike("freeze %s", old)
	if err := errors.Join(s.hands.freeze(ctx, old), s.awaitSwitch(ctx, old), s.flow(ctx, calm)); err != nil {
		return err
	}
	// What was sent to it runs when it thaws. It must not show: it is a former primary's.
	s.healed("thaw %s", old)
	return errors.Join(s.hands.heal(ctx, old), s.flow(ctx, calm))
}

func planned(ctx context.Context, s *stage) error {
	old, err := s.primary()
	if err != nil {
		return err
	}
	if err := s.commandSwitch(); err != nil {
		return err
	}
	if err := s.awaitSwitch(ctx, old); err != nil || s.quick || s.mode == Cluster {
		return errors.Join(err, s.flow(ctx, calm))
	}
	// The former primary says master until it is told otherwise, 4 hello periods later; what it acknowledges until
	// then is lost.
	return errors.Join(s.awaitReplicas(ctx, len(s.nodes)-1), s.flow(ctx, calm))
}

// commandSwitch asks the servers for a planned switch.
func (s *stage) commandSwitch() error {
	if s.mode == Cluster {
		replicas := s.replicas()
		if len(replicas) == 0 {
			return errors.New("no replica is in step")
		}
		s.strike("CLUSTER FAILOVER on %s", replicas[0])
		_, err := s.ask(replicas[0], "CLUSTER", "FAILOVER")
		return err
	}
	s.strike("SENTINEL FAILOVER %s on %s", s.master, s.sentinels[0])
	_, err := s.ask(s.sentinels[0], "SENTINEL", "FAILOVER", s.master)
	return err
}
