package maintenance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/wait"
)

// A notice goes to all clients that asked, of which there may be thousands: it is written to some of them at a time, so
// that no other client waits for all those writes, and their libraries do not all wake at once.
const (
	// notifiedAtOnce is how many clients are notified in a round, lookedAtAtOnce how many are looked at. The next ones
	// are after passPause: 10,000 clients of a worker take a third of a second.
	notifiedAtOnce = 32
	lookedAtAtOnce = 8192
	passPause      = time.Millisecond
)

// Config is what Notices need.
type Config struct {
	Sessions *sessions.Sessions
	Clock    *wait.Clock
	// Holds are those of the listeners and users of each service of the settings.
	Holds [][]session.Hold
	// Held records that this worker begins to hold requests of a service, or ends it. The notice comes through Take.
	Held func(service int, held bool)
}

// Notices are one worker's part of the notifications.
type Notices struct {
	conf     Config
	x        *sessions.Sessions
	clock    *wait.Clock
	services []service
	passes   []pass
	nextAt   time.Duration // when more clients are notified
	sent     uint64
}

// Passing reports whether a notice has not reached all clients.
func (n *Notices) Passing() bool { return len(n.passes) > 0 }

// pass is a notice on its way to the clients of a service.
type pass struct {
	service int
	notice  Notice
	next    int // ID of the client that is looked at next
}

// New makes Notices.
func New(conf Config) *Notices {
	n := &Notices{conf: conf, x: conf.Sessions, clock: conf.Clock, services: make([]service, len(conf.Holds))}
	n.SetHolds(conf.Holds)
	return n
}

// SetHolds replaces Config.Holds. There may be more services.
func (n *Notices) SetHolds(holds [][]session.Hold) {
	for len(n.services) < len(holds) {
		n.services = append(n.services, service{})
	}
	for i := range n.services {
		n.services[i].holds = holds[i]
	}
}

// Sent is how many notifications were sent.
func (n *Notices) Sent() uint64 { return n.sent }

// Forget forgets a service, which has no client any more.
func (n *Notices) Forget(of int) {
	if n.services[of].held {
		n.conf.Held(of, false)
	}
	n.services[of] = service{}
}

// Take begins to notify the clients of a service.
func (n *Notices) Take(service int, notice Notice) {
	of := &n.services[service]
	switch notice.Kind {
	case FailingOver:
		of.failing, of.failingAt = &notice, n.clock.Now
	case FailedOver:
		of.failing = nil
	case Moving:
		of.movingAt, of.draining = n.clock.Now, &notice
		if !notice.Early {
			of.moving = &notice
		}
	}
	n.passes = append(n.passes, pass{service: service, notice: notice})
	n.clock.At(n.clock.Now)
}

// Begin notifies a client that has just asked of what is under way.
func (n *Notices) Begin(c *sessions.Session) {
	of := &n.services[c.Service.Of]
	if of.failing != nil {
		n.notify(c, of.failing)
	}
	if of.moving != nil {
		n.notify(c, of.moving)
	}
}

// Due goes on with notices that have not reached all clients.
func (n *Notices) Due() {
	if n.clock.Now < n.nextAt {
		if n.Passing() {
			n.clock.At(n.nextAt)
		}
		return
	}
	notified, looked := 0, 0
	for len(n.passes) > 0 {
		w := &n.passes[0]
		for ; w.next < n.x.Places(); w.next++ {
			if notified >= notifiedAtOnce || looked >= lookedAtAtOnce {
				n.nextAt = n.clock.Now + passPause
				n.clock.At(n.nextAt)
				return
			}
			looked++
			if c := n.x.ByID(uint32(w.next)); c != nil && c.Service.Of == w.service && n.notify(c, &w.notice) {
				notified++
			}
		}
		n.passes = n.passes[1:]
	}
	n.passes = nil
}

