// Package throttle holds clients to the rates of their users and of their addresses: a request that exceeds one waits
// with its session, or is refused. It also bounds how many clients a user has.
//
//	t.Begin(c), t.Become(c, user), t.Left(c)   a client comes, becomes a user, has left
//	t.Admit(c, recovers)                       before a request: it may go on, its session waits, or it is refused
//	t.Spend(c, bytes)                          after it was answered or sent
//	t.Wrote(id, bytes)                         after a client was sent something
//	t.Next()                                   ends a round, until it returns false: wakes the session whose turn it is
//
// Begin with Throttle.Admit. The buckets are package ratelimit's knowledge.
//
// A request pays when it is answered or sent: one that is blocked for another reason meanwhile has taken nothing, and
// nothing is to be given back when its client leaves. Within one worker nothing comes between Admit and Spend.
//
// Sessions that wait stand in a queue of their user or address, first come, first served, request by request: the
// pipeline of one client does not hold up another one. The queues of several workers know nothing of each other; each
// takes a lease when there is one. A session that is woken runs before any other input: its token is still there.
//
// A session with two rates stands in each of the two queues once for a request: neither sends it back to the end of the
// other one. If its token of the first is gone when the second calls it, it goes on, and that one is a debt.
package throttle

import (
	"slices"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/exchange"
	"evergate/gateway/ratelimit"
	"evergate/gateway/sessions"
	"evergate/gateway/wait"
)

// pause is the least time after which a queue that found no token is looked at again. So a great rate does not cost a
// round for each request.
const pause = time.Millisecond

// Errors for what is refused.
var (
	ManyCommands = []byte("-ERR max number of commands per second reached, the command was not executed\r\n")
	ManyBytes    = []byte("-ERR max number of bytes per second reached, the command was not executed\r\n")
)

// TooMany is the error for a client of a user that has as many as it may have.
var TooMany = []byte("-ERR max number of clients reached\r\n")

// Config is what a Throttle needs. Exchange and Clock are required.
type Config struct {
	Exchange *exchange.Exchange
	Clock    *wait.Clock
	// OfUser and OfAddress return what a user, and an address, shares over all workers, and count one more session there;
	// nil: nothing bounds it. ok is false if the user has as many as it may have; never for a session that stays. Left
	// counts one less. All nil: there are no bounds.
	OfUser    func(service int, user string, stays bool) (a *ratelimit.Account, ok bool)
	OfAddress func(remote string) *ratelimit.Account
	Left      func(a *ratelimit.Account, now time.Duration)
	// Exceeded is for the log: so many commands of an account, a user's or an address's, were held up or refused since the
	// last call.
	Exceeded func(service int, a *ratelimit.Account, ofUser bool, count uint64)
}

// Throttle holds the sessions of one worker to their rates. New makes it.
type Throttle struct {
	x     *exchange.Exchange
	clock *wait.Clock
	conf  Config
	// of has the limited sessions by the ID of their client. It is empty without rates, which is all that these cost then.
	of       []*limited
	accounts map[*ratelimit.Account]*account
	queues   []*account    // where sessions wait
	nextAt   time.Duration // when one of them is looked at next
	counts   Counts
}

// Counts are counters since the start: requests that waited, and those that were refused.
type Counts struct{ Waited, Refused uint64 }

// limited is a session with a rate.
type limited struct {
	user, address *account // either may be nil
	waitsIn       *account // whose queue names it
	called        called   // the queues that have called it for the next request
	admitted      bool     // the request under way has passed, and will pay
}

// called says which queues of a session have called it.
type called struct{ user, address bool }

// New makes a Throttle.
func New(conf Config) *Throttle {
	return &Throttle{x: conf.Exchange, clock: conf.Clock, conf: conf, accounts: map[*ratelimit.Account]*account{},
		nextAt: wait.Never}
}

// Counts returns the counters.
func (t *Throttle) Counts() Counts { return t.counts }

// Limits reports whether the client with an ID has a rate.
func (t *Throttle) Limits(id uint32) bool { return int(id) < len(t.of) && t.of[id] != nil }

// Begin takes in a client that has connected, before it is any user.
func (t *Throttle) Begin(c *sessions.Session) {
	if t.conf.OfUser == nil {
		return
	}
	if a := t.enter(t.conf.OfAddress(c.Remote)); a != nil {
		t.own(c).address = a
	}
}

