package ledger

import (
	"slices"
	"strings"

	"evergate/testenv/sim/network"
)

// Rights change while requests are under way. A request may be executed if its user had the right at some time between
// the sending of the request and its execution, and rejected if the user lacked it at some time before the reply. The
// user follows from the replies to earlier requests that authenticate. Until these have come there are several
// candidates, and a request is judged in their favour; when its own reply comes there is one.

// Reload has users be other ones from now on. The first ones are those at the beginning.
func (l *Ledger) Reload(all Users) { l.users = append(l.users, all) }

// Now is the number of the users now.
func (l *Ledger) Now() int { return len(l.users) - 1 }

// Users are those now.
func (l *Ledger) Users() Users { return l.users[l.Now()] }

// OfUser notes that a request is one of the user that its client has become by an earlier request; nil for the initial
// one. args are those of the request where its keys do not show what it touches.
func (l *Ledger) OfUser(r, since *Request, args []string) {
	r.sent, r.since = l.Now(), since
	if r.touches = r.keys; len(r.keys) == 0 && len(args) > 0 {
		var words [][]byte
		for _, a := range args {
			words = append(words, []byte(a))
		}
		r.touches = KeysOf(words)
	}
}

// Becomes notes that a request authenticates its client as a user.
func (l *Ledger) Becomes(r *Request, user, password string) { r.as, r.password = user, password }

// Names notes that a request names a topic.
func (l *Ledger) Names(r *Request, topic string) { r.topic = topic }

// Queues notes which requests an EXEC executes.
func (l *Ledger) Queues(r *Request, queued []*Request) { r.queued = queued }

// nobody is the user of a client that must authenticate.
const nobody = ""

// usersOf are the candidates for the user of a client behind the last request that changes it.
func (l *Ledger) usersOf(since *Request) []string {
	switch {
	case since == nil:
		return l.atFirst(0)
	case since.State == Refused:
		return l.usersOf(since.since)
	}
	now := []string{since.as}
	if since.as == nobody {
		now = l.atFirst(since.sent)
	}
	if since.State != Acknowledged {
		now = append(now, l.usersOf(since.since)...)
	}
	return now
}

