package sentinel

import (
	"strconv"
	"time"

	"evergate/testenv/sim/redis"
)

// attempt is a failover as the Sentinel sees it that leads it, or wants to.
type attempt struct {
	epoch     uint64
	step      step
	since     time.Duration // of the step
	begunAt   time.Duration
	votes     map[int]bool
	forced    bool // by SENTINEL FAILOVER: no vote is asked for
	candidate *redis.Node
}

type step uint8

const (
	noStep step = iota
	electing
	selecting
	promoting
	waiting
	reconfiguring
)

// begin starts an attempt.
func (s *Sentinel) begin(forced bool) {
	w := s.w
	for _, o := range w.List { // no two use one epoch, though they may not hear of each other
		s.current = max(s.current, o.current)
	}
	s.current++
	s.Attempt = &attempt{epoch: s.current, step: electing, since: w.Now, begunAt: w.Now, forced: forced,
		votes: map[int]bool{s.id: true}}
	s.attemptedAt = w.Now
	s.publish("+new-epoch", s.epochWord())
	s.publish("+try-failover", s.about(s.Primary))
	if !forced {
		s.vote(s.id, s.current)
		s.askOthers()
	}
}

// lead begins an attempt when the primary is down, and takes the next step of the one under way.
func (s *Sentinel) lead() {
	w := s.w
	if s.Attempt == nil {
		if s.odown && w.Now-s.attemptedAt > 2*w.Pace.failover {
			s.begin(false)
		}
		return
	}
	a := s.Attempt
	if s.dies == a.step && s.dies != noStep {
		w.Tracef("%s dies in step %d of its attempt", s.Addr, a.step)
		s.Die()
		return
	}
	switch a.step {
	case electing:
		s.elect(a)
	case selecting:
		s.choose(a)
	case promoting:
		s.publish("+failover-state-send-slaveof-noone", s.about(a.candidate))
		s.command(a.candidate, nil)
		s.publish("+failover-state-wait-promotion", s.about(a.candidate))
		a.to(waiting, w.Now)
	case waiting:
		if s.servers[a.candidate.ID].primary {
			s.epoch = a.epoch
			s.publish("+promoted-slave", s.about(a.candidate))
			s.publish("+failover-state-reconf-slaves", s.about(s.Primary))
			a.to(reconfiguring, w.Now)
			s.named[a.candidate] = w.Now
			s.hello()
		} else if w.Now-a.since > w.Pace.failover {
			s.abort("-failover-abort-slave-timeout")
		}
	case reconfiguring:
		s.reconfigureAll(a)
	}
}

func (a *attempt) to(next step, now time.Duration) { a.step, a.since = next, now }

func (s *Sentinel) elect(a *attempt) {
	w := s.w
	switch {
	case a.forced || len(a.votes) >= w.quorum():
		s.publish("+elected-leader", s.about(s.Primary))
		s.publish("+failover-state-select-slave", s.about(s.Primary))
		a.to(selecting, w.Now)
	case w.Now-a.since > w.Pace.election:
		s.abort("-failover-abort-not-elected")
	}
}

// choose picks the replica with most data, of those that answer.
func (s *Sentinel) choose(a *attempt) {
	w := s.w
	for _, v := range s.servers {
		if v.node == s.Primary || v.sdown || w.Now-v.heardAt > 5*w.Pace.ping {
			continue
		}
		if a.candidate == nil || v.offset > s.servers[a.candidate.ID].offset {
			a.candidate = v.node
		}
	}
	if a.candidate == nil {
		s.abort("-failover-abort-no-good-slave")
		return
	}
	s.publish("+selected-slave", s.about(a.candidate))
	a.to(promoting, w.Now)
}

// reconfigureAll has the other replicas follow the new primary, and ends the attempt when they do.
func (s *Sentinel) reconfigureAll(a *attempt) {
	w := s.w
	left := 0
	for _, v := range s.servers {
		if v.node == s.Primary || v.node == a.candidate || v.sdown || v.following == a.candidate && v.linkUp {
			continue
		}
		left++
		if v.following != a.candidate && w.Now-v.roleSince > w.Pace.info {
			s.publish("+slave-reconf-sent", s.about(v.node))
			s.command(v.node, a.candidate)
		}
	}
	late := w.Now-a.since > w.Pace.failover
	if left > 0 && !late {
		return
	}
	if late {
		s.publish("+failover-end-for-timeout", s.about(s.Primary))
	}
	s.publish("+failover-end", s.about(s.Primary))
	s.adopt(a.candidate)
}

func (s *Sentinel) abort(channel string) {
	s.publish(channel, s.about(s.Primary))
	s.Attempt = nil
}

// Failover is SENTINEL FAILOVER.
func (s *Sentinel) Failover() {
	if s.Up() && s.Attempt == nil {
		s.w.Tracef("SENTINEL FAILOVER at %s", s.Addr)
		s.begin(true)
	}
}

// Die ends the process. Whom it names is on its disk, the attempt is not.
func (s *Sentinel) Die() {
	s.Primary = s.Names()
	s.Alive, s.Attempt, s.dies = false, nil, noStep
	s.w.After(s.w.Between(500*time.Millisecond, 6*time.Second), s.revive)
}

func (s *Sentinel) revive() {
	if s.Alive {
		return
	}
	s.w.Tracef("%s is back", s.Addr)
	s.Alive = true
	for _, v := range s.servers {
		v.heardAt, v.sdown = s.w.Now, false
	}
	s.sdown, s.odown = false, false
	clear(s.opinions)
}

func (s *Sentinel) epochWord() string { return strconv.FormatUint(s.current, 10) }
