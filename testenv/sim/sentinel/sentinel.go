// Package sentinel simulates Sentinels, which watch the servers of package redis, vote, and promote. It knows nothing
// of the gateway but that something listens to what they publish.
package sentinel

import (
	"fmt"
	"strings"
	"time"

	"evergate/testenv/sim/network"
	"evergate/testenv/sim/redis"
	"evergate/topology"
)

// Sentinel is one of the processes that watch the primary and make another one when it is gone. It does what
// sentinel.c does, at a faster pace: pings, INFO, opinions asked of the others, votes by epoch, hellos that spread the
// configuration with the highest epoch, and servers that are told to be what the configuration says.
type Sentinel struct {
	w           *Sentinels
	id          int
	Addr        string
	Alive       bool
	frozenUntil time.Duration
	// While lie is set it names that node as primary to the gateway, with an epoch that is lieEpoch higher than its own.
	lie      *redis.Node
	lieEpoch uint64
	// Primary is who it believes in, epoch the number of the failover that made it so. current is the highest epoch
	// heard of; voted is the last in which it gave its vote, to votedFor.
	Primary  *redis.Node
	epoch    uint64
	current  uint64
	voted    uint64
	votedFor int
	servers  []*watched // by node
	// sdown and odown are about the primary; opinions are when others last agreed that it is down.
	sdown, odown bool
	opinions     []time.Duration
	// Attempt is the failover that this Sentinel leads or wants to lead; attemptedAt is when anybody's last began.
	Attempt     *attempt
	attemptedAt time.Duration
	nextAt      time.Duration
	pingAt      time.Duration
	askAt       time.Duration
	helloAt     time.Duration
	// dies is the step of an attempt at which the process ends.
	dies step
	// named is when it last named each node as primary.
	named map[*redis.Node]time.Duration
}

// watched is what a Sentinel knows of a server.
type watched struct {
	node    *redis.Node
	heardAt time.Duration
	sdown   bool
	// role is what it said last, roleSince since when.
	primary   bool
	following *redis.Node
	roleSince time.Duration
	linkUp    bool
	offset    int64
	infoAt    time.Duration
}

const MasterName = "main"

func (s *Sentinel) Place() network.Place { return network.FirstSentinel + network.Place(s.id) }
func (s *Sentinel) Up() bool             { return s.Alive && s.w.Now >= s.frozenUntil }

// reaches says that it can talk to a server now.
func (s *Sentinel) reaches(n *redis.Node) bool { return n.Up() && !s.w.Cut(s.Place(), n.Place()) }

// Turn is what it does whenever it has a turn.
func (s *Sentinel) Turn() {
	w := s.w
	if !s.Up() || w.Now < s.nextAt {
		return
	}
	s.nextAt = w.Now + w.Between(10*time.Millisecond, 40*time.Millisecond)
	s.named[s.Names()] = w.Now
	s.ping()
	s.judge()
	s.lead()
	if w.Now >= s.helloAt {
		s.helloAt = w.Now + w.Pace.hello
		s.hello()
	}
	s.reconfigure()
}

// ping asks the servers for a sign of life, and for INFO.
func (s *Sentinel) ping() {
	w := s.w
	if w.Now < s.pingAt {
		return
	}
	s.pingAt = w.Now + w.Pace.ping
	for _, v := range s.servers {
		if !s.reaches(v.node) {
			continue
		}
		v.heardAt = w.Now
		if w.Now < v.infoAt {
			continue
		}
		v.infoAt = w.Now + w.Pace.info
		if v.primary != v.node.Primary {
			v.roleSince = w.Now
		}
		v.primary, v.following = v.node.Primary, v.node.Following
		v.linkUp, v.offset = v.node.Link == redis.LinkUp, v.node.Offset
	}
}

