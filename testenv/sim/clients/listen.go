package clients

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/glob"
	"evergate/gateway/resp"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/network"
)

// Clients that subscribe and publish, beside the others, where Options.Listeners says so. Each must be acknowledged
// what it asked for, in order, and hear what it listens to and nothing else, each message once. When all is over a
// server has what somebody listens to and no more, and a message reaches all who listen and is counted right.

// listener is what such a client remembers.
type listener struct {
	*Client
	expects []expected
	has     map[string]bool           // verb and name of what was acknowledged
	since   map[string]time.Duration  // when that was
	heard   map[string]map[string]int // how often, by the same and the message
	// sinceUsers is the number of the users when a topic was acknowledged.
	sinceUsers map[string]int
	// resp3: HELLO was not rejected, so that it may publish while it listens.
	resp3 bool
}

// expected is a reply that is to come: with a name it is an acknowledgement.
type expected struct {
	verb, name string
	message    *message
	request    *ledger.Request // nil where there are no users
}

// message is one that a listener publishes.
type message struct {
	verb, name, text string
	at               time.Duration
	answered         bool // it was not refused
	users            int  // the number of the users then
}

// topics are what listeners subscribe to, by kind. Those of the third kind lie in slots that move.
var topics = [...][]string{{"x", "y"}, {"x*", "?"}, {"{t0}", "{t1}", "{t2}"}}

// makeListeners makes some more clients.
func (w *Group) makeListeners() {
	for range 3 + w.Rnd.IntN(4) {
		sends := 20 + w.Rnd.IntN(60)
		if w.Options.RealState() { // the faults last longer
			sends *= 3
		}
		w.addListener(sends)
	}
}

func (w *Group) addListener(sends int) {
	n := len(w.Clients)
	c := &Client{w: w, Number: n, Worker: w.Rnd.IntN(w.workers), Sends: sends, memory: ledger.NewMemory(),
		nextAt: w.Now + w.Between(0, 300*time.Millisecond)}
	c.listens = &listener{Client: c, has: map[string]bool{}, since: map[string]time.Duration{},
		heard: map[string]map[string]int{}, sinceUsers: map[string]int{}}
	c.greet = true
	w.Clients = append(w.Clients, c)
}

// say sends a command.
func (l *listener) say(words ...string) {
	w, name := l.w, ""
	if len(words) == 2 && words[0] != "HELLO" {
		name = words[1]
	}
	e := expected{verb: words[0], name: name, request: l.asks(words)}
	if len(words) == 3 {
		e.message = &message{verb: words[0], name: words[1], text: words[2], at: w.Now, users: w.ledger.Now()}
		w.messages = append(w.messages, e.message)
	}
	l.expects = append(l.expects, e)
	w.Tracef("listener %d says %v", l.Number, words)
	w.Send(&l.ToGate, resp.AppendCommandStrings(nil, words...))
}

// play says something now and then, and reads.
func (l *listener) play() {
	w := l.w
	if w.Now >= l.idleTill {
		l.read()
	}
	if !l.Open || w.Now < l.nextAt || w.gateway.Drains() {
		return
	}
	if l.greet {
		l.greet = false
		l.greets()
	}
	if l.Sends == 0 {
		return
	}
	l.Sends--
	l.nextAt = w.Now + w.Between(0, 60*time.Millisecond)
	k := w.Rnd.IntN(len(topics))
	name := topics[k][w.Rnd.IntN(len(topics[k]))]
	switch p := w.Rnd.IntN(100); {
	case p < 45:
		l.say(ledger.Subscribes[k], name)
	case p < 65:
		l.say(ledger.Unsubscribes[k], name)
	case p < 90:
		w.publishes++
		verb, name := "PUBLISH", topics[0][w.Rnd.IntN(2)]
		if k == 2 {
			verb, name = "SPUBLISH", topics[2][w.Rnd.IntN(3)]
		}
		l.say(verb, name, strconv.Itoa(w.publishes))
	case p < 94:
		l.say("RESET")
		l.greets()
	case p < 96:
		l.idleTill = w.Now + w.Between(0, 400*time.Millisecond)
	default:
		w.Tracef("listener %d leaves", l.Number)
		l.Open, l.Hung = false, true
		w.addListener(l.Sends)
	}
}

