package upstream

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"evergate/gateway/wait"
)

// Check returns what is wrong with the pool, nil as a rule: connections have one ID each, what they hold is bounded,
// and a dedicated one is idle or serves one session. frameMax bounds the bytes of one request. Tests call it.
func (p *Pool) Check(frameMax int) error {
	free := slices.Concat(p.free, p.freed[0], p.freed[1])
	slices.Sort(free)
	if len(slices.Compact(slices.Clone(free))) != len(free) {
		return fmt.Errorf("a connection's number is free twice: %v", free)
	}
	for id, l := range p.conns {
		if l == nil {
			continue
		}
		if _, isFree := slices.BinarySearch(free, ConnID(id)); int(l.ID) != id || isFree {
			return fmt.Errorf("connection %d stands in the place of %d, free: %t", l.ID, id, isFree)
		}
		if err := errors.Join(l.check(frameMax), l.checkOwner(p), l.checkSettled(p)); err != nil {
			return err
		}
	}
	return nil
}

// check checks one connection by itself.
func (l *Conn) check(frameMax int) error {
	requests, held := l.Inflight.Len(), l.Queue.Held()
	if held > 0 != (requests > 0) && !l.Tunnel || requests > PendingMax+8 || held > HeldBytesMax+2*frameMax {
		return fmt.Errorf("connection %d holds %d bytes for %d requests", l.ID, held, requests)
	}
	for t := range l.Inflight.All {
		if t.Flags&(Watched|Blocking) != 0 && l.Key.Purpose != Dedicated {
			return fmt.Errorf("connection %d is shared, and holds what needs a dedicated one", l.ID)
		}
		if t.Flags&ToConfirm != 0 && l.Key.Purpose != Dedicated && l.Key.Purpose != Acked {
			return fmt.Errorf("connection %d has writes that replicas must confirm, beside others", l.ID)
		}
	}
	if asked := l.Acks.Asked(); l.State == Open && !l.Retiring && (l.Acks.Kept() > 0 || asked > 0) &&
		!l.confirms(asked) {
		return fmt.Errorf("connection %d keeps %d replies, and no WAIT confirms them", l.ID, l.Acks.Kept())
	}
	return nil
}

// confirms reports whether a WAIT is under way that ends at an offset, or will be sent when the round ends.
func (l *Conn) confirms(end uint64) bool {
	for t := range l.Inflight.All {
		if t.Flags&(Confirms|Counts) == Confirms && t.End == end {
			return true
		}
	}
	return l.Acks.Wanted()
}

// checkOwner checks that a connection is in the set of its key, and a dedicated one in one place.
func (l *Conn) checkOwner(p *Pool) error {
	set := p.sets[l.Key]
	if set == nil || !slices.Contains(set.conns, l) {
		return fmt.Errorf("connection %d is not among those like it", l.ID)
	}
	idle := slices.Contains(set.idle, l)
	switch {
	case l.Key.Purpose != Dedicated:
	case l.Owned && idle:
		return fmt.Errorf("connection %d is for the next session, and belongs to one", l.ID)
	case idle && (l.Inflight.Len() > 0 || l.State != Open):
		return fmt.Errorf("connection %d is for the next session, and is not clean", l.ID)
	case !l.Owned && !idle && !slices.Contains(p.parting, l):
		return fmt.Errorf("connection %d belongs to nobody, and is not for the next session either", l.ID)
	}
	return nil
}

// checkSettled checks that no connection to a demoted primary owes anything when it was reported that none does.
func (l *Conn) checkSettled(p *Pool) error {
	s := p.servers[l.Key.Service]
	if s.View != nil && s.left == s.View.Epoch && (l.Key.Purpose == Primary || l.Key.Purpose == Acked) && l.Owes() &&
		s.View.Demoted(l.Key.Node) != nil {
		return fmt.Errorf("view %d was left behind, and connection %d owes %d replies", s.left, l.ID, l.Inflight.Len())
	}
	return nil
}

// Deadlines calls due for all that the pool's connections wait for, with a name and the time. Tests call it.
func (p *Pool) Deadlines(due func(what string, at time.Duration)) {
	for l := range p.All {
		switch {
		case l.State == Waiting:
			due("a dial", l.RedialAt)
		case l.State != Open:
			continue
		}
		if l.State == Open && l.health.out() && p.sets[l.Key].conns[0] == l {
			due("a replica that is left out", l.health.until)
		}
		if l.RefusingUntil > 0 {
			due("the end of a rejection", l.RefusingUntil)
		}
		if l.Retiring {
			due("the end of a draining connection", l.RetireAt)
		}
		if p.looks.at != wait.Never {
			due("reads that may be late", p.looks.at)
		}
		if l.WriteAt > 0 && l.Acks.Asked() == 0 && !l.Dirty && !l.Retiring && !l.Slicing() && l.Queue.Pending() > 0 {
			due("a coalesced write", l.WriteAt)
		}
		if l.Awaits() && !l.Silent && !l.Paused && l.Inflight.Front().Flags&Blocking == 0 {
			due("the silence of a server", l.WaitsFrom+l.waiting()+p.servers[l.Key.Service].silent[l.Key.Purpose])
		}
	}
}
