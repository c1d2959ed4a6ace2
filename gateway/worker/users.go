package worker

import (
	"strconv"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/catalog"
	"evergate/gateway/local"
	"evergate/gateway/policy"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/throttle"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Where the servers decide what a user may do (Service.Pass), the clients with the same credentials are those of a
// sub-service, with connections, subscriptions and a catalog of its own. It is made when the first of them has
// authenticated, and dropped a while after the last one has left. A client without credentials is a user, too.

// services are those of the settings, and behind them the sub-services of users; nil where one was dropped.
type services []*service

// All yields those that there are.
func (all services) All(yield func(*service) bool) {
	for _, s := range all {
		if s != nil && !yield(s) {
			return
		}
	}
}

// users is what a worker does for the users whose rights the servers know.
type users Worker

// userKey identifies a sub-service of a user.
type userKey struct {
	of int
	as session.Credentials
}

// become makes a client the user that it has authenticated as. It returns false if that one has as many clients as it
// may have.
func (u *users) become(c *sessions.Session, do *local.Effect) bool {
	if !(*Worker)(u).policy.Become(c, do.User) {
		return false
	}
	if c.Service.Lazy {
		if u.enter(c, do.As); !do.Has(local.SetProto) {
			c.Service.DialAhead(c.Setup())
		}
	}
	return true
}

// enter has a client served on the connections of the user whose credentials a server has accepted.
func (u *users) enter(c *sessions.Session, as session.Credentials) {
	s := u.users[userKey{c.Service.Of, as}]
	if s == nil {
		s = u.add(u.services[c.Service.Of], as)
	}
	u.x.Move(c, s.Service)
}

// letIn makes a client without credentials the default user, if the servers let it in. It returns an error if they do
// not, or blocks the session until they have said.
func (u *users) letIn(c *sessions.Session) (wrong []byte, blocked bool) {
	w := (*Worker)(u)
	if wrong, blocked = w.policy.Stranger(c); wrong != nil || blocked {
		return wrong, blocked
	}
	user := c.Service.UsersAt(c.Listener).As(session.DefaultUser)
	switch wrong = u.full(c.Service.Of, session.Credentials{}); {
	case wrong != nil:
	case !w.policy.Comes(c, user):
		wrong = local.NoAuth
	case !w.policy.Become(c, user):
		wrong = throttle.TooMany
	default:
		u.enter(c, session.Credentials{})
	}
	return wrong, false
}

// add adds the sub-service of a user.
func (u *users) add(of *service, as session.Credentials) *service {
	s := u.serve(of.AddUser(as), of.Users)
	u.users[userKey{of.Index, as}] = s
	s.Follow()
	return s
}

// serve begins to serve from servers, for these users: those of a service of the settings, or of a user of one.
func (u *users) serve(up *upstream.Servers, of *access.Users) *service {
	w := (*Worker)(u)
	conf := &w.conf.Services[up.Of]
	subscriptions := w.pubsub.Add(up, conf.CloseOnGap)
	w.subscribers.Serve(subscriptions)
	learnt := catalog.New(memory(&w.env, up.Of))
	s := &service{Servers: up, Subscriptions: subscriptions,
		Service: w.x.Serve(up, learnt, conf.BlockingLost, conf.Allowed, of)}
	for up.Index >= len(w.services) {
		w.services = append(w.services, nil)
	}
	w.services[up.Index] = s
	return s
}

// memory is where the scripts of a service are remembered.
func memory(env *Env, service int) catalog.Memory {
	return catalog.Memory{
		Seen:      func(body []byte) { env.ScriptSeen(service, body) },
		Script:    func(name []byte) []byte { return env.Script(service, name) },
		Forgotten: func() { env.ScriptsForgotten(service) },
	}
}

// drop forgets the users that have had no client for a while, and no connection any more.
func (u *users) drop() {
	w := (*Worker)(u)
	for key, s := range w.users {
		switch since, unused := s.UnusedFor(); {
		case !unused:
		case since < upstream.IdleAfter:
			w.clock.At(w.clock.Now - since + upstream.IdleAfter)
		case !s.Unconnected() || len(s.Subscriptions.All()) > 0:
			w.clock.At(w.clock.Now + dropEvery)
		default:
			u.forget(key, s)
		}
	}
}

func (u *users) forget(key userKey, s *service) {
	w := (*Worker)(u)
	s.Drop()
	w.services[s.Index] = nil
	delete(w.users, key)
}

// full returns an error if there is no room for one more user. One that has no client makes room: where a user needs no
// password and any makes one more, a client could keep out others by authenticating with many.
func (u *users) full(of int, as session.Credentials) []byte {
	w := (*Worker)(u)
	if w.conf.UsersMax == 0 || len(w.users) < w.conf.UsersMax || w.users[userKey{of, as}] != nil {
		return nil
	}
	for key, s := range w.users {
		if since, unused := s.UnusedFor(); unused && since > 0 && len(s.Subscriptions.All()) == 0 && s.Disconnect() {
			u.forget(key, s)
			return nil
		}
	}
	return resp.AppendError(nil, "ERR evergate: service '"+w.services[of].Servers.Name+"': "+
		strconv.Itoa(w.conf.UsersMax)+" users are connected, as many as may be; the command was not executed")
}

// expel closes the clients of a user whose credentials a server has rejected on a connection: those that wait for it,
// and, if alone, those that wait for another server, or for nothing. Others can go on for now.
func (u *users) expel(s *service, l *upstream.Conn, alone bool) {
	w := (*Worker)(u)
	var spared map[session.Ref]bool
	if l.Key.Purpose == upstream.Primary && !alone {
		spared = s.AwaitsOthers(l.Key.Node)
	}
	for c := range w.x.All {
		listens := l.Key.Purpose == upstream.Subscription && c.Subscribed()
		if c.Service == s.Service && !spared[c.Ref] && (c.Expellable(alone) || listens) {
			w.x.Expel(c, s.Rejection())
		}
	}
}

// seen reports whether a user of this name has authenticated.
func (u *users) seen(of int, name string) bool {
	for key := range u.users {
		if key.of == of && !key.as.None() && key.as.User() == name {
			return true
		}
	}
	return false
}

// authenticates has a server say who a client is, before a command with credentials is executed. It returns true where
// the command ends with that: the session is blocked (done is false), or answered.
func (u *users) authenticates(c *sessions.Session, command *routing.Command, args [][]byte) (ends, done bool) {
	w := (*Worker)(u)
	if !c.Service.Lazy {
		return false, false
	}
	all := local.Presented(command, args)
	if len(all) == 0 {
		return false, false
	}
	switch wrong := u.full(c.Service.Of, all[len(all)-1]); {
	case c.Subs != nil && c.Subs.Any() && (c.Service.As == nil || all[len(all)-1] != *c.Service.As):
		w.x.Answer(c, whileListening)
	case wrong != nil:
		w.x.Answer(c, wrong)
	case !c.Moves():
		w.x.Block(c, wait.InFlight)
		return true, false
	default:
		return w.policy.Verifies(c, command, args), false
	}
	w.policy.Forget(c)
	return true, true
}

var whileListening = resp.AppendError(nil, "ERR evergate: a client with subscriptions cannot authenticate where "+
	"upstream-auth is 'pass': unsubscribe first; the command was not executed")

// dropEvery is how often users whose connections are still being closed are looked at.
const dropEvery = time.Second

// Verified has a worker take a server's answer to Env.Verify: its error, or nil if it accepts the credentials.
func Verified(w *Worker, v *policy.Verification, wrong []byte) { w.policy.TakeVerdict(v, wrong) }