// read takes what came.
func (l *listener) read() {
	w := l.w
	l.frames(1<<16, func(frame []byte) {
		w.Tracef("listener %d reads %q", l.Number, network.Clip(frame))
		l.take(frame)
	})
	if l.Gone && l.ToMe.Size == 0 && l.Open {
		l.Open = false
		if !w.gateway.Drains() {
			w.addListener(l.Sends)
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
		verb := ledger.Subscribes[map[string]int{"message": 0, "pmessage": 1, "smessage": 2}[string(words[0])]]
		topic, message := verb+" "+string(words[1]), string(words[count-2])+" "+string(words[count-1])
		if !l.has[topic] {
			w.ledger.Fail("listener %d heard %q of %q, to which it does not listen", l.Number, message, topic)
		}
		l.mayHear(topic, words[count-1])
		if l.heard[topic] == nil {
			l.heard[topic] = map[string]int{}
		}
		if l.heard[topic][message]++; l.heard[topic][message] > 1 {
			w.ledger.Fail("listener %d heard %q of %q twice", l.Number, message, topic)
		}
		return
	}
	if len(l.expects) == 0 {
		w.ledger.Fail("listener %d was sent a reply too many: %q", l.Number, network.Clip(frame))
		return
	}
	e := l.expects[0]
	l.expects = l.expects[1:]
	l.answers(&e, frame)
	switch {
	case e.request != nil && e.request.Denied:
	case e.verb == "PUBLISH" || e.verb == "SPUBLISH":
		l.w.counted, e.message.answered = resp.Int(frame)
	case frame[0] == '-' && strings.HasPrefix(e.verb, "UN"), frame[0] == '-' && e.name == "":
		w.ledger.Fail("listener %d was answered %q to %v", l.Number, network.Clip(frame), e)
	case frame[0] == '-':
	case e.verb == "RESET":
		clear(l.has)
		l.resp3 = false
	case e.name == "":
		l.resp3 = true
	case strings.ToUpper(string(words[0])) != e.verb || string(words[1]) != e.name:
		w.ledger.Fail("listener %d was answered %q to %v", l.Number, network.Clip(frame), e)
	case slices.Contains(ledger.Subscribes[:], e.verb):
		if topic := e.verb + " " + e.name; !l.has[topic] {
			l.has[topic], l.since[topic], l.sinceUsers[topic] = true, w.Now, w.ledger.Now()
		}
	default:
		delete(l.has, ledger.Subscribes[slices.Index(ledger.Unsubscribes[:], e.verb)]+" "+e.name)
	}
}

// listeners are those that are connected.
func (w *Group) listeners() (all []*listener) {
	for _, c := range w.Clients {
		if c.listens != nil && c.Open && !c.Gone {
			all = append(all, c.listens)
		}
	}
	return all
}

// AskEverybody has a message published on each channel, one after the other, and its answer looked at.
func (w *Group) AskEverybody() func() string {
	var todo [][2]string
	for _, name := range topics[0] {
		todo = append(todo, [2]string{"PUBLISH", name})
	}
	for _, name := range topics[2] {
		todo = append(todo, [2]string{"SPUBLISH", name})
	}
	said := false
	return func() string {
		speaker := w.speaker()
		if len(todo) == 0 || speaker == nil {
			return ""
		}
		verb, name := todo[0][0], todo[0][1]
		if !said {
			said = true
			w.counted = -1
			speaker.say(verb, name, "last")
		}
		if len(speaker.expects) > 0 {
			return fmt.Sprintf("listener %d waits for the answer to %s %s", speaker.Number, verb, name)
		}
		if want := w.reached(verb, name); w.counted != int64(want) {
			w.ledger.Fail("%s %s was answered %d, and %d listen", verb, name, w.counted, want)
		}
		todo, said = todo[1:], false
		return "there are more channels"
	}
}

// speaker is the listener that publishes; nil where none can.
func (w *Group) speaker() *listener {
	all := w.listeners()
	if at := slices.IndexFunc(all, func(l *listener) bool { return l.resp3 }); at >= 0 {
		return all[at]
	}
	return nil
}

// reached is how often a message reaches listeners.
func (w *Group) reached(verb, name string) (n int) {
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
	return as == "SUBSCRIBE" && pattern == name || as == "PSUBSCRIBE" && glob.Match([]byte(pattern), []byte(name))
}

// Unheard says who has not heard the last message of what it listens to.
func (w *Group) Unheard() string {
	if w.speaker() == nil {
		return ""
	}
	for _, l := range w.listeners() {
		for topic := range l.has {
			for kind, verb := range map[int]string{0: "PUBLISH", 2: "SPUBLISH"} {
				for _, name := range topics[kind] {
					if isOf(topic, verb, name) && l.heard[topic][name+" last"] == 0 {
						return fmt.Sprintf("listener %d has not heard the last of %s by %s", l.Number, name, topic)
					}
				}
			}
		}
	}
	return ""
}

// TopicsOf are those that clients of a worker listen to.
func (w *Group) TopicsOf(worker int) map[string]bool {
	all := map[string]bool{}
	for _, l := range w.listeners() {
		if l.Worker == worker {
			maps.Copy(all, l.has)
		}
	}
	return all
}

// Unacknowledged says what a listener still waits for; empty for nothing.
func (w *Group) Unacknowledged() string {
	for _, l := range w.listeners() {
		if len(l.expects) > 0 {
			return fmt.Sprintf("listener %d waits for %v", l.Number, l.expects)
		}
	}
	return ""
}
