package worker

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"evergate/gateway/backend"
	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/wait"
	"evergate/topology"
)

// What the fuzzer knows of subscriptions: what each server has on its end of a feed, and what was told of how many
// listen. After each step both must be what the books say.

// counts are what Env.Counted was told, by place; none is zero.
type counts map[countPlace]int

type countPlace struct {
	service int
	kind    fanout.Kind
	name    string
	node    topology.NodeID
	lanes   bool
}

func (c counts) add(at countPlace, n int) {
	if c[at] += n; c[at] == 0 {
		delete(c, at)
	}
}

// count takes in what Env.Counted is told.
func (c counts) count(service int, k fanout.Kind, name string, node topology.NodeID, listeners, lanes int) {
	c.add(countPlace{service, k, name, node, false}, listeners)
	c.add(countPlace{service, k, name, node, true}, lanes)
}

// fed is the server's end of a feed.
type fed struct {
	has  map[string]bool // by begun
	lies bool            // it has said what no server says
}

// begun is what a server has when it was told to begin: the verb that does so, and the name.
func begun(kind fanout.Kind, name string) string { return beginVerbs[kind] + " " + name }

// apply has a server do what a feed says.
func apply(has map[string]bool, words [][]byte) {
	if len(words) != 2 {
		return
	}
	topic := begun(kindOf(words[0]), string(words[1]))
	if slices.Contains(beginVerbs[:], string(words[0])) {
		has[topic] = true
	} else {
		delete(has, topic)
	}
}

// acks has a server do the next n commands of a feed, and say so.
func (z *fuzzed) acks(id backend.LaneID, n int) {
	for l := z.w.lanes[id]; n > 0 && l != nil && l.State == backend.Open && l.Awaits(); n-- {
		words := z.w.awaited(l)
		apply(z.feeds[id].has, words)
		z.w.LaneRead(id, acknowledgement(words))
	}
}

// refusals are what servers answer to who subscribes.
var refusals = []string{
	"-MOVED 12182 a:1\r\n", "-MOVED 12182 b:1\r\n", "-CLUSTERDOWN Hash slot not served\r\n", "-NOPERM no such channel\r\n",
	"-LOADING Redis\r\n", "-TRYAGAIN later\r\n",
}

// feedReads has the server of a feed say something: mostly what servers say.
func (z *fuzzed) feedReads(id backend.LaneID) {
	l, server, how := z.w.lanes[id], z.feeds[id], z.byte()
	switch how % 8 {
	default:
		z.acks(id, backend.TicketsMax)
	case 4:
		z.acks(id, 1)
	case 5:
		if words := z.w.awaited(l); len(words) == 2 && slices.Contains(beginVerbs[:], string(words[0])) {
			z.w.LaneRead(id, []byte(refusals[int(how/8)%len(refusals)]))
		}
	case 6: // a slot is given away
		for _, topic := range slices.Sorted(maps.Keys(server.has)) {
			if name, is := strings.CutPrefix(topic, "SSUBSCRIBE "); is {
				delete(server.has, topic)
				z.w.LaneRead(id, append(resp.AppendBulk([]byte(">3\r\n$12\r\nsunsubscribe\r\n"), []byte(name)), ":0\r\n"...))
				break
			}
		}
	case 7:
		server.lies = true
		z.w.LaneRead(id, []byte(replies[int(how/8)%len(replies)]))
	case 3:
		z.w.LaneRead(id, []byte(messages[int(how/8)%len(messages)]))
	}
}

// messages are those of topics that clients of the fuzzer name.
var messages = []string{
	">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n", ">3\r\n$7\r\nmessage\r\n$1\r\nd\r\n$1\r\nm\r\n",
	">3\r\n$8\r\nsmessage\r\n$3\r\nfoo\r\n$1\r\nm\r\n",
	">4\r\n$8\r\npmessage\r\n$2\r\nc*\r\n$1\r\nc\r\n$1\r\nm\r\n",
	">4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$18\r\n__keyevent@0__:set\r\n$1\r\nm\r\n",
}

