package sim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/worker"
	"evergate/topology"
)

// Clients that subscribe and publish, beside the others, where Options.Listeners says so. Each must be acknowledged
// what it asked for, in order, and hear what it listens to and nothing else, each message once. When all is over a
// server has what somebody listens to and no more, and a message reaches all who listen and is counted right.

// listener is what such a client remembers.
type listener struct {
	*client
	expects []expected
	has     map[string]bool           // verb and name of what was acknowledged
	heard   map[string]map[string]int // how often, by the same and the message
}

// expected is a reply that is to come: with a name it is an acknowledgement.
type expected struct{ verb, name string }

// topics are what listeners subscribe to, by kind. Those of the third kind lie in slots that move.
var topics = [...][]string{{"x", "y"}, {"x*", "?"}, {"{t0}", "{t1}", "{t2}"}}

var subscribes = [...]string{"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"}
var unsubscribes = [...]string{"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"}

// makeListeners makes some more clients.
func (w *world) makeListeners() {
	for range 3 + w.rnd.IntN(4) {
		w.addListener(20 + w.rnd.IntN(60))
	}
}

func (w *world) addListener(sends int) {
	n := len(w.clients)
	c := &client{w: w, number: n, gate: w.gates[w.rnd.IntN(len(w.gates))], sends: sends, memory: newMemory(),
		nextAt: w.now + w.between(0, 300*time.Millisecond)}
	c.listens = &listener{client: c, has: map[string]bool{}, heard: map[string]map[string]int{}}
	c.greet = true
	w.clients = append(w.clients, c)
}

// say sends a command.
func (l *listener) say(words ...string) {
	w, name := l.w, ""
	if len(words) == 2 && words[0] != "HELLO" {
		name = words[1]
	}
	l.expects = append(l.expects, expected{words[0], name})
	w.tracef("listener %d says %v", l.number, words)
	w.send(&l.toGate, resp.AppendCommandStrings(nil, words...))
}

// play says something now and then, and reads.
func (l *listener) play() {
	w := l.w
	if w.now >= l.idleTill {
		l.read()
	}
	if !l.open || w.now < l.nextAt || w.drains() {
		return
	}
	if l.greet {
		l.greet = false
		l.say("HELLO", "3")
	}
	if l.sends == 0 {
		return
	}
	l.sends--
	l.nextAt = w.now + w.between(0, 60*time.Millisecond)
	k := w.rnd.IntN(len(topics))
	name := topics[k][w.rnd.IntN(len(topics[k]))]
	switch p := w.rnd.IntN(100); {
	case p < 45:
		l.say(subscribes[k], name)
	case p < 65:
		l.say(unsubscribes[k], name)
	case p < 90:
		w.publishes++
		verb, name := "PUBLISH", topics[0][w.rnd.IntN(2)]
		if k == 2 {
			verb, name = "SPUBLISH", topics[2][w.rnd.IntN(3)]
		}
		l.say(verb, name, strconv.Itoa(w.publishes))
	case p < 94:
		l.say("RESET")
		l.say("HELLO", "3")
	case p < 96:
		l.idleTill = w.now + w.between(0, 400*time.Millisecond)
	default:
		w.tracef("listener %d leaves", l.number)
		l.open, l.hung = false, true
		w.addListener(l.sends)
	}
}

// read takes what came.
func (l *listener) read() {
	w := l.w
	l.unread = append(l.unread, l.toMe.take(w.now, 1+w.rnd.IntN(1<<16))...)
	for len(l.unread) > 0 {
		var s resp.ReplyScanner
		n, done, err := s.Feed(l.unread)
		if err != nil {
			w.ledger.fail("listener %d was sent what is no reply: %q", l.number, clip(l.unread))
			return
		}
		if !done {
			break
		}
		w.tracef("listener %d reads %q", l.number, clip(l.unread[:n]))
		l.take(l.unread[:n])
		l.unread = l.unread[n:]
	}
	if l.gone && l.toMe.size == 0 && l.open {
		l.open = false
		if !w.drains() {
			w.addListener(l.sends)
		}
	}
}

// take takes one message or reply.
func (l *listener) take(frame []byte) {
	var words [4][]byte
	count := 0
	if elements, ok := resp.Elements(append([]byte{'*'}, frame[1:]...)); ok && (frame[0] == '*' || frame[0] == '>') {
		for i, e := range elements[:min(len(elements), len(words))] {
			words[i], _ = resp.Bulk(e)
			count++
		}
	}
	w := l.w
	switch string(words[0]) {
	case "message", "smessage", "pmessage":
		verb := subscribes[map[string]int{"message": 0, "pmessage": 1, "smessage": 2}[string(words[0])]]
		topic, message := verb+" "+string(words[1]), string(words[count-2])+" "+string(words[count-1])
		if !l.has[topic] {
			w.ledger.fail("listener %d heard %q of %q, to which it does not listen", l.number, message, topic)
		}
		if l.heard[topic] == nil {
			l.heard[topic] = map[string]int{}
		}
		if l.heard[topic][message]++; l.heard[topic][message] > 1 {
			w.ledger.fail("listener %d heard %q of %q twice", l.number, message, topic)
		}
		return
	}
	if len(l.expects) == 0 {
		w.ledger.fail("listener %d was sent a reply too many: %q", l.number, clip(frame))
		return
	}
	e := l.expects[0]
	l.expects = l.expects[1:]
	switch {
	case e.verb == "PUBLISH" || e.verb == "SPUBLISH":
		l.w.counted, _ = resp.Int(frame)
	case frame[0] == '-' && strings.HasPrefix(e.verb, "UN"), frame[0] == '-' && e.name == "":
		w.ledger.fail("listener %d was answered %q to %v", l.number, clip(frame), e)
	case frame[0] == '-':
	case e.verb == "RESET":
		clear(l.has)
	case e.name == "":
	case strings.ToUpper(string(words[0])) != e.verb || string(words[1]) != e.name:
		w.ledger.fail("listener %d was answered %q to %v", l.number, clip(frame), e)
	case slices.Contains(subscribes[:], e.verb):
		l.has[e.verb+" "+e.name] = true
	default:
		delete(l.has, subscribes[slices.Index(unsubscribes[:], e.verb)]+" "+e.name)
	}
}