// notify sends a notice to a client, if it asked and has not got it.
func (n *Notices) notify(c *sessions.Session, notice *Notice) bool {
	if !c.Notices.Has(session.NoticesAsked) || c.Ending || c.Closed() || c.InTunnel() {
		return false
	}
	of := &n.services[c.Service.Of]
	var frame []byte
	switch notice.Kind {
	case FailingOver:
		left := c.Window() - (n.clock.Now - of.failingAt)
		if c.Notices.Has(session.NoticesHold) || c.Window() == 0 {
			return false
		}
		c.Notified(session.NoticesHold, true)
		frame = failingOver(notice.Seq, left)
	case FailedOver:
		if !c.Notices.Has(session.NoticesHold) {
			return false
		}
		c.Notified(session.NoticesHold, false)
		frame = failedOver(notice.Seq)
	case Moving:
		endpoint, ok := endpointFor(c, notice)
		if !ok || c.Notices.Has(session.NoticesMoving) || notice.Early && endpoint == "" {
			return false
		}
		c.Notified(session.NoticesMoving, true)
		if slots := migrated(c, notice); slots != nil {
			n.send(c, slots)
		}
		frame = moving(notice.Seq, notice.In-(n.clock.Now-of.movingAt), endpoint)
	}
	n.send(c, frame)
	return true
}

func (n *Notices) send(c *sessions.Session, frame []byte) {
	n.sent++
	n.x.Notify(c, frame)
}

// unnamedLibraries take a MOVING without an address although they ask for one. Others must not get it: node-redis ends
// its process over that.
var unnamedLibraries = []string{"go-redis", "redis-py"}

// endpointFor returns the address in a client's MOVING, empty for none; ok is false where it must get no MOVING.
func endpointFor(c *sessions.Session, notice *Notice) (address string, ok bool) {
	if c.Notices.Has(session.NoticesUnnamed) {
		return "", true
	}
	if address = notice.address(c.Local); address != "" {
		return address, true
	}
	return "", slices.ContainsFunc(unnamedLibraries, func(name string) bool { return isOf(c, name) })
}

// isOf reports whether a client's library has told this name.
func isOf(c *sessions.Session, library string) bool {
	return c.Identity != nil && strings.HasPrefix(c.Identity.Library, library)
}

// Moves reports whether a client was asked to move to another gateway.
func Moves(c *sessions.Session) bool { return c.Notices.Has(session.NoticesMoving) }

// Check returns what is wrong with what clients were sent, nil as a rule. Tests call it.
func (n *Notices) Check() error {
	for c := range n.x.All {
		notices := c.Notices
		if notices != 0 && (!notices.Has(session.NoticesAsked) || c.Proto != 3) {
			return fmt.Errorf("client %d speaks RESP%d, and its notices are %b", c.Ref.ID, c.Proto, notices)
		}
		if notices.Has(session.NoticesHold) && !n.ends(c) {
			return fmt.Errorf("client %d was sent FAILING_OVER, and nothing will send it FAILED_OVER", c.Ref.ID)
		}
	}
	return nil
}

// ends reports whether the hold of which a client was notified is under way, or its end is on its way to it.
func (n *Notices) ends(c *sessions.Session) bool {
	if c.Ending || n.services[c.Service.Of].failing != nil {
		return true
	}
	for i := range n.passes {
		w := &n.passes[i]
		if w.notice.Kind == FailedOver && w.service == c.Service.Of && w.next <= int(c.Ref.ID) {
			return true
		}
	}
	return false
}

// Rest returns what is not at its end: a notice on its way, or a client that takes a hold to be under way. It is nil
// when all is well. Tests call it.
func (n *Notices) Rest() error {
	if len(n.passes) > 0 {
		return fmt.Errorf("%d notices are on their way", len(n.passes))
	}
	for c := range n.x.All {
		if c.Notices.Has(session.NoticesHold) {
			return fmt.Errorf("client %d was not sent FAILED_OVER", c.Ref.ID)
		}
	}
	return nil
}