// checkFeeds looks that who listens, what the hub says, what was counted and what the servers have are the same.
func (z *fuzzed) checkFeeds() {
	said := counts{}
	for _, s := range z.w.services {
		z.checkListeners(s)
		z.checkSources(s, said)
	}
	if !maps.Equal(said, z.counts) {
		z.t.Fatalf("the books say %v, counted was %v", said, z.counts)
	}
	for id, l := range z.w.lanes {
		if l != nil && l.Key.Purpose == backend.Feed && l.State == backend.Open {
			z.checkFeed(backend.LaneID(id), l)
		}
	}
}

// checkListeners looks that the listeners of topics are the sessions that listen.
func (z *fuzzed) checkListeners(s *service) {
	seats, waits := map[*fanout.Topic]int{}, 0
	for _, c := range z.w.clients {
		if c == nil || c.svc != s || c.subs == nil {
			continue
		}
		if c.subs.Waits() {
			if waits++; c.Reason == wait.Running && !c.Awake() {
				z.t.Fatalf("client %d waits for an acknowledgement, and is not parked", c.ref.ID)
			}
		}
		for k := range fanout.Kind(len(beginVerbs)) {
			for _, t := range c.subs.Topics(k) {
				if seats[t]++; s.hub.Find(k, []byte(t.Name)) != t || !slices.Contains(t.Listeners(), &c.subs.Listener) {
					z.t.Fatalf("client %d listens to %q, which knows nothing of it", c.ref.ID, t.Name)
				}
			}
		}
	}
	for _, t := range s.hub.All() {
		if seats[t] != len(t.Listeners()) {
			z.t.Fatalf("%q has %d listeners, %d sessions say so", t.Name, len(t.Listeners()), seats[t])
		}
		if waits == 0 && len(t.Waiting()) > 0 {
			z.t.Fatalf("%q has %d that wait, no session says so", t.Name, len(t.Waiting()))
		}
	}
}

// checkSources looks that topics are subscribed where they must be, or are about to be, and nowhere else, and adds up
// what is to be counted.
func (z *fuzzed) checkSources(s *service, said counts) {
	pending, uses := 0, map[topology.NodeID]int{}
	for _, t := range s.hub.All() {
		if t.On() {
			said.count(s.index, t.Kind, t.Name, fanout.Nowhere, len(t.Listeners()), 0)
		}
		var wanted []topology.NodeID
		for i := range t.Sources {
			source := &t.Sources[i]
			if source.Wanted {
				wanted = append(wanted, source.Node)
				if uses[source.Node]++; source.State != fanout.On && source.State != fanout.Refused {
					pending++
				}
			}
			z.checkSource(s, t, source)
			switch source.State {
			case fanout.Asking, fanout.On, fanout.Ending:
				said.count(s.index, t.Kind, t.Name, source.Node, 0, 1)
			}
		}
		should := slices.Sorted(slices.Values(z.w.sourcesOf(s, t)))
		if s.CloseOnGap && !t.On() && len(t.Listeners()) > 0 {
			z.t.Fatalf("%q is interrupted, and has %d listeners that were not closed", t.Name, len(t.Listeners()))
		}
		if slices.Sort(wanted); t.Wanted() && !slices.Equal(wanted, should) || !t.Wanted() && len(wanted) > 0 {
			z.t.Fatalf("%q is wanted at %v, and should be at %v: %+v", t.Name, wanted, should, t)
		}
	}
	if pending != s.hub.Pending() || s.gapSince > 0 && pending == 0 {
		z.t.Fatalf("%d pending, the hub says %d, gap since %v", pending, s.hub.Pending(), s.gapSince)
	}
	for node, n := range uses {
		if s.hub.Uses(node) != n {
			z.t.Fatalf("%d topics at node %d, the hub says %d", n, node, s.hub.Uses(node))
		}
	}
}

