package worker

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/hold"
	"evergate/gateway/resp"
	"evergate/routing"
)

// A command that the table does not have may be a module's, or a newer server's. The server is asked once with
// COMMAND INFO, while the session waits; what nobody knows is answered in Redis's words without troubling a server
// again for a while.

const (
	// learnedMax bounds what is remembered; past it everything is forgotten and asked anew.
	learnedMax = 1024
	// learnedNameMax is the longest name that a server is asked about.
	learnedNameMax = 64
	// unknownFor is how long a server's "no such command" is believed, failedFor how long it is not asked again after
	// it could not say.
	unknownFor = 30 * time.Second
	failedFor  = time.Second
)

// learned is what a server said of a command; row is nil when it does not know it.
type learned struct {
	row    *routing.Command
	at     time.Duration
	failed bool // it could not say
}

// question is what a server is being asked: about a command, about a database if that is not 0, or to have a setup on a
// lane if that is not nil.
type question struct {
	svc      *service
	name     string
	database int32
	lane     *backend.Lane
	setup    backend.Setup
	waiters  []hold.Waiter
}

// knows returns the row learnt for a command, or nil.
func (s *service) knows(args [][]byte) *routing.Command {
	if l := s.learned[strings.ToLower(string(cut(args[0], learnedNameMax+1)))]; l != nil {
		return l.row
	}
	return nil
}

// inquiry is how far the gateway is with a command that the table does not have.
type inquiry uint8

const (
	settled  inquiry = iota // the row is known, or known to be nobody's
	parked                  // a server is being asked; the command is read again
	answered                // it could not be asked, and the client was told
)

// learn finds the row of a command that the table does not have; nil when nobody knows it.
func (w *Worker) learn(c *client, args [][]byte) (*routing.Command, inquiry) {
	name := strings.ToLower(string(cut(args[0], learnedNameMax+1)))
	if len(name) == 0 || len(name) > learnedNameMax || routing.Container(args[0]) != nil || neverAsk(name) {
		return nil, settled
	}
	s := c.svc
	if l := s.learned[name]; l != nil {
		switch age := w.now - l.at; {
		case l.failed && age < failedFor:
			w.answer(c, w.loading(s, "the server cannot say what the command is"))
			return nil, answered
		case !l.failed && (l.row != nil || age < unknownFor):
			return l.row, settled
		}
	}
	if w.joinQuestion(c, name) {
		return nil, parked
	}
	var l *backend.Lane
	why := noView
	if s.view != nil {
		l, why = w.pick(c, 0, false, backend.Anybody)
	}
	if l == nil {
		if w.mayNot(c, 0, why) {
			return nil, answered
		}
		return nil, parked
	}
	w.question(l, question{svc: s, name: name}, resp.AppendCommandStrings(nil, "COMMAND", "INFO", name), 0)
	w.joinQuestion(c, name)
	return nil, parked
}

// neverAsk names commands that stay unknown on purpose: clients would take the gateway for something it is not; and a
// subcommand is no command by the name that COMMAND INFO lists it by ("config|get").
func neverAsk(name string) bool { return name == "sentinel" || strings.Contains(name, "|") }

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
		s.learntFunctions(reply)
	case reply != nil:
		if len(s.learned) >= learnedMax {
			clear(s.learned)
		}
		failed := reply[0] == '-' && !bytes.HasPrefix(reply, []byte("-NOPERM"))
		s.learned[q.name] = &learned{row: parseInfo(q.name, reply), at: w.now, failed: failed}
	}
	w.wakeAll(q.waiters)
}

// parseInfo reads one element of COMMAND INFO: name, arity, flags, first, last and step of the keys, ACL categories.
func parseInfo(name string, reply []byte) *routing.Command {
	words, ok := flatten(reply)
	// *1 *10 name arity *flags... first last step
	if !ok || len(words) < 7 || words[0] != "*1" || !strings.HasPrefix(words[1], "*") || words[1] == "*-1" {
		return nil
	}
	flags, err := strconv.Atoi(strings.TrimLeft(words[4], "*~"))
	if err != nil || flags < 0 || flags > len(words)-8 {
		return nil
	}
	numbers := make([]int, 4)
	for i, word := range []string{words[3], words[5+flags], words[6+flags], words[7+flags]} {
		if numbers[i], err = strconv.Atoi(word); err != nil {
			return nil
		}
	}
	told := words[5 : 5+flags]
	for _, word := range words[8+flags:] {
		if strings.HasPrefix(word, "@") {
			told = append(told[:len(told):len(told)], word)
		}
	}
	return routing.Learn(name, numbers[0], told, numbers[1], numbers[2], numbers[3])
}

// flatten lists the values of a reply in order; heads of aggregates stand as they are ("*3").
func flatten(reply []byte) (words []string, ok bool) {
	for len(reply) > 0 {
		i := bytes.Index(reply, []byte("\r\n"))
		if i < 1 {
			return words, false
		}
		line := string(reply[:i])
		reply = reply[i+2:]
		switch line[0] {
		case '*', '~', '%', '_':
			words = append(words, line)
		case '$':
			n, err := strconv.Atoi(line[1:])
			if err != nil || n+2 > len(reply) {
				return words, false
			}
			if n < 0 {
				words = append(words, "_")
				continue
			}
			words = append(words, string(reply[:n]))
			reply = reply[n+2:]
		default:
			words = append(words, line[1:])
		}
	}
	return words, true
}
