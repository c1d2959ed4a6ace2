package drill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"evergate/testenv/servers"
)

// someReplica returns the address of a replica that is in sync.
func (s *stage) someReplica() (string, error) {
	replicas := s.replicas()
	if len(replicas) == 0 {
		return "", errors.New("no replica is in sync")
	}
	return replicas[0], nil
}

func killReplica(ctx context.Context, s *stage) error {
	addr, err := s.someReplica()
	if err != nil {
		return err
	}
	s.strike("kill replica %s", addr)
	if err := errors.Join(s.hands.kill(ctx, addr), s.flow(ctx, 2*calm)); err != nil {
		return err
	}
	s.healed("%s returns", addr)
	return errors.Join(s.hands.heal(ctx, addr), s.awaitReplicas(ctx, len(s.nodes)-1), s.flow(ctx, calm))
}

func freezeReplica(ctx context.Context, s *stage) error {
	addr, err := s.someReplica()
	if err != nil {
		return err
	}
	s.strike("freeze replica %s", addr)
	if err := errors.Join(s.hands.freeze(ctx, addr), s.flow(ctx, 2*calm)); err != nil {
		return err
	}
	s.healed("thaw %s", addr)
	return errors.Join(s.hands.heal(ctx, addr), s.flow(ctx, calm))
}

// sentinelLies lets one Sentinel report a failover that never happened, with the highest epoch of all, and during a
// real one the former primary.
func sentinelLies(ctx context.Context, s *stage) error {
	old, err := s.primary()
	if err != nil {
		return err
	}
	untrue, err := s.someReplica()
	if err != nil {
		return err
	}
	s.note("a Sentinel reports a failover to %s, epoch 100", untrue)
	s.liar.publish(untrue, 100, old)
	if err := s.flow(ctx, calm); err != nil {
		return err
	}
	s.liar.publish(old, 0, "")
	s.strike("kill %s; the same Sentinel still reports it as primary", old)
	if err := errors.Join(s.hands.kill(ctx, old), s.awaitSwitch(ctx, old), s.flow(ctx, calm)); err != nil {
		return err
	}
	if s.proxy == nil && s.liar.asked.Load() == 0 { // another path may know no Sentinels
		return errors.New("no client has asked the Sentinel that lies")
	}
	return nil
}

func sentinelsGone(ctx context.Context, s *stage) error {
	s.strike("kill all Sentinels")
	for _, addr := range s.sentinels {
		if err := s.hands.kill(ctx, addr); err != nil {
			return err
		}
	}
	if err := s.flow(ctx, 2*calm); err != nil {
		return err
	}
	s.healed("all Sentinels return")
	for _, addr := range s.sentinels {
		if err := s.hands.heal(ctx, addr); err != nil {
			return err
		}
	}
	return s.flow(ctx, calm)
}

// partitionGateway cuts the gateway, and nothing else, from the primary.
func partitionGateway(ctx context.Context, s *stage) error {
	old, err := s.primary()
	if err != nil {
		return err
	}
	s.strike("gateway and %s are partitioned", old)
	s.relays[old].BlackHole(true)
	err = s.flow(ctx, 2*calm)
	s.healed("the partition is healed")
	s.relays[old].BlackHole(false)
	return errors.Join(err, s.awaitFlow(ctx), s.flow(ctx, calm))
}

// outsider is the user of the gateway and of observers in the drill split-brain. Servers and Sentinels use
// the default user: if a server disables it, that server is cut from them and not from the gateway. That is a partition
// without a network to cut.
const outsider = "outsider"

func withOutsiders(o *servers.Options) {
	o.ACL = []string{"user default on nopass ~* &* +@all", "user " + outsider + " on >" + outsider + " ~* &* +@all"}
}

// splitBrain leaves the old primary and the gateway on one side of a partition, and all others on the other.
func splitBrain(ctx context.Context, s *stage) error { return s.splitBrain(ctx, 0) }

// splitBrainFenced does so until the gateway must have noticed.
func splitBrainFenced(ctx context.Context, s *stage) error { return s.splitBrain(ctx, fencedAfter) }

// splitBrain heals the partition when the other side has a primary, and at least has passed.
func (s *stage) splitBrain(ctx context.Context, least time.Duration) error {
	old, err := s.primary()
	if err != nil {
		return err
	}
	s.strike("%s and the gateway are partitioned from all others", old)
	split := s.line.now()
	for addr, relay := range s.relays {
		if addr != old {
			relay.BlackHole(true)
		}
	}
	if _, err := s.ask(old, "ACL", "SETUSER", "default", "off"); err != nil {
		return err
	}
	for _, whom := range [][]string{{"USER", "default"}, {"TYPE", "replica"}} {
		if _, err := s.ask(old, append([]string{"CLIENT", "KILL"}, whom...)...); err != nil {
			return err
		}
	}
	if err := s.awaitAccepts(ctx, 1); err != nil {
		return err
	}
	if err := errors.Join(s.pass(ctx, split+least-s.line.now()), s.flow(ctx, calm)); err != nil {
		return err
	}
	s.healed("the partition is healed")
	_, err = s.ask(old, "ACL", "SETUSER", "default", "on")
	for _, relay := range s.relays {
		relay.BlackHole(false)
	}
	if err != nil {
		return err
	}
	_, err = s.awaitPrimary(ctx, old)
	return errors.Join(err, s.awaitFlow(ctx), s.flow(ctx, calm))
}