// Become holds a client to the rate of the user that it becomes; nil: none. It returns false, and changes nothing, if
// the user has as many clients as it may have. A client that waits is decided about anew.
func (t *Throttle) Become(c *sessions.Session, user *access.User) (ok bool) {
	if t.conf.OfUser == nil {
		return true
	}
	var next *account
	switch {
	case user == nil:
	case t.Limits(c.Ref.ID) && t.of[c.Ref.ID].user.isOf(user):
		return true
	default:
		shared, ok := t.conf.OfUser(c.Service.Of, user.Name(), false)
		if !ok {
			return false
		}
		next = t.enter(shared)
	}
	if next != nil || t.Limits(c.Ref.ID) {
		t.turn(c, next)
	}
	return true
}

// turn has a session leave the account of its user for another one, or for none.
func (t *Throttle) turn(c *sessions.Session, next *account) {
	s := t.own(c)
	if s.admitted { // the request that makes it another user counts for its address alone
		if s.admitted = false; s.address != nil {
			s.address.spend(t.clock.Now, 1, 0)
		}
	}
	t.leave(s.user)
	s.called.user = false
	if s.waitsIn != nil && s.waitsIn == s.user && next != s.user {
		s.waitsIn = nil
		t.x.Wake(c)
	}
	s.user = next
}

// Renew holds all sessions to the rates of now: OfUser and OfAddress return others. Those that wait are decided about
// anew.
func (t *Throttle) Renew() {
	if t.conf.OfUser == nil {
		return
	}
	for c := range t.x.All {
		address := t.enter(t.conf.OfAddress(c.Remote))
		var user *account
		if c.User != nil {
			shared, _ := t.conf.OfUser(c.Service.Of, c.User.Name(), true)
			user = t.enter(shared)
		}
		if user == nil && address == nil && !t.Limits(c.Ref.ID) {
			continue
		}
		s := t.own(c)
		s.admitted = false // it is asked for again when the session runs
		if s.waitsIn != nil && (s.waitsIn == s.address && address != s.address || s.waitsIn == s.user && user != s.user) {
			s.waitsIn = nil
			t.x.Wake(c)
		}
		t.leave(s.address)
		t.leave(s.user)
		s.address, s.user, s.called = address, user, called{}
		if user == nil && address == nil {
			t.of[c.Ref.ID] = nil
		}
	}
}

// own returns what is kept of a session, which it makes if needed.
func (t *Throttle) own(c *sessions.Session) *limited {
	if more := int(c.Ref.ID) + 1 - len(t.of); more > 0 {
		t.of = append(t.of, make([]*limited, more)...)
	}
	if t.of[c.Ref.ID] == nil {
		t.of[c.Ref.ID] = &limited{}
	}
	return t.of[c.Ref.ID]
}

// Left forgets a client that was closed.
func (t *Throttle) Left(c *sessions.Session) {
	if t.Limits(c.Ref.ID) {
		s := t.of[c.Ref.ID]
		t.of[c.Ref.ID] = nil
		t.leave(s.user)
		t.leave(s.address)
	}
}

// Verdict is what becomes of a request.
type Verdict uint8

const (
	// Passes: it goes on. Spend follows when it was answered or sent.
	Passes Verdict = iota
	// Waits: its session was blocked.
	Waits
	// Refused: it must be answered with the error.
	Refused
)

// Admit decides about the next request of a limited session; why is the error if it is refused. recovers: the request
// helps the client to go on or to end, and is not refused.
func (t *Throttle) Admit(c *sessions.Session, recovers bool) (verdict Verdict, why []byte) {
	s := t.of[c.Ref.ID]
	if s.user.quick() && s.address.quick() {
		s.waitsIn, s.called, s.admitted = nil, called{}, true
		return Passes, nil
	}
	return t.admit(c, s, recovers)
}

func (t *Throttle) admit(c *sessions.Session, s *limited, recovers bool) (verdict Verdict, why []byte) {
	if s.waitsIn != nil { // something else woke it
		t.x.Block(c, wait.RateLimited)
		return Waits, nil
	}
	s.admitted = true
	if c.InTunnel() { // an error would come in the middle of a stream
		return Passes, nil
	}
	for _, a := range [...]*account{s.address, s.user} {
		if a == nil || s.wasCalled(a) {
			continue
		}
		ready, _, error := a.ready(t.clock.Now)
		switch {
		case a.waits(), !ready && !a.Rate.Refuses:
			t.wait(c, s, a)
			return Waits, nil
		case ready:
		case recovers:
			s.admitted = false
		default:
			s.called, s.admitted = called{}, false
			t.counts.Refused++
			t.exceeded(c, a)
			return Refused, error
		}
	}
	s.called = called{}
	return Passes, nil
}

