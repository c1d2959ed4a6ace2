package worker

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/routing"
)

// A command that the table does not have may be a module's, or a newer server's. The server is asked once with
// COMMAND INFO, while the session waits; what nobody knows is answered in Redis's words without troubling a server
// again for a while. Where only a server can tell the keys of a learnt command, as it may be for a module's, it is
// asked about each request with COMMAND GETKEYS: in a cluster nothing is sent whose slot is not known. That the server
// sends it on cannot be relied on: Valkey 9.1 executes MSETEX wherever it comes.

const (
	// learnedMax bounds what is remembered; past it everything is forgotten and asked anew.
	learnedMax = 1024
	// learnedNameMax is the longest name that a server is asked about.
	learnedNameMax = 64
	// unknownFor is how long a server's "no such command" is believed, failedFor how long it is not asked again after
	// it could not say.
	unknownFor = 30 * time.Second
	failedFor  = time.Second
	// keysMax bounds the requests of one command whose keys are remembered.
	keysMax = 256
)

// learned is what a server said of a command; row is nil when it does not know it.
type learned struct {
	row    *routing.Command
	at     time.Duration
	failed bool // it could not say
	// keys is what a server said of the keys of requests, by the digest of the request.
	keys map[digest]*keysSaid
}

type digest [sha256.Size]byte

// keysSaid is what a server said of the keys of a request: them, or an error, which is believed as long as "no such
// command".
type keysSaid struct {
	keys [][]byte // not nil
	err  []byte
	at   time.Duration
}

// question is what a server is being asked: about a command, about the keys of a request with it (keys says which),
// about a database if that is not 0, or to have a setup on a lane if that is not nil.
type question struct {
	svc      *service
	name     string
	keys     digest
	database int32
	lane     *backend.Lane
	setup    backend.Setup
	waiters  []session.Ref
}

// nameAsked is how a command is asked about and remembered.
func nameAsked(args [][]byte) string {
	return strings.ToLower(string(resp.Cut(args[0], learnedNameMax+1)))
}

// row returns the row of a request that was seen before, from the table or learnt; nil where there is none.
func (s *service) row(args [][]byte) *routing.Command {
	if command := routing.Lookup(args); command != nil {
		return command
	}
	if l := s.learned[nameAsked(args)]; l != nil && l.row != nil {
		return l.row.Of(args)
	}
	return nil
}

// decide is routing.Decide, with what a server has said of the keys.
func (s *service) decide(d *routing.Decision, command *routing.Command, args [][]byte) {
	r := routing.Request{Command: command, Args: args}
	if routing.Decide(d, r, s.view); d.Kind != routing.AskKeys {
		return
	}
	if said := s.keysSaid(args); said != nil && said.err == nil {
		r.Keys = said.keys
		routing.Decide(d, r, s.view)
	}
}

// keysSaid is what a server has said of the keys of a request; nil where none was asked yet.
func (s *service) keysSaid(args [][]byte) *keysSaid {
	l := s.learned[nameAsked(args)]
	if l == nil || len(l.keys) == 0 {
		return nil
	}
	return l.keys[digestOf(args)]
}

func digestOf(args [][]byte) digest { return sha256.Sum256(resp.AppendCommand(nil, args...)) }

// inquiry is how far the gateway is with a command that the table does not have.
type inquiry uint8

const (
	settled  inquiry = iota // the row is known, or known to be nobody's
	parked                  // a server is being asked; the command is read again
	answered                // it could not be asked, and the client was told
)

// learn finds the row of a command that the table does not have; nil when nobody knows it.
func (w *Worker) learn(c *client, args [][]byte) (*routing.Command, inquiry) {
	name := nameAsked(args)
	if len(name) == 0 || len(name) > learnedNameMax || routing.Container(args[0]) != nil || !routing.Learnable(name) {
		return nil, settled
	}
	s := c.svc
	if l := s.learned[name]; l != nil {
		switch age := w.clock.Now - l.at; {
		case l.failed && age < failedFor:
			w.answer(c, w.loading(s, "the server cannot say what the command is"))
			return nil, answered
		case !l.failed && (l.row != nil || age < unknownFor):
			if l.row != nil {
				return l.row.Of(args), settled
			}
			return nil, settled
		}
	}
	return nil, w.inquire(c, question{svc: s, name: name}, func() []byte {
		return resp.AppendCommandStrings(nil, "COMMAND", "INFO", name)
	})
}