// reshard moves the slots of the load's own keys to another shard while it runs.
func reshard(ctx context.Context, s *stage) error {
	from := s.env.Groups[0].Primary()
	to := s.env.Groups[1].Primary()
	if from == nil || to == nil {
		return errors.New("a shard has no primary, or more than one")
	}
	slots, err := s.slotsOfLoad(from)
	if err != nil {
		return err
	}
	s.strike("slots move from %s to %s", from.Addr, to.Addr)
	for _, slot := range slots {
		if err := s.env.MigrateSlot(slot, from, to); err != nil {
			return err
		}
		// Some requests meet the slot half moved.
		if err := s.flow(ctx, 100*time.Millisecond); err != nil {
			return err
		}
		if err := errors.Join(s.env.MoveKeys(slot, from, to), s.env.FinishSlot(slot, from, to)); err != nil {
			return err
		}
	}
	s.note("%d slots have moved", len(slots))
	return s.flow(ctx, calm)
}

// slotsOfLoad returns the slots of the load's own keys.
func (s *stage) slotsOfLoad(asked *servers.Node) (slots []int, err error) {
	for _, tag := range s.tags {
		lines, err := s.ask(asked.Addr, "CLUSTER", "KEYSLOT", "{"+tag+"}")
		if err != nil {
			return nil, err
		}
		slot, err := strconv.Atoi(lines[0][1:])
		if err != nil {
			return nil, err
		}
		if !slices.Contains(slots, slot) {
			slots = append(slots, slot)
		}
	}
	return slots, nil
}

// reshardAtomic has the servers themselves move those slots, there and back.
func reshardAtomic(ctx context.Context, s *stage) error {
	from, to := s.env.Groups[0].Primary(), s.env.Groups[1].Primary()
	if from == nil || to == nil {
		return errors.New("a shard has no primary, or more than one")
	}
	slots, err := s.slotsOfLoad(from)
	if err != nil {
		return err
	}
	for i := range 2 {
		if i == 0 {
			s.strike("slots move from %s to %s", from.Addr, to.Addr)
		} else {
			s.note("and back")
		}
		for _, slot := range slots {
			if err := s.moveAtOnce(ctx, slot, from, to); err != nil {
				return err
			}
		}
		from, to = to, from
		s.note("%d slots have moved", len(slots))
	}
	return s.flow(ctx, calm)
}

// moveAtOnce has the servers move a slot, and waits until they have.
func (s *stage) moveAtOnce(ctx context.Context, slot int, from, to *servers.Node) error {
	if err := s.env.BeginMove(slot, slot, from, to); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	return servers.WaitFor(ctx, fmt.Sprintf("slot %d to move", slot), func() error {
		for _, n := range []*servers.Node{from, to} { // the new owner may begin only when the old one knows
			if owner := s.env.SlotOwnerAs(n, slot); owner != to {
				return fmt.Errorf("%s says %v", n.Addr, owner)
			}
		}
		return nil
	})
}

func rollingRestart(ctx context.Context, s *stage) error {
	replicas := s.replicas()
	if len(replicas) == 0 {
		return errors.New("no replica is in sync")
	}
	slices.Sort(replicas)
	for i, addr := range replicas {
		if i == 0 {
			s.strike("restart replica %s", addr)
		} else {
			s.note("restart replica %s", addr)
		}
		if err := errors.Join(s.hands.stop(ctx, addr), s.hands.heal(ctx, addr)); err != nil {
			return err
		}
		if err := errors.Join(s.awaitReplicas(ctx, len(replicas)), s.flow(ctx, calm)); err != nil {
			return err
		}
	}
	return nil
}

// slow is how long slow-command keeps the primary busy: below every limit of the servers.
const slow = 500 * time.Millisecond

func slowCommand(ctx context.Context, s *stage) error {
	addr, err := s.primary()
	if err != nil {
		return err
	}
	s.strike("DEBUG SLEEP %v on %s", slow, addr)
	if _, err := s.ask(addr, "DEBUG", "SLEEP", fmt.Sprint(slow.Seconds())); err != nil {
		return err
	}
	return s.flow(ctx, calm)
}
