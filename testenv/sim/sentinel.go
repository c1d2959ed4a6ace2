package sim

import (
	"fmt"
	"strings"
	"time"

	"evergate/topology"
)

// sentinel is one of the processes that watch the primary and make another one when it is gone. It does what
// sentinel.c does, at a faster pace: pings, INFO, opinions asked of the others, votes by epoch, hellos that spread the
// configuration with the highest epoch, and servers that are told to be what the configuration says.
type sentinel struct {
	w           *world
	id          int
	addr        string
	alive       bool
	frozenUntil time.Duration
	// While lie is set it names that node as primary to the gateway, with an epoch that is lieEpoch higher than its own.
	lie      *node
	lieEpoch uint64
	// primary is who it believes in, epoch the number of the failover that made it so. current is the highest epoch
	// heard of; voted is the last in which it gave its vote, to votedFor.
	primary  *node
	epoch    uint64
	current  uint64
	voted    uint64
	votedFor int
	servers  []*watched // by node
	// sdown and odown are about the primary; opinions are when others last agreed that it is down.
	sdown, odown bool
	opinions     []time.Duration
	// attempt is the failover that this Sentinel leads or wants to lead; attemptedAt is when anybody's last began.
	attempt     *attempt
	attemptedAt time.Duration
	nextAt      time.Duration
	pingAt      time.Duration
	askAt       time.Duration
	helloAt     time.Duration
	// dies is the step of an attempt at which the process ends.
	dies step
	// named is when it last named each node as primary.
	named map[*node]time.Duration
}

// watched is what a Sentinel knows of a server.
type watched struct {
	node    *node
	heardAt time.Duration
	sdown   bool
	// role is what it said last, roleSince since when.
	primary   bool
	following *node
	roleSince time.Duration
	linkUp    bool
	offset    int64
	infoAt    time.Duration
}

// pace are the inner clocks of the Sentinels of a world.
type pace struct {
	downAfter, ping, info, ask, hello, election, failover time.Duration
}

const masterName = "main"

func (w *world) makeSentinels(count int) {
	hello := w.between(100*time.Millisecond, 600*time.Millisecond)
	w.pace = pace{downAfter: w.between(200*time.Millisecond, 800*time.Millisecond), ping: 50 * time.Millisecond,
		info: 100 * time.Millisecond, ask: 50 * time.Millisecond, hello: hello, election: 500 * time.Millisecond,
		failover: w.between(time.Second, 3*time.Second)}
	for i := range count {
		s := &sentinel{w: w, id: i, addr: fmt.Sprintf("sentinel%d:26379", i), alive: true, primary: w.nodes[0],
			votedFor: -1, opinions: make([]time.Duration, count), named: map[*node]time.Duration{}}
		for _, n := range w.nodes {
			s.servers = append(s.servers, &watched{node: n, primary: n.primary, following: n.following, linkUp: true})
		}
		w.sentinels = append(w.sentinels, s)
	}
}

func (s *sentinel) place() place { return firstSentinel + place(s.id) }
func (s *sentinel) up() bool     { return s.alive && s.w.now >= s.frozenUntil }

// reaches says that it can talk to a server now.
func (s *sentinel) reaches(n *node) bool { return n.up() && !s.w.cut(s.place(), n.place()) }

// turn is what it does whenever it has a turn.
func (s *sentinel) turn() {
	w := s.w
	if !s.up() || w.now < s.nextAt {
		return
	}
	s.nextAt = w.now + w.between(10*time.Millisecond, 40*time.Millisecond)
	s.named[s.names()] = w.now
	s.ping()
	s.judge()
	s.lead()
	if w.now >= s.helloAt {
		s.helloAt = w.now + w.pace.hello
		s.hello()
	}
	s.reconfigure()
}

// ping asks the servers for a sign of life, and for INFO.
func (s *sentinel) ping() {
	w := s.w
	if w.now < s.pingAt {
		return
	}
	s.pingAt = w.now + w.pace.ping
	for _, v := range s.servers {
		if !s.reaches(v.node) {
			continue
		}
		v.heardAt = w.now
		if w.now < v.infoAt {
			continue
		}
		v.infoAt = w.now + w.pace.info
		if v.primary != v.node.primary {
			v.roleSince = w.now
		}
		v.primary, v.following = v.node.primary, v.node.following
		v.linkUp, v.offset = v.node.link == linkUp, v.node.offset
	}
}

// judge decides who is down, by itself and with the others.
func (s *sentinel) judge() {
	w := s.w
	for _, v := range s.servers {
		down := w.now-v.heardAt > w.pace.downAfter
		if v.node == s.primary && !v.primary && w.now-v.roleSince > w.pace.downAfter+2*w.pace.info {
			down = true // it says replica for long
		}
		if down != v.sdown {
			v.sdown = down
			s.publish(map[bool]string{true: "+sdown", false: "-sdown"}[down], s.about(v.node))
		}
	}
	s.sdown = s.servers[s.primary.id].sdown
	if s.sdown && w.now >= s.askAt {
		s.askAt = w.now + w.pace.ask
		s.askOthers()
	}
	agree := 1
	for i, at := range s.opinions {
		if i != s.id && at > 0 && w.now-at < 5*w.pace.ask {
			agree++
		}
	}
	odown := s.sdown && agree >= w.quorum()
	if odown == s.odown {
		return
	}
	s.odown = odown
	if odown {
		s.publish("+odown", fmt.Sprintf("%s #quorum %d/%d", s.about(s.primary), agree, w.quorum()))
	} else {
		s.publish("-odown", s.about(s.primary))
	}
}

// quorum is a majority of all Sentinels.
func (w *world) quorum() int { return len(w.sentinels)/2 + 1 }

