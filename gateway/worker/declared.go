package worker

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/routing"
)

// A script or a function may be declared to change nothing (no-writes), and servers hold it to that. So it goes on
// while CLIENT PAUSE has those wait who may write. A script says so in its first line; what functions are declared the
// server is asked, once in a pause.

// verdict on a command that may write.
type mayBe uint8

const (
	no mayBe = iota
	yes
	beingAsked // the session is parked until a server has said it
)

// mayWrite says whether a command may change data.
func (w *Worker) mayWrite(c *client, command *routing.Command, args [][]byte) mayBe {
	switch {
	case command == nil:
		return no
	case command.ID == routing.CmdExec && c.Multi != nil:
		return w.transactionMayWrite(c)
	case !command.MayReplicate():
		return no
	case len(args) < 2:
		return yes
	}
	switch command.ID {
	case routing.CmdEval:
		return unless(declaresNoWrites(args[1]))
	case routing.CmdEvalSHA:
		return unless(len(args[1]) == len(sha{}) && declaresNoWrites(w.script(c.svc, nameOf(args[1]))))
	case routing.CmdFCall:
		return w.functionMayWrite(c, args[1])
	}
	return yes
}

func unless(harmless bool) mayBe {
	if harmless {
		return no
	}
	return yes
}

func (w *Worker) transactionMayWrite(c *client) mayBe {
	for args := range w.commandsIn(c.Multi.Body) {
		command := c.svc.row(args)
		if command == nil {
			return yes
		}
		if may := w.mayWrite(c, command, args); may != no {
			return may
		}
	}
	return no
}

// declaresNoWrites reads the first line of a script: #!lua name=library flags=no-writes,allow-stale
func declaresNoWrites(body []byte) bool {
	line, _, _ := bytes.Cut(body, []byte("\n"))
	words := bytes.Fields(line)
	if len(words) == 0 || !bytes.HasPrefix(words[0], []byte("#!")) {
		return false
	}
	for _, word := range words[1:] {
		if flags, ok := bytes.CutPrefix(word, []byte("flags=")); ok {
			return slices.ContainsFunc(bytes.Split(flags, []byte(",")), func(flag []byte) bool {
				return string(flag) == "no-writes"
			})
		}
	}
	return false
}

// functionList is what the question for functions is called. No command is asked about by such a name: see
// routing.Learnable.
const functionList = "|functions"

// askAgainIn is when a session looks again for a server to ask.
const askAgainIn = 10 * time.Millisecond

// functionMayWrite says it of a function. Where nobody can be asked yet the session waits; the pause has an end.
func (w *Worker) functionMayWrite(c *client, name []byte) mayBe {
	s := c.svc
	if s.functions != nil {
		return unless(s.functions[strings.ToLower(string(name))])
	}
	q := question{svc: s, name: functionList}
	if w.joinQuestion(c, q) {
		return beingAsked
	}
	var l *backend.Lane
	if s.view != nil {
		l, _ = w.pick(c, 0, false, backend.Anybody)
	}
	if l == nil {
		w.park(c, session.Asking)
		w.runAt(c, w.now+askAgainIn)
		return beingAsked
	}
	w.question(l, q, resp.AppendCommandStrings(nil, "FUNCTION", "LIST"), 0)
	w.joinQuestion(c, q)
	return beingAsked
}

// learntFunctions takes FUNCTION LIST. An error means that none is declared to write nothing.
func (s *service) learntFunctions(reply []byte) {
	s.functions = map[string]bool{}
	words, _ := flatten(reply)
	for i := 1; i < len(words); i++ {
		if words[i-1] == "functions" && strings.HasPrefix(words[i], "*") {
			i += s.learntLibrary(words[i:])
		}
	}
}

// learntLibrary reads the functions of one library, from the head of their array on, and returns how many words they
// are: *COUNT, then for each the head of its fields, name NAME description TEXT flags *COUNT FLAG ...
func (s *service) learntLibrary(words []string) (used int) {
	next := func() (word string) {
		if used < len(words) {
			word = words[used]
		}
		used++
		return word
	}
	for range countOf(next()) {
		head := next()
		fields := countOf(head)
		if strings.HasPrefix(head, "*") {
			fields /= 2
		}
		name, harmless := "", false
		for range fields {
			switch next() {
			case "name":
				name = strings.ToLower(next())
			case "flags":
				for range countOf(next()) {
					harmless = next() == "no-writes" || harmless
				}
			default:
				next()
			}
		}
		s.functions[name] = harmless
	}
	return used
}

// countOf reads the head of an aggregate; 0 for anything else.
func countOf(head string) int {
	n, err := strconv.Atoi(strings.TrimLeft(head, "*~%"))
	if err != nil || n < 0 || n > 1<<16 {
		return 0
	}
	return n
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