// atFirst are the candidates for the user of a client that has not authenticated since the users of a number.
func (l *Ledger) atFirst(from int) (names []string) {
	for _, all := range l.users[from:] {
		name := nobody
		if all[Default].Password == "" {
			name = Default
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// rights returns whether a candidate had the right to a request at some time since it was sent, and whether one lacked
// it at some time.
func (l *Ledger) rights(r *Request) (has, lacks bool) {
	for _, name := range l.usersOf(r.since) {
		for _, all := range l.users[r.sent:] {
			if all[name].may(r) {
				has = true
			} else {
				lacks = true
			}
		}
	}
	return has, lacks
}

// may returns whether a user has the right to a request; nil is nobody, or a user that is gone.
func (u *User) may(r *Request) bool {
	switch r.Kind {
	case Auth, Reset, Quit, Garbage:
		return true
	case Hello:
		return u != nil || r.as != nobody
	}
	switch {
	case u == nil:
		return false
	case u.Everything:
		return true
	case r.topic != "" && !u.MayName(r.topic):
		return false
	case r.Kind == Execute || r.Kind == Set || r.Kind == Queueing: // SETs, each of one key
		return !slices.ContainsFunc(r.touches, func(key string) bool {
			return !u.mayByRules("SET", key, MayWrite) && (u.Sets == "" || whose(key) != u.Sets)
		})
	}
	for _, key := range r.touches {
		if !u.mayByRules(kindNames[r.Kind], key, accessOf(r.Kind)) {
			return false
		}
	}
	return kindNames[r.Kind] != u.Never
}

func (u *User) mayByRules(command, key string, as Access) bool {
	has, is := u.Keys[whose(key)]
	return command != u.Never && is && has&as == as
}

// MayName returns whether a user may publish to a topic, or subscribe to it.
func (u *User) MayName(topic string) bool {
	if topic == "x" { // a pattern covers it
		topic = "x*"
	}
	return u != nil && (u.Everything || slices.Contains(u.Channels, topic))
}

// accessOf is what a request does with its keys.
func accessOf(k Kind) Access {
	switch k {
	case Get, GetRange, Mget:
		return MayRead
	case Set, Mset, Del, Push, Queueing, Execute:
		return MayWrite
	case Watch:
		return 0
	}
	return MayRead | MayWrite
}

// whose is the user whose key it is.
func whose(key string) string {
	_, name, _ := strings.Cut(key, ".")
	for _, user := range [...]string{"ann", "bob", "eve", Default} {
		if strings.HasPrefix(name, user) {
			return user
		}
	}
	return name
}

// permitted fails where a server executes what the user may not do.
func (l *Ledger) permitted(r *Request, on Where) {
	if l.users == nil {
		return
	}
	if has, _ := l.rights(r); !has {
		l.Fail("%v was executed on %s, which its user may not do: %v", r, on.Node, l.usersOf(r.since))
	}
}

// rejected returns whether a request was rejected for want of rights. It fails where the user cannot have lacked them,
// and where a request is answered that had to be rejected.
func (l *Ledger) rejected(r *Request, text string) bool {
	if l.users == nil {
		return false
	}
	r.answered = l.Now()
	wants := strings.HasPrefix(text, "-NOPERM ") || strings.HasPrefix(text, "-NOAUTH ")
	has, lacks := l.rights(r)
	switch {
	case r.as != nobody && (wants || text[0] != '-' || strings.HasPrefix(text, "-WRONGPASS ")):
		return l.authenticated(r, text)
	case r.Kind == Execute && strings.HasPrefix(text, "-EXECABORT "):
		for _, q := range r.queued {
			_, lacked := l.rights(q)
			lacks = lacks || lacked
		}
		wants = true
	}
	switch {
	case wants && (!lacks || r.handed > 0 || len(r.Ran) > 0):
		l.Fail("%v was answered %q, which its user may do (%v), and was sent to %d servers", r, network.Clip(text),
			l.usersOf(r.since), r.handed)
	case wants:
		r.State, r.Denied = Refused, true
	case text[0] != '-' && !has:
		l.Fail("%v was answered %q, which its user may not do: %v", r, network.Clip(text), l.usersOf(r.since))
	}
	return wants
}

// authenticated checks the reply to a request with a password, and returns whether it was rejected.
func (l *Ledger) authenticated(r *Request, text string) bool {
	right, wrong := false, false
	for _, all := range l.users[r.sent:] {
		if u := all[r.as]; u != nil && (u.Password == r.password || u.Password == "") {
			right = true
		} else {
			wrong = true
		}
	}
	switch refused := text[0] == '-'; {
	case refused && wrong:
		r.State, r.Denied = Refused, true
		return true
	case refused || !right:
		l.Fail("%v as %s was answered %q, and its password is right: %v, wrong: %v", r, r.as, network.Clip(text), right,
			wrong)
	}
	return false
}

// Topic checks the reply to a request that names a topic, or makes a listener a user.
func (l *Ledger) Topic(r *Request, reply []byte) {
	if l.users == nil {
		return
	}
	r.State = Acknowledged
	l.rejected(r, strings.TrimSuffix(string(reply), "\r\n"))
}

// MayHear returns whether the user of a client might name a topic at some time since the users of a number.
func (l *Ledger) MayHear(since *Request, topic string, from int) bool {
	if l.users == nil {
		return true
	}
	for _, name := range l.usersOf(since) {
		for _, all := range l.users[from:] {
			if all[name].MayName(topic) {
				return true
			}
		}
	}
	return false
}

// MayListen returns whether it might all the time; true if there are several candidates.
func (l *Ledger) MayListen(since *Request, topic string, from int) bool {
	who := l.usersOf(since)
	lacks := func(all Users) bool { return !all[who[0]].MayName(topic) }
	return len(who) > 1 || !slices.ContainsFunc(l.users[from:], lacks)
}

// Expelled returns whether the gateway may have closed a client since its user was gone: the present one, or the one
// before requests that have no reply yet.
func (l *Ledger) Expelled(since *Request) bool {
	for ; since != nil; since = since.since {
		if since.State != Refused && since.as != nobody && l.goneSince(since.as, since.sent) {
			return true
		}
		if since.State == Acknowledged {
			break
		}
	}
	return false
}

// Remains fails where a client is still connected whose user is gone.
func (l *Ledger) Remains(client int, since *Request) {
	for since != nil && since.State == Refused {
		since = since.since
	}
	if since != nil && since.State == Acknowledged && since.as != nobody && l.goneSince(since.as, since.answered) {
		l.Fail("client %d is still connected, and its user %s is gone", client, since.as)
	}
}

func (l *Ledger) goneSince(name string, from int) bool {
	return slices.ContainsFunc(l.users[from:], func(all Users) bool { return all[name] == nil })
}
