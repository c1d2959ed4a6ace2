package worker

import (
	"evergate/gateway/access"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
)

// UserTerms are what is set for the clients of one user, in place of what is set for their listener.
type UserTerms struct {
	// Hold is nil where it is that of the listener.
	Hold *session.Hold
	// OnPrimary is nil where it is that of the service.
	OnPrimary *bool
	// Databases are those of session.Terms.
	Databases []int32
}

// terms are what is set for the clients of a worker: at each listener by its ID, and for a user there.
type terms struct {
	at     []*session.Terms
	ofUser map[termsKey]*session.Terms
}

type termsKey struct {
	listener int32
	user     string
}

func newTerms(conf *Config) terms {
	t := terms{ofUser: map[termsKey]*session.Terms{}}
	add := func(listener, service int, hold session.Hold) {
		onPrimary := conf.Services[service].OnPrimary
		t.at = append(t.at, &session.Terms{Hold: hold, OnPrimary: onPrimary})
		for name, u := range conf.Services[service].Users {
			own := &session.Terms{Hold: hold, OnPrimary: onPrimary, Databases: u.Databases}
			if u.Hold != nil {
				own.Hold = *u.Hold
			}
			if u.OnPrimary != nil {
				own.OnPrimary = *u.OnPrimary
			}
			t.ofUser[termsKey{int32(listener), name}] = own
		}
	}
	for i := range conf.Services {
		add(i, i, conf.Services[i].Hold)
	}
	for i := range conf.Listeners {
		add(len(conf.Services)+i, conf.Listeners[i].Service, conf.Listeners[i].Hold)
	}
	return t
}

// of returns what is set for the clients of a user at a listener; nil: of none.
func (t *terms) of(listener int32, user *access.User) *session.Terms {
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
	c.Set(w.terms.of(c.Listener, user))
	return true
}
