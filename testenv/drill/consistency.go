package drill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evergate/testenv/drill/history"
	"evergate/testenv/drill/ledger"
)

const (
	// poolClients is how many clients share keys where consistency is checked.
	poolClients = 12
	// poolEvery is the time between two operations of one of them; where the load is short, so is this load.
	poolEvery, poolEveryQuick = 2 * time.Millisecond, 6 * time.Millisecond
)

// anomalies are the words for what a history may have.
var anomalies = [history.Kinds]string{
	history.Stale:     "did not see a write that had been acknowledged",
	history.Backwards: "went back in time on their connection",
	history.Phantom:   "returned what was not written",
}

// judgeHistory checks the history of the clients with keys in common; nil if there are none.
func (r *run) judgeHistory(v *ledger.Verdict, a ledger.Account, g ledger.Gate, m ledger.Marks,
	bar ledger.Bar) *history.Findings {
	if r.shared == nil {
		return nil
	}
	// A gateway may also go back to a primary that has accepted writes all the time. Its receipts bound what is lost then.
	failovers := r.gate.switches()
	for i, at := range m.Accepts {
		failovers = append(failovers, history.Failover{From: m.Rejected[i], To: at})
	}
	found := history.Check(r.shared.Taken(), failovers)
	for kind, n := range found.Counts {
		if n > 0 {
			v.Break(ledger.Breach{Found: fmt.Sprintf("%d of %d reads %s", n, found.Reads, anomalies[kind])})
		}
	}
	receipt, known := g.Receipt()
	switch lost := a.Lost + found.Lost; {
	case found.Lost == 0:
	case bar.Lost == ledger.None:
		v.Break(ledger.Breach{Found: fmt.Sprintf("%d acknowledged writes were not there later", found.Lost)})
	case bar.Lost == ledger.Receipt && known && lost > receipt:
		v.Break(ledger.Breach{Found: fmt.Sprintf("%d acknowledged writes lost", lost),
			Promised: fmt.Sprintf("at most %d by the receipts", receipt)})
	}
	if found.Reads == 0 || found.Writes == 0 {
		v.ProvesNothing("no client read or wrote a key in common")
	}
	return found
}

// steady breaks nothing.
func steady(ctx context.Context, s *stage) error {
	s.strike("nothing is broken")
	return s.flow(ctx, 2*calm)
}

const (
	// stopped and going are how long a server that stutters is stopped, and runs, in turn.
	stopped = 40 * time.Millisecond
	going   = 20 * time.Millisecond
)

// stutterReplica has a replica lag and answer late, without ever being silent for long.
func stutterReplica(ctx context.Context, s *stage) error {
	addr, err := s.someReplica()
	if err != nil {
		return err
	}
	s.strike("replica %s stutters", addr)
	until := time.Now().Add(2 * calm)
	for time.Now().Before(until) && err == nil {
		err = errors.Join(s.hands.freeze(ctx, addr), s.pass(ctx, stopped), s.hands.heal(ctx, addr), s.pass(ctx, going))
	}
	s.healed("it runs on")
	return errors.Join(err, s.flow(ctx, calm))
}

// oldReplica kills a replica that has saved its data, and starts it again when much has been written since: until it is
// in sync again, it has old values.
func oldReplica(ctx context.Context, s *stage) error {
	addr, err := s.someReplica()
	if err != nil {
		return err
	}
	if _, err := s.ask(addr, "SAVE"); err != nil {
		return err
	}
	s.note("%s has saved its data", addr)
	if err := s.flow(ctx, calm); err != nil {
		return err
	}
	for range 3 {
		s.strike("kill replica %s", addr)
		if err := s.hands.kill(ctx, addr); err != nil {
			return err
		}
		s.healed("%s returns with old data", addr)
		err := errors.Join(s.hands.heal(ctx, addr), s.awaitReplicas(ctx, len(s.nodes)-1), s.flow(ctx, calm/2))
		if err != nil {
			return err
		}
	}
	return s.flow(ctx, calm)
}
