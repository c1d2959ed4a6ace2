package worker

import (
	"cmp"
	"slices"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/account"
	"evergate/gateway/acks"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
)

// UserTerms are what is set for the clients of one user, in place of what is set for their listener.
type UserTerms struct {
	// Hold is nil where it is that of the listener.
	Hold *session.Hold
	// Reads, Consistency and Lag are nil where they are those of the listener.
	Reads       *session.Reads
	Consistency *session.Consistency
	Lag         *session.Lag
	// Acks and AcksTimeout are nil where they are those of the listener.
	Acks        *acks.Level
	AcksTimeout *time.Duration
	// Databases are those of sessions.Terms.
	Databases []int32
	// Output and Push are nil where they are those of all clients.
	Output, Push *sessions.OutputLimit
	// Memory bounds what is kept for all clients of the user; nil: it has no bound of its own. Services whose clients
	// count together have the same one.
	Memory *account.Bound
}

// terms are what is set for the clients of a worker: at each listener by its ID, and for a user there.
type terms struct {
	at     []*sessions.Terms
	ofUser map[termsKey]*sessions.Terms
}

type termsKey struct {
	listener int32
	user     string
}

func newTerms(conf *Config, x *sessions.Sessions) terms {
	t := terms{ofUser: map[termsKey]*sessions.Terms{}}
	ofAll := sessions.Terms{
		Output: sessions.OutputLimit{Max: conf.OutputBytesMax, Soft: conf.OutputSoft},
		Push:   sessions.OutputLimit{Max: conf.PushBytesMax, Soft: conf.PushSoft},
	}
	memories := map[*account.Bound]*sessions.UserMemory{}
	t.at = make([]*sessions.Terms, conf.Places+len(conf.Listeners))
	add := func(listener, service int, hold session.Hold, reading session.Reading, acked acks.Terms) {
		at := ofAll
		at.Hold, at.Reading, at.Acks = hold, reading, acked
		at.Acks.Timeout = cmp.Or(at.Acks.Timeout, AcksTimeout)
		t.at[listener] = &at
		for name, u := range conf.Services[service].Users {
			if u.Memory != nil && memories[u.Memory] == nil {
				memories[u.Memory] = x.BoundUser(*u.Memory)
			}
			t.ofUser[termsKey{int32(listener), name}] = u.over(at, memories[u.Memory])
		}
	}
	for i := range conf.Services {
		add(i, i, conf.Services[i].Hold, conf.Services[i].Reading, conf.Services[i].Acks)
	}
	for i := range conf.Listeners {
		l := &conf.Listeners[i]
		add(conf.Places+i, l.Service, l.Hold, conf.readingAt(i), l.Acks)
	}
	return t
}

// over returns the terms of a user at a listener with these.
func (u *UserTerms) over(at sessions.Terms, memory *sessions.UserMemory) *sessions.Terms {
	at.Databases, at.Memory = u.Databases, memory
	set(&at.Hold, u.Hold)
	u.reads(&at.Reading)
	set(&at.Acks.Level, u.Acks)
	set(&at.Acks.Timeout, u.AcksTimeout)
	set(&at.Output, u.Output)
	set(&at.Push, u.Push)
	return &at
}

// reads sets where and how reads of a user are served, at a listener with this Reading.
func (u *UserTerms) reads(at *session.Reading) {
	set(&at.From, u.Reads)
	set(&at.Consistency, u.Consistency)
	set(&at.Lag, u.Lag)
}

// readingAt is where and how reads are served of the clients of a listener, by its index.
func (c *Config) readingAt(listener int) session.Reading {
	l := &c.Listeners[listener]
	reading := c.Services[l.Service].Reading
	set(&reading, l.Reading)
	return reading
}

// reads is from which servers of a service clients read: from replicas as well if any client does.
func (c *Config) reads(service int) session.Reads {
	s := &c.Services[service]
	all := []session.Reading{s.Reading}
	for i := range c.Listeners {
		if c.Listeners[i].Service == service {
			all = append(all, c.readingAt(i))
		}
	}
	for _, at := range all {
		for _, u := range s.Users {
			own := at
			u.reads(&own)
			all = append(all, own)
		}
	}
	onReplicas := func(r session.Reading) bool { return !r.OnPrimary() }
	switch {
	case s.Reading.From != session.FromPrimary && !s.Reading.OnPrimary():
		return s.Reading.From
	case slices.ContainsFunc(all, onReplicas):
		return session.PreferReplica
	}
	return session.FromPrimary
}

// set puts a value in place of another one, unless it is nil.
func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// of returns what is set for the clients of a user at a listener; nil: of none.
func (t *terms) of(listener int32, user *access.User) *sessions.Terms {
	if user != nil {
		if own := t.ofUser[termsKey{listener, user.Name()}]; own != nil {
			return own
		}
	}
	return t.at[listener]
}

// admits takes in a client for the user that it becomes; see policy.Config.Counts.
func (u *users) admits(c *sessions.Session, user *access.User) bool {
	w := (*Worker)(u)
	if !w.throttle.Become(c, user) {
		return false
	}
	w.x.SetTerms(c, w.terms.of(c.Listener, user))
	return true
}