// judge decides who is down, by itself and with the others.
func (s *Sentinel) judge() {
	w := s.w
	for _, v := range s.servers {
		down := w.Now-v.heardAt > w.Pace.DownAfter
		if v.node == s.Primary && !v.primary && w.Now-v.roleSince > w.Pace.DownAfter+2*w.Pace.info {
			down = true // it says replica for long
		}
		if down != v.sdown {
			v.sdown = down
			s.publish(map[bool]string{true: "+sdown", false: "-sdown"}[down], s.about(v.node))
		}
	}
	s.sdown = s.servers[s.Primary.ID].sdown
	if s.sdown && w.Now >= s.askAt {
		s.askAt = w.Now + w.Pace.ask
		s.askOthers()
	}
	agree := 1
	for i, at := range s.opinions {
		if i != s.id && at > 0 && w.Now-at < 5*w.Pace.ask {
			agree++
		}
	}
	odown := s.sdown && agree >= w.quorum()
	if odown == s.odown {
		return
	}
	s.odown = odown
	if odown {
		s.publish("+odown", fmt.Sprintf("%s #quorum %d/%d", s.about(s.Primary), agree, w.quorum()))
	} else {
		s.publish("-odown", s.about(s.Primary))
	}
}

// call sends something to another Sentinel.
func (s *Sentinel) call(to *Sentinel, f func()) {
	s.w.Message(s.Place(), to.Place(), true, func() {
		if to.Up() {
			f()
		}
	})
}

// askOthers asks whether they think the primary is down too, and for their vote.
func (s *Sentinel) askOthers() {
	primary := s.Primary
	wants := uint64(0)
	if s.Attempt != nil {
		wants = s.Attempt.epoch
	}
	for _, o := range s.w.List {
		if o == s {
			continue
		}
		s.call(o, func() {
			down := o.Primary == primary && o.sdown
			votedFor, voted := o.vote(s.id, wants)
			o.call(s, func() {
				if down && s.Primary == primary {
					s.opinions[o.id] = s.w.Now
				}
				if a := s.Attempt; a != nil && votedFor == s.id && voted == a.epoch {
					a.votes[o.id] = true
				}
			})
		})
	}
}

// vote gives the vote of an epoch to who asks first; epoch 0 asks for none.
func (s *Sentinel) vote(asks int, epoch uint64) (votedFor int, voted uint64) {
	if epoch > s.current {
		s.current = epoch
		s.publish("+new-epoch", fmt.Sprint(epoch))
	}
	if epoch > s.voted && epoch == s.current {
		s.voted, s.votedFor = epoch, asks
		s.publish("+vote-for-leader", fmt.Sprintf("id%d %d", asks, epoch))
		if asks != s.id {
			s.attemptedAt = s.w.Now + s.w.Between(0, time.Second)
		}
	}
	return s.votedFor, s.voted
}

// hello tells the others the configuration. Who hears of a higher epoch follows it.
func (s *Sentinel) hello() {
	primary, epoch, current := s.Names(), s.epoch, s.current
	for _, o := range s.w.List {
		if o != s {
			s.call(o, func() { o.heard(primary, epoch, current) })
		}
	}
}

func (s *Sentinel) heard(primary *redis.Node, epoch, current uint64) {
	s.current = max(s.current, current)
	if epoch <= s.epoch {
		return
	}
	s.epoch, s.Attempt = epoch, nil
	if primary == s.Primary {
		return
	}
	s.publish("+config-update-from", s.about(s.Primary))
	s.adopt(primary)
}

// adopt makes another node the primary of its configuration.
func (s *Sentinel) adopt(primary *redis.Node) {
	s.publish("+switch-master", fmt.Sprintf("%s %s %s", MasterName, words(s.Primary.Addr), words(primary.Addr)))
	s.Primary, s.Attempt = primary, nil
	s.named[primary] = s.w.Now
	s.sdown, s.odown = false, false
	clear(s.opinions)
	for _, v := range s.servers {
		v.roleSince = s.w.Now
	}
}

// Names is who SENTINEL GET-MASTER-ADDR-BY-NAME names: of a leader the node that it has promoted.
func (s *Sentinel) Names() *redis.Node {
	if s.Attempt != nil && s.Attempt.step == reconfiguring {
		return s.Attempt.candidate
	}
	return s.Primary
}

// reconfigure tells servers to be what the configuration says, when they have been something else for long.
func (s *Sentinel) reconfigure() {
	w := s.w
	p := s.servers[s.Primary.ID]
	sane := p.primary && !p.sdown && w.Now-p.heardAt < 2*w.Pace.info
	if s.Attempt != nil || s.odown || !sane {
		return
	}
	for _, v := range s.servers {
		if v.node == s.Primary || v.sdown || w.Now-v.infoAt > w.Pace.info || w.Now-v.roleSince < 4*w.Pace.hello {
			continue
		}
		if v.primary {
			s.publish("+convert-to-slave", s.about(v.node))
			s.command(v.node, s.Primary)
		} else if v.following != s.Primary {
			s.publish("+fix-slave-config", s.about(v.node))
			s.command(v.node, s.Primary)
		}
	}
}

