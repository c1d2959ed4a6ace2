package sim

import (
	"strconv"
	"time"
)

// attempt is a failover as the Sentinel sees it that leads it, or wants to.
type attempt struct {
	epoch     uint64
	step      step
	since     time.Duration // of the step
	begunAt   time.Duration
	votes     map[int]bool
	forced    bool // by SENTINEL FAILOVER: no vote is asked for
	candidate *node
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
func (s *sentinel) begin(forced bool) {
	w := s.w
	for _, o := range w.sentinels { // no two use one epoch, though they may not hear of each other
		s.current = max(s.current, o.current)
	}
	s.current++
	s.attempt = &attempt{epoch: s.current, step: electing, since: w.now, begunAt: w.now, forced: forced,
		votes: map[int]bool{s.id: true}}
	s.attemptedAt = w.now
	s.publish("+new-epoch", s.epochWord())
	s.publish("+try-failover", s.about(s.primary))
	if !forced {
		s.vote(s.id, s.current)
		s.askOthers()
	}
}

// lead begins an attempt when the primary is down, and takes the next step of the one under way.
func (s *sentinel) lead() {
	w := s.w
	if s.attempt == nil {
		if s.odown && w.now-s.attemptedAt > 2*w.pace.failover {
			s.begin(false)
		}
		return
	}
	a := s.attempt
	if s.dies == a.step && s.dies != noStep {
		w.tracef("%s dies in step %d of its attempt", s.addr, a.step)
		s.die()
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
		a.to(waiting, w.now)
	case waiting:
		if s.servers[a.candidate.id].primary {
			s.epoch = a.epoch
			s.publish("+promoted-slave", s.about(a.candidate))
			s.publish("+failover-state-reconf-slaves", s.about(s.primary))
			a.to(reconfiguring, w.now)
			s.named[a.candidate] = w.now
			s.hello()
		} else if w.now-a.since > w.pace.failover {
			s.abort("-failover-abort-slave-timeout")
		}
	case reconfiguring:
		s.reconfigureAll(a)
	}
}

func (a *attempt) to(next step, now time.Duration) { a.step, a.since = next, now }

func (s *sentinel) elect(a *attempt) {
	w := s.w
	switch {
	case a.forced || len(a.votes) >= w.quorum():
		s.publish("+elected-leader", s.about(s.primary))
		s.publish("+failover-state-select-slave", s.about(s.primary))
		a.to(selecting, w.now)
	case w.now-a.since > w.pace.election:
		s.abort("-failover-abort-not-elected")
	}
}

// choose picks the replica with most data, of those that answer.
func (s *sentinel) choose(a *attempt) {
	w := s.w
	for _, v := range s.servers {
		if v.node == s.primary || v.sdown || w.now-v.heardAt > 5*w.pace.ping {
			continue
		}
		if a.candidate == nil || v.offset > s.servers[a.candidate.id].offset {
			a.candidate = v.node
		}
	}
	if a.candidate == nil {
		s.abort("-failover-abort-no-good-slave")
		return
	}
	s.publish("+selected-slave", s.about(a.candidate))
	a.to(promoting, w.now)
}

// reconfigureAll has the other replicas follow the new primary, and ends the attempt when they do.
func (s *sentinel) reconfigureAll(a *attempt) {
	w := s.w
	left := 0
	for _, v := range s.servers {
		if v.node == s.primary || v.node == a.candidate || v.sdown || v.following == a.candidate && v.linkUp {
			continue
		}
		left++
		if v.following != a.candidate && w.now-v.roleSince > w.pace.info {
			s.publish("+slave-reconf-sent", s.about(v.node))
			s.command(v.node, a.candidate)
		}
	}
	late := w.now-a.since > w.pace.failover
	if left > 0 && !late {
		return
	}
	if late {
		s.publish("+failover-end-for-timeout", s.about(s.primary))
	}
	s.publish("+failover-end", s.about(s.primary))
	s.adopt(a.candidate)
}

func (s *sentinel) abort(channel string) {
	s.publish(channel, s.about(s.primary))
	s.attempt = nil
}

// failover is SENTINEL FAILOVER.
func (s *sentinel) failover() {
	if s.up() && s.attempt == nil {
		s.w.tracef("SENTINEL FAILOVER at %s", s.addr)
		s.begin(true)
	}
}

// die ends the process. Whom it names is on its disk, the attempt is not.
func (s *sentinel) die() {
	s.primary = s.names()
	s.alive, s.attempt, s.dies = false, nil, noStep
	s.w.after(s.w.between(500*time.Millisecond, 6*time.Second), s.revive)
}

func (s *sentinel) revive() {
	if s.alive {
		return
	}
	s.w.tracef("%s is back", s.addr)
	s.alive = true
	for _, v := range s.servers {
		v.heardAt, v.sdown = s.w.now, false
	}
	s.sdown, s.odown = false, false
	clear(s.opinions)
}

func (s *sentinel) epochWord() string { return strconv.FormatUint(s.current, 10) }