// checkListeners plays on until all that listeners were promised holds.
func (w *world) checkListeners() {
	for _, check := range []func() string{w.misplacedTopics, w.askEverybody(), w.unheard} {
		problem := ""
		for end := w.now + quietMax; w.now < end && w.ledger.fault == ""; w.round() {
			if problem = check(); problem == "" {
				break
			}
		}
		if problem != "" {
			w.ledger.fail("after quiet: %s", problem)
		}
	}
}

// listeners are those that are connected.
func (w *world) listeners() (all []*listener) {
	for _, c := range w.clients {
		if c.listens != nil && c.open && !c.gone {
			all = append(all, c.listens)
		}
	}
	return all
}

// misplacedTopics says what servers have that nobody listens to, or lack; each worker has a topic once.
func (w *world) misplacedTopics() string {
	for _, l := range w.listeners() {
		if len(l.expects) > 0 {
			return fmt.Sprintf("listener %d waits for %v", l.number, l.expects)
		}
	}
	has, want := map[string]int{}, map[string]int{}
	for _, l := range w.feeds {
		for topic := range l.has {
			if !l.gone && l.served {
				has[topic]++
			}
		}
	}
	for _, g := range w.gates {
		for topic := range topicsOf(w, g) {
			want[topic]++
		}
	}
	if !maps.Equal(has, want) {
		return fmt.Sprintf("the servers have %v, clients listen to %v", has, want)
	}
	return ""
}

// topicsOf are those that clients of a worker listen to.
func topicsOf(w *world, g *gate) map[string]bool {
	all := map[string]bool{}
	for _, l := range w.listeners() {
		if l.gate == g {
			maps.Copy(all, l.has)
		}
	}
	return all
}

// askEverybody has a message published on each channel, one after the other, and its answer looked at.
func (w *world) askEverybody() func() string {
	var todo [][2]string
	for _, name := range topics[0] {
		todo = append(todo, [2]string{"PUBLISH", name})
	}
	for _, name := range topics[2] {
		todo = append(todo, [2]string{"SPUBLISH", name})
	}
	said := false
	return func() string {
		all := w.listeners()
		if len(todo) == 0 || len(all) == 0 {
			return ""
		}
		speaker, verb, name := all[0], todo[0][0], todo[0][1]
		if !said {
			said = true
			w.counted = -1
			speaker.say(verb, name, "last")
		}
		if len(speaker.expects) > 0 {
			return fmt.Sprintf("listener %d waits for the answer to %s %s", speaker.number, verb, name)
		}
		if want := w.reached(verb, name); w.counted != int64(want) {
			w.ledger.fail("%s %s was answered %d, and %d listen", verb, name, w.counted, want)
		}
		todo, said = todo[1:], false
		return "there are more channels"
	}
}

// reached is how often a message reaches listeners.
func (w *world) reached(verb, name string) (n int) {
	for _, l := range w.listeners() {
		for topic := range l.has {
			if isOf(topic, verb, name) {
				n++
			}
		}
	}
	return n
}

// isOf says that a message published so comes under a topic.
func isOf(topic, verb, name string) bool {
	as, pattern, _ := strings.Cut(topic, " ")
	if verb == "SPUBLISH" {
		return as == "SSUBSCRIBE" && pattern == name
	}
	return as == "SUBSCRIBE" && pattern == name || as == "PSUBSCRIBE" && fanout.Match([]byte(pattern), []byte(name))
}

// unheard says who has not heard the last message of what it listens to.
func (w *world) unheard() string {
	for _, l := range w.listeners() {
		for topic := range l.has {
			for kind, verb := range map[int]string{0: "PUBLISH", 2: "SPUBLISH"} {
				for _, name := range topics[kind] {
					if isOf(topic, verb, name) && l.heard[topic][name+" last"] == 0 {
						return fmt.Sprintf("listener %d has not heard the last of %s by %s", l.number, name, topic)
					}
				}
			}
		}
	}
	return ""
}

// countListeners has workers share what they know of how many listen.
func (w *world) countListeners(env *worker.Env) {
	env.Counted = func(_ int, k fanout.Kind, name string, node topology.NodeID, listeners, lanes int) {
		w.census.Count(k, name, node, listeners, lanes)
	}
	env.Count = func(_ int, q fanout.Count) (listeners, lanes int) { return q.Of(&w.census) }
}