// command tells a server to follow another, or nobody. All connections of its clients end with it.
func (s *Sentinel) command(n, to *redis.Node) {
	s.servers[n.ID].roleSince = s.w.Now
	s.w.Message(s.Place(), n.Place(), false, func() {
		if !n.Up() {
			return
		}
		if to == nil {
			n.Promote()
		} else {
			n.Demote(to)
		}
		n.KillClients()
	})
}

// about is how messages name a server: "master main host port", "slave host:port host port @ main host port".
func (s *Sentinel) about(n *redis.Node) string {
	if n == s.Primary {
		return fmt.Sprintf("master %s %s", MasterName, words(n.Addr))
	}
	return fmt.Sprintf("slave %s %s @ %s %s", n.Addr, words(n.Addr), MasterName, words(s.Primary.Addr))
}

func words(addr string) string { return strings.Replace(addr, ":", " ", 1) }

// Says is its whole picture.
func (s *Sentinel) Says() topology.SentinelReport {
	primary := s.Names()
	says := topology.SentinelReport{Sentinel: s.Addr, Primary: primary.Addr, ConfigEpoch: s.epoch,
		Quorum: s.w.quorum(), Sentinels: len(s.w.List), DownAfter: s.w.Pace.DownAfter}
	if s.lie != nil {
		says.Primary, says.ConfigEpoch = s.lie.Addr, s.epoch+s.lieEpoch
	} else if primary == s.Primary { // of a leader that has promoted another the flags are the old primary's
		says.FailingOver = s.Attempt != nil
		if s.sdown {
			says.Down |= topology.SDown
		}
		if s.odown {
			says.Down |= topology.ODown
		}
	}
	for _, v := range s.servers {
		if v.node == s.Primary { // of a leader the promoted one is still in the list of replicas
			continue
		}
		r := topology.SentinelReplica{Addr: v.node.Addr, LinkUp: v.linkUp && !v.primary, Priority: 100}
		if v.sdown {
			r.Down |= topology.SDown
		}
		says.Replicas = append(says.Replicas, r)
	}
	return says
}

// publish has a Sentinel tell those who subscribed to it. A message may come late, twice, or never.
func (s *Sentinel) publish(channel, payload string) {
	w := s.w
	w.Tracef("%s: %s %s", s.Addr, channel, payload)
	copies := 1
	if !w.Calm && !w.Options.Planned && w.Rnd.IntN(20) == 0 {
		copies = 2 * w.Rnd.IntN(2)
	}
	for range copies {
		w.Message(s.Place(), network.Gateway, false, func() {
			w.Hears(topology.SentinelMessage{Sentinel: s.Addr, Channel: channel, Payload: payload})
		})
	}
}

// Freeze keeps the process from doing anything for d.
func (s *Sentinel) Freeze(d time.Duration) {
	s.frozenUntil = s.w.Now + d
	s.w.Tracef("%s freezes until %v", s.Addr, s.frozenUntil)
}

// Doom has the process end in some step of its next attempt.
func (s *Sentinel) Doom() { s.dies = step(1 + s.w.Rnd.IntN(int(reconfiguring))) }

// BeginToLie has it name another node as primary for a while, with an epoch that is so much higher.
func (s *Sentinel) BeginToLie(about *redis.Node, more uint64) {
	s.lie, s.lieEpoch = about, more
	s.w.Tracef("%s lies: %s, epoch %d more", s.Addr, about.Addr, s.lieEpoch)
	s.w.After(s.w.Between(0, 5*time.Second), func() { s.lie = nil })
}

// Mislead publishes what follows from the lie, in one of four ways or not at all.
func (s *Sentinel) Mislead(way int) {
	switch way {
	case 0:
		s.publish("+try-failover", s.about(s.Primary))
	case 1:
		s.publish("+odown", s.about(s.Primary)+" #quorum 2/2")
	case 2:
		s.publish("+try-failover", s.about(s.Primary))
		s.publish("+selected-slave", s.about(s.lie))
	case 3:
		s.publish("+switch-master", MasterName+" "+words(s.Primary.Addr)+" "+words(s.lie.Addr))
	}
}