// call sends something to another Sentinel.
func (s *sentinel) call(to *sentinel, f func()) {
	s.w.message(s.place(), to.place(), true, func() {
		if to.up() {
			f()
		}
	})
}

// askOthers asks whether they think the primary is down too, and for their vote.
func (s *sentinel) askOthers() {
	primary := s.primary
	wants := uint64(0)
	if s.attempt != nil {
		wants = s.attempt.epoch
	}
	for _, o := range s.w.sentinels {
		if o == s {
			continue
		}
		s.call(o, func() {
			down := o.primary == primary && o.sdown
			votedFor, voted := o.vote(s.id, wants)
			o.call(s, func() {
				if down && s.primary == primary {
					s.opinions[o.id] = s.w.now
				}
				if a := s.attempt; a != nil && votedFor == s.id && voted == a.epoch {
					a.votes[o.id] = true
				}
			})
		})
	}
}

// vote gives the vote of an epoch to who asks first; epoch 0 asks for none.
func (s *sentinel) vote(asks int, epoch uint64) (votedFor int, voted uint64) {
	if epoch > s.current {
		s.current = epoch
		s.publish("+new-epoch", fmt.Sprint(epoch))
	}
	if epoch > s.voted && epoch == s.current {
		s.voted, s.votedFor = epoch, asks
		s.publish("+vote-for-leader", fmt.Sprintf("id%d %d", asks, epoch))
		if asks != s.id {
			s.attemptedAt = s.w.now + s.w.between(0, time.Second)
		}
	}
	return s.votedFor, s.voted
}

// hello tells the others the configuration. Who hears of a higher epoch follows it.
func (s *sentinel) hello() {
	primary, epoch, current := s.names(), s.epoch, s.current
	for _, o := range s.w.sentinels {
		if o != s {
			s.call(o, func() { o.heard(primary, epoch, current) })
		}
	}
}

func (s *sentinel) heard(primary *node, epoch, current uint64) {
	s.current = max(s.current, current)
	if epoch <= s.epoch {
		return
	}
	s.epoch, s.attempt = epoch, nil
	if primary == s.primary {
		return
	}
	s.publish("+config-update-from", s.about(s.primary))
	s.adopt(primary)
}

// adopt makes another node the primary of its configuration.
func (s *sentinel) adopt(primary *node) {
	s.publish("+switch-master", fmt.Sprintf("%s %s %s", masterName, words(s.primary.addr), words(primary.addr)))
	s.primary, s.attempt = primary, nil
	s.named[primary] = s.w.now
	s.sdown, s.odown = false, false
	clear(s.opinions)
	for _, v := range s.servers {
		v.roleSince = s.w.now
	}
}

// names is who SENTINEL GET-MASTER-ADDR-BY-NAME names: of a leader the node that it has promoted.
func (s *sentinel) names() *node {
	if s.attempt != nil && s.attempt.step == reconfiguring {
		return s.attempt.candidate
	}
	return s.primary
}

// reconfigure tells servers to be what the configuration says, when they have been something else for long.
func (s *sentinel) reconfigure() {
	w := s.w
	p := s.servers[s.primary.id]
	sane := p.primary && !p.sdown && w.now-p.heardAt < 2*w.pace.info
	if s.attempt != nil || s.odown || !sane {
		return
	}
	for _, v := range s.servers {
		if v.node == s.primary || v.sdown || w.now-v.infoAt > w.pace.info || w.now-v.roleSince < 4*w.pace.hello {
			continue
		}
		if v.primary {
			s.publish("+convert-to-slave", s.about(v.node))
			s.command(v.node, s.primary)
		} else if v.following != s.primary {
			s.publish("+fix-slave-config", s.about(v.node))
			s.command(v.node, s.primary)
		}
	}
}

// command tells a server to follow another, or nobody. All connections of its clients end with it.
func (s *sentinel) command(n, to *node) {
	s.servers[n.id].roleSince = s.w.now
	s.w.message(s.place(), n.place(), false, func() {
		if !n.up() {
			return
		}
		if to == nil {
			n.promote()
		} else {
			n.demote(to)
		}
		n.killClients()
	})
}

// about is how messages name a server: "master main host port", "slave host:port host port @ main host port".
func (s *sentinel) about(n *node) string {
	if n == s.primary {
		return fmt.Sprintf("master %s %s", masterName, words(n.addr))
	}
	return fmt.Sprintf("slave %s %s @ %s %s", n.addr, words(n.addr), masterName, words(s.primary.addr))
}

func words(addr string) string { return strings.Replace(addr, ":", " ", 1) }

// says is its whole picture.
func (s *sentinel) says() topology.SentinelSays {
	primary := s.names()
	says := topology.SentinelSays{Sentinel: s.addr, Primary: primary.addr, ConfigEpoch: s.epoch,
		Quorum: s.w.quorum(), Sentinels: len(s.w.sentinels), DownAfter: s.w.pace.downAfter}
	if s.lie != nil {
		says.Primary, says.ConfigEpoch = s.lie.addr, s.epoch+s.lieEpoch
	} else if primary == s.primary { // of a leader that has promoted another the flags are the old primary's
		says.FailingOver = s.attempt != nil
		if s.sdown {
			says.Down |= topology.SDown
		}
		if s.odown {
			says.Down |= topology.ODown
		}
	}
	for _, v := range s.servers {
		if v.node == s.primary { // of a leader the promoted one is still in the list of replicas
			continue
		}
		r := topology.SentinelReplica{Addr: v.node.addr, LinkUp: v.linkUp && !v.primary, Priority: 100}
		if v.sdown {
			r.Down |= topology.SDown
		}
		says.Replicas = append(says.Replicas, r)
	}
	return says
}
