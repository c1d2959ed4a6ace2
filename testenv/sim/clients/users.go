package clients

import (
	"slices"
	"strings"

	"evergate/testenv/sim/ledger"
)

// What only clients of users do: they authenticate, as one user after the other, and touch keys of others.

// names are those of users. There may be none of a name.
var names = [...]string{"ann", "bob", "eve", ledger.Default}

// of completes the name of a key: mostly it is one of the user that the client is, or wants to be.
func (c *Client) of(key string) string {
	if !c.w.Options.Users {
		return key
	}
	if c.w.Rnd.IntN(6) == 0 {
		return key + "." + names[c.w.Rnd.IntN(len(names))]
	}
	return key + "." + c.self
}

// second is another key for a transaction, in the same slot.
func (c *Client) second(key string) string {
	if name := suffix(key); name != "" && c.w.Rnd.IntN(4) == 0 {
		key = strings.TrimSuffix(key, name) + "." + names[c.w.Rnd.IntN(len(names))]
	}
	return key + "x"
}

// suffix is what names the user in the name of a key.
func suffix(key string) string {
	if at := strings.IndexByte(key, '.'); at >= 0 {
		return key[at:]
	}
	return ""
}

// longValues says that some values are long, which clients that have not authenticated may not send.
func (w *Group) longValues() bool { return !w.Options.Planned && !w.Options.Users }

// nextUser makes a request that makes the client another user.
func (c *Client) nextUser() []byte {
	w := c.w
	if c.since != nil && w.Rnd.IntN(5) == 0 {
		c.self = ledger.Default
		r, b := c.ask(ledger.Reset, nil, "RESET")
		c.since = r
		return b
	}
	name, password := w.credentials()
	var r *ledger.Request
	var b []byte
	if w.Rnd.IntN(3) == 0 {
		r, b = c.ask(ledger.Hello, nil, "HELLO", "3", "AUTH", name, password)
		w.ledger.AsksFor(r, 3)
	} else {
		r, b = c.ask(ledger.Auth, nil, "AUTH", name, password)
	}
	w.ledger.Becomes(r, name, password)
	c.since, c.self = r, name
	return b
}

// credentials are those of some user: mostly right.
func (w *Group) credentials() (name, password string) {
	name = names[w.Rnd.IntN(len(names))]
	user := w.ledger.Users()[name]
	if user == nil || user.Password == "" || w.Rnd.IntN(15) == 0 {
		return name, "wrong"
	}
	return name, user.Password
}

// asks notes a request of a listener, which names a topic or authenticates.
func (l *listener) asks(words []string) *ledger.Request {
	w := l.w
	if !w.Options.Users {
		return nil
	}
	kind := map[string]ledger.Kind{"HELLO": ledger.Hello, "RESET": ledger.Reset}[words[0]]
	if kind == 0 {
		kind = ledger.Listen
	}
	r := w.ledger.Add(l.Number, kind)
	w.ledger.OfUser(r, l.Client.since, nil)
	switch {
	case kind == ledger.Hello && len(words) == 5:
		w.ledger.Becomes(r, words[3], words[4])
		l.Client.since = r
	case kind == ledger.Reset:
		l.Client.since = r
	case kind == ledger.Listen && !slices.Contains(ledger.Unsubscribes[:], words[0]):
		w.ledger.Names(r, words[1])
	}
	return r
}

// greets has a listener choose its protocol, and authenticate.
func (l *listener) greets() {
	if !l.w.Options.Users {
		l.say("HELLO", "3")
		return
	}
	name, password := l.w.credentials()
	l.say("HELLO", "3", "AUTH", name, password)
}

// answers holds the reply to a request of a listener against its rights.
func (l *listener) answers(e *expected, frame []byte) {
	if e.request != nil {
		l.w.ledger.Topic(e.request, frame)
	}
}

// mayHear fails where a listener gets a message to which it has no right, and had none since it was published.
func (l *listener) mayHear(topic string, message []byte) {
	w := l.w
	if !w.Options.Users {
		return
	}
	_, name, _ := strings.Cut(topic, " ")
	for _, m := range w.messages {
		if m.text == string(message) && !w.ledger.MayHear(l.Client.since, name, m.users) {
			w.ledger.Fail("listener %d heard %q of %s, which its user may not name", l.Number, message, topic)
		}
	}
}

// Remaining fails where a client is still connected whose user is gone, or may not listen any more to what it is
// subscribed to.
func (w *Group) Remaining() {
	if !w.Options.Users {
		return
	}
	for _, c := range w.Clients {
		if c.Open && !c.Gone {
			w.ledger.Remains(c.Number, c.since)
		}
	}
	for _, l := range w.listeners() {
		for topic, from := range l.sinceUsers {
			_, name, _ := strings.Cut(topic, " ")
			if l.has[topic] && !w.ledger.MayListen(l.Client.since, name, from) {
				w.ledger.Fail("listener %d is still connected, listens to %s, and has lost the right to that", l.Number, topic)
			}
		}
	}
}
