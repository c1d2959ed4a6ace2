package drill

import (
	"context"
	"errors"
	"time"
)

// calm is how long the load runs on after the last step.
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
	// Requests in its socket run when it thaws. Clients must not see them: it is a demoted primary.
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
	// The former primary reports the role master until a Sentinel demotes it, 4 hello periods later. Writes that it
	// acknowledges until then are lost.
	return errors.Join(s.awaitReplicas(ctx, len(s.nodes)-1), s.flow(ctx, calm))
}

// commandSwitch asks the servers for a planned switch.
func (s *stage) commandSwitch() error {
	if s.mode == Cluster {
		replicas := s.replicas()
		if len(replicas) == 0 {
			return errors.New("no replica is in sync")
		}
		s.strike("CLUSTER FAILOVER on %s", replicas[0])
		_, err := s.ask(replicas[0], "CLUSTER", "FAILOVER")
		return err
	}
	s.strike("SENTINEL FAILOVER %s on %s", s.master, s.sentinels[0])
	_, err := s.ask(s.sentinels[0], "SENTINEL", "FAILOVER", s.master)
	return err
}

// lag is how long planned-lagging keeps the replicas busy.
const lag = "0.6"

func plannedLagging(ctx context.Context, s *stage) error {
	for _, addr := range s.replicas() {
		if _, err := s.ask(addr, "DEBUG", "SLEEP", "0"); err != nil { // a server may refuse it
			return err
		}
		conn, err := s.dialServer(addr)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		if err := conn.Send("DEBUG", "SLEEP", lag); err != nil {
			return err
		}
		s.note("%s is busy for %s s", addr, lag)
	}
	return planned(ctx, s)
}

func serverFailover(ctx context.Context, s *stage) error {
	old, err := s.primary()
	if err != nil {
		return err
	}
	s.strike("FAILOVER on %s", old)
	if _, err := s.ask(old, "FAILOVER"); err != nil {
		return err
	}
	return errors.Join(s.awaitAccepts(ctx, 1), s.flow(ctx, 2*calm))
}

// leaderDies lets the Sentinel that leads a failover crash after it has promoted a replica: the others do not learn of
// it, keep the former primary, and demote the promoted one again.
func leaderDies(ctx context.Context, s *stage) error {
	if _, err := s.ask(s.sentinels[0], "SENTINEL", "SIMULATE-FAILURE", "crash-after-promotion"); err != nil {
		return err
	}
	if err := s.commandSwitch(); err != nil {
		_, calmed := s.ask(s.sentinels[0], "SENTINEL", "SIMULATE-FAILURE")
		return errors.Join(err, calmed)
	}
	if s.target != nil { // it crashes by itself, so no hand has recorded it
		s.hurt[s.sentinels[0]] = "killed"
	}
	if err := s.awaitAccepts(ctx, 1); err != nil {
		return err
	}
	if err := s.awaitReplicas(ctx, len(s.nodes)-1); err != nil {
		return err
	}
	s.strikeBefore(500*time.Millisecond, "the promoted replica was demoted again")
	return errors.Join(s.awaitFlow(ctx), s.flow(ctx, calm))
}

func primaryReturns(ctx context.Context, s *stage) error {
	old, err := s.primary()
	if err != nil {
		return err
	}
	s.strike("kill %s", old)
	if err := errors.Join(s.hands.kill(ctx, old), s.awaitSwitch(ctx, old)); err != nil {
		return err
	}
	s.healed("%s returns with its old data", old)
	return errors.Join(s.hands.heal(ctx, old), s.awaitReplicas(ctx, len(s.nodes)-1), s.flow(ctx, calm))
}

func twoInARow(ctx context.Context, s *stage) error {
	first, err := s.primary()
	if err != nil {
		return err
	}
	s.strike("kill %s", first)
	if err := errors.Join(s.hands.kill(ctx, first), s.awaitSwitch(ctx, first)); err != nil {
		return err
	}
	if s.mode == Cluster { // its only replica
		s.note("%s returns", first)
		if err := errors.Join(s.hands.heal(ctx, first), s.awaitReplicas(ctx, 1)); err != nil {
			return err
		}
	}
	if err := s.awaitFlow(ctx); err != nil {
		return err
	}
	second, err := s.primary()
	if err != nil {
		return err
	}
	s.strike("kill %s", second)
	if err := errors.Join(s.hands.kill(ctx, second), s.awaitAccepts(ctx, 2)); err != nil {
		return err
	}
	_, err = s.awaitPrimary(ctx, second)
	return errors.Join(err, s.flow(ctx, calm))
}