// wasCalled reports whether the queue of an account has called a session for its next request.
func (s *limited) wasCalled(a *account) bool {
	return a == s.user && s.called.user || a == s.address && s.called.address
}

// wait blocks a session at the end of a queue.
func (t *Throttle) wait(c *sessions.Session, s *limited, a *account) {
	s.waitsIn, s.admitted = a, false
	t.x.Block(c, wait.RateLimited)
	t.counts.Waited++
	t.exceeded(c, a)
	if !a.waits() {
		_, a.at, _ = a.ready(t.clock.Now)
		a.at = max(a.at, t.clock.Now+pause)
		t.lookAt(a.at)
	}
	if !a.listed {
		a.listed = true
		t.queues = append(t.queues, a)
	}
	a.queue = append(a.queue, c.Ref)
}

func (t *Throttle) exceeded(c *sessions.Session, a *account) {
	if count, due := a.Exceeded(t.clock.Now); due {
		t.conf.Exceeded(c.Service.Of, a.Account, a == t.of[c.Ref.ID].user, count)
	}
}

// Spend has the request that was admitted last pay. bytes are those of its frame.
func (t *Throttle) Spend(c *sessions.Session, bytes int) {
	s := t.of[c.Ref.ID]
	if !s.admitted {
		return
	}
	s.admitted = false
	s.spend(t.clock.Now, 1, int64(bytes))
}

// Wrote has a limited client pay for bytes that it was sent.
func (t *Throttle) Wrote(id uint32, bytes int) {
	t.of[id].spend(t.clock.Now, 0, int64(bytes))
}

func (s *limited) spend(now time.Duration, commands, bytes int64) {
	if s.user != nil {
		s.user.spend(now, commands, bytes)
	}
	if s.address != nil {
		s.address.spend(now, commands, bytes)
	}
}

// lookAt has the queues looked at no later than at.
func (t *Throttle) lookAt(at time.Duration) {
	t.nextAt = min(t.nextAt, at)
	t.clock.At(t.nextAt)
}

// Due asks for the round in which a queue is looked at next: it is called when the clock has forgotten that.
func (t *Throttle) Due() {
	if t.nextAt > t.clock.Now && t.nextAt != wait.Never {
		t.clock.At(t.nextAt)
	}
}

// Next wakes a session whose turn has come, and reports whether there was one.
func (t *Throttle) Next() bool {
	if t.clock.Now < t.nextAt {
		return false
	}
	t.nextAt = wait.Never
	for i := 0; i < len(t.queues); {
		a := t.queues[i]
		c := t.first(a)
		if c == nil {
			a.listed = false
			t.queues = slices.Delete(t.queues, i, i+1)
			continue
		}
		if a.at <= t.clock.Now {
			ready, at, _ := a.ready(t.clock.Now)
			if ready {
				s := t.of[c.Ref.ID]
				s.waitsIn = nil
				s.called.user, s.called.address = s.called.user || a == s.user, s.called.address || a == s.address
				a.pop()
				t.x.Wake(c)
				t.nextAt = t.clock.Now
				return true
			}
			a.at = max(at, t.clock.Now+pause)
		}
		t.lookAt(a.at)
		i++
	}
	return false
}

// first returns the session at the head of a queue, nil if it is empty.
func (t *Throttle) first(a *account) *sessions.Session {
	for a.waits() {
		if c := t.x.Session(a.front()); c != nil && t.of[c.Ref.ID].waitsIn == a {
			return c
		}
		a.pop()
	}
	return nil
}

// Deadlines calls due for when queues are looked at. Tests call it.
func (t *Throttle) Deadlines(due func(what string, at time.Duration)) {
	if len(t.queues) > 0 {
		due("a token", t.nextAt)
	}
}

// Waits reports whether a session stands in a queue that is looked at. Tests call it.
func (t *Throttle) Waits(c *sessions.Session) bool {
	return t.Limits(c.Ref.ID) && slices.ContainsFunc(t.queues, func(a *account) bool {
		return t.of[c.Ref.ID].waitsIn == a && slices.Contains(a.queue[a.head:], c.Ref)
	})
}