// checkSource looks that somebody sees to what is due.
func (z *fuzzed) checkSource(s *service, t *fanout.Topic, source *fanout.Source) {
	open, set := z.w.openFeed(s, source.Node), z.w.sets[feedKey(s, source.Node)]
	is := s.view.LedBy(source.Node) >= 0
	switch {
	case source.State != fanout.Unasked && source.State != fanout.Refused && open == nil:
		z.t.Fatalf("%q was told to node %d, to which there is no feed: %+v", t.Name, source.Node, source)
	case source.Due() == fanout.Nothing || !is:
	case open == nil && (set == nil || len(set.lanes) == 0):
		z.t.Fatalf("%q is due at node %d, and nobody dials it: %+v", t.Name, source.Node, source)
	case open != nil && (s.feedAt == 0 || z.w.NextTimer() > s.feedAt):
		z.t.Fatalf("%q is due at node %d, and nobody tells it: %+v", t.Name, source.Node, source)
	}
}

// checkFeed looks that a server will have what the hub believes, when it has done what it is told.
func (z *fuzzed) checkFeed(id backend.LaneID, l *backend.Lane) {
	s, server := z.w.services[l.Key.Service], z.feeds[id]
	if server.lies {
		return
	}
	has, start := maps.Clone(server.has), l.Queue.AnsweredTo()
	for t := range l.Inflight.All {
		apply(has, resp.Args(l.Queue.Frame(start, t.End), nil))
		start = t.End
	}
	believed := map[string]bool{}
	for _, t := range s.hub.All() {
		if at := t.At(l.Key.Node); at != nil && (at.State == fanout.Asking || at.State == fanout.On) {
			believed[begun(t.Kind, t.Name)] = true
		}
	}
	if z.w.sets[l.Key].lanes[0] == l && !maps.Equal(has, believed) {
		z.t.Fatalf("the server of lane %d will have %v, the hub says %v", id, has, believed)
	}
}

// interrupted says which topic is not subscribed where it must be.
func (z *fuzzed) interrupted() string {
	for _, s := range z.w.services {
		for _, t := range s.hub.All() {
			if !t.Wanted() || !t.On() {
				return fmt.Sprintf("topic %q: %d listen, %d wait, %+v", t.Name, len(t.Listeners()), len(t.Waiting()), t.Sources)
			}
		}
	}
	return ""
}

// subscribers is an input in which clients subscribe, publish and leave while views change and feeds are lost.
func subscribers(seed uint64) (in []byte) {
	r := rand.New(rand.NewPCG(seed, 2))
	var said []byte // numbers of sentences
	for i, s := range sentences {
		for _, word := range []string{"SUBSCRIBE", "subscribe", "publish", "RESET", "QUIT", "HELLO", "pubsub"} {
			if strings.Contains(s, word) {
				said = append(said, byte(i))
				break
			}
		}
	}
	any := func() byte { return byte(r.Uint32()) }
	views := [][]byte{{0, 1, 6, 7, 8, 9, 12}, {3, 4, 5, 10, 11}}[r.IntN(2)] // of fuzzViews: plain, or a cluster
	in = append(in, byte(r.IntN(2)), 8, views[0])
	for range 3 + r.IntN(5) {
		in = append(in, 16*byte(r.IntN(16)))
	}
	for range 40 + r.IntN(120) {
		switch r.IntN(16) {
		case 0:
			in = append(in, 16*byte(r.IntN(16)))
		case 1, 2, 3, 4, 5:
			in = append(in, 2, any(), said[r.IntN(len(said))])
		case 6:
			in = append(in, 4, any())
		case 7:
			in = append(in, 7, any(), 4*byte(r.IntN(2)))
		case 8:
			in = append(in, 8, views[r.IntN(len(views))])
		case 9:
			in = append(in, 9, any())
		case 10:
			in = append(in, 5+48*byte(r.IntN(2)), any())
		default: // dials succeed, and servers say something
			in = append(in, 14, 5, any(), 5, any(), 14, 10, any(), any(), 10, any(), any(), 14)
		}
	}
	if len(in)%2 == r.IntN(2) { // see newFuzzed
		in = append(in, 14)
	}
	return in
}