// learnKeys has a server tell the keys of a request. What the server has against it is the answer.
func (w *Worker) learnKeys(c *client, args [][]byte) inquiry {
	said := c.svc.keysSaid(args)
	switch {
	case said != nil && w.clock.Now-said.at < unknownFor:
		w.stats.Refused++
		w.answer(c, said.err)
		return answered
	case sizeOf(args) > bigBytes:
		w.stats.Refused++
		w.answer(c, keysUnasked)
		return answered
	}
	return w.inquire(c, question{svc: c.svc, name: nameAsked(args), keys: digestOf(args)}, func() []byte {
		return resp.AppendCommand(nil, append([][]byte{[]byte("COMMAND"), []byte("GETKEYS")}, args...)...)
	})
}

// inquired is what comes of a request about which a server must be asked first.
func (w *Worker) inquired(c *client, how inquiry) bool {
	if c.Multi != nil && how == answered {
		c.Multi.Aborted = true
	}
	return how == answered
}

// inquire puts a question to any primary, or joins those who have asked it.
func (w *Worker) inquire(c *client, q question, frame func() []byte) inquiry {
	if w.joinQuestion(c, q) {
		return parked
	}
	var l *backend.Lane
	why := noView
	if c.svc.view != nil {
		l, why = w.pickAny(c)
	}
	if l == nil {
		if w.mayNot(c, 0, why) {
			return answered
		}
		return parked
	}
	w.question(l, q, frame(), 0)
	w.joinQuestion(c, q)
	return parked
}

// pickAny finds a lane to the primary of any shard; why there is none is said of the first.
func (w *Worker) pickAny(c *client) (l *backend.Lane, why obstacle) {
	if l, why = w.pick(c, 0, false, backend.Anybody); l != nil {
		return l, why
	}
	for shard := 1; shard < len(c.svc.view.Shards); shard++ {
		if l, _ := w.pick(c, shard, false, backend.Anybody); l != nil {
			return l, free
		}
	}
	return nil, why
}

// learnt takes the answer to a question; nil when the lane died. Where the gateway may not ask (NOPERM) the command is
// unknown; any other error says nothing about it.
func (w *Worker) learnt(s *service, at uint32, reply []byte) {
	q := w.asking[at]
	w.asking[at] = question{}
	switch {
	case q.lane != nil:
		w.wentAlong(q.lane, q.setup, reply)
	case q.database > 0:
		w.learntDatabase(s, q.database, reply)
	case q.name == functionList:
		list, _ := resp.Decode(reply) // an error means that none is declared to write nothing
		s.functions = routing.Functions(list)
	case reply == nil: // it is asked again
	case q.keys != (digest{}):
		s.learntKeys(&q, reply, w.clock.Now)
	default:
		if len(s.learned) >= learnedMax {
			clear(s.learned)
		}
		failed := reply[0] == '-' && !bytes.HasPrefix(reply, []byte("-NOPERM"))
		info, _ := resp.Decode(reply)
		s.learned[q.name] = &learned{row: routing.LearnInfo(q.name, info), at: w.clock.Now, failed: failed}
	}
	w.wakeAll(q.waiters)
}

// learntKeys takes the reply to COMMAND GETKEYS.
func (s *service) learntKeys(q *question, reply []byte, now time.Duration) {
	l := s.learned[q.name]
	if l == nil || reply[0] == '-' && retry.Classify(reply, false) == retry.Unable {
		return // it is asked again
	}
	said := &keysSaid{keys: [][]byte{}, at: now}
	elements, ok := resp.Elements(reply)
	for _, e := range elements {
		key, is := resp.String(e)
		said.keys, ok = append(said.keys, bytes.Clone(key)), ok && is
	}
	switch {
	case ok, bytes.HasPrefix(reply, []byte("-ERR The command has no key arguments")):
	case bytes.HasPrefix(reply, []byte("-ERR Invalid ")): // number of arguments, or arguments
		said.err = bytes.Clone(reply)
	default:
		said.err = keysUntold
	}
	if l.keys == nil || len(l.keys) >= keysMax {
		l.keys = map[digest]*keysSaid{}
	}
	l.keys[q.keys] = said
}

var (
	keysUntold = resp.AppendError(nil, "ERR evergate: no server could report the keys of the command (COMMAND "+
		"GETKEYS), so it cannot be routed; it was not executed")
	keysUnasked = resp.AppendError(nil, "ERR evergate: only a server can report the keys of the command, and it is too "+
		"long for COMMAND GETKEYS; it was not executed")
)

func sizeOf(args [][]byte) (n int) {
	for _, a := range args {
		n += len(a)
	}
	return n
}
