package worker_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/worker"
	"evergate/testenv/play"
	"evergate/topology"
)

// What the fuzzer knows of subscriptions: what each server has on its end of a connection, and what was told of how
// many listen. At rest both must say the same.

// counts are what Env.Counted was told, by place; none is zero.
type counts map[countPlace]int

type countPlace struct {
	service int
	kind    fanout.Kind
	name    string
	node    topology.NodeID
	conns   bool
}

func (c counts) add(at countPlace, n int) {
	if c[at] += n; c[at] == 0 {
		delete(c, at)
	}
	if c[at] < 0 {
		panic("fewer than nobody listen")
	}
}

// count takes in what Env.Counted is told.
func (c counts) count(service int, k fanout.Kind, name string, node topology.NodeID, listeners, conns int) {
	c.add(countPlace{service, k, name, node, false}, listeners)
	c.add(countPlace{service, k, name, node, true}, conns)
}

// noCount is Env.Count of a gateway that knows nothing of others.
func noCount(int, fanout.Count) (listeners, conns int) { return 0, 0 }

// listens returns whether a command is one that subscription connections carry.
func listens(words [][]byte) bool {
	return len(words) == 2 && (slices.Contains(play.Begins[:], string(words[0])) ||
		slices.Contains(play.Ends[:], string(words[0])))
}

// acks has a server do the next n commands of a subscription connection, and say so.
func (z *fuzzed) acks(id worker.ConnID, n int) {
	server := z.servers[id]
	for ; n > 0 && z.Conn(id) != nil; n-- {
		b := server.feed.Execute()
		if b == nil {
			return
		}
		server.asked.Replied(b)
		z.FromServer(id, b)
	}
}

// refusals are what servers answer to who subscribes.
var refusals = []string{
	"-MOVED 12182 a:1\r\n", "-MOVED 12182 b:1\r\n", "-CLUSTERDOWN Hash slot not served\r\n", "-NOPERM no such channel\r\n",
	"-LOADING Redis\r\n", "-TRYAGAIN later\r\n",
}

// subscriptionSends has a server say something on a subscription connection: mostly what servers say.
func (z *fuzzed) subscriptionSends(id worker.ConnID) {
	server, how := z.servers[id], z.byte()
	sends := func(b []byte) { z.FromServer(id, b) }
	switch how % 8 {
	default:
		z.acks(id, 1<<20)
	case 4:
		z.acks(id, 1)
	case 5:
		if words := server.feed.Front(); len(words) == 2 && slices.Contains(play.Begins[:], string(words[0])) {
			server.feed.Refuse()
			b := []byte(refusals[int(how/8)%len(refusals)])
			server.asked.Replied(b)
			sends(b)
		}
	case 6: // a slot is given away
		for _, topic := range slices.Sorted(maps.Keys(server.feed.Has)) {
			if name, is := strings.CutPrefix(topic, "SSUBSCRIBE "); is {
				delete(server.feed.Has, topic)
				sends(append(resp.AppendBulk([]byte(">3\r\n$12\r\nsunsubscribe\r\n"), []byte(name)), ":0\r\n"...))
				break
			}
		}
	case 7:
		server.lies = true
		sends([]byte(replies[int(how/8)%len(replies)]))
	case 3:
		sends([]byte(messages[int(how/8)%len(messages)]))
	}
}

// messages are those of topics that clients of the fuzzer name.
var messages = []string{
	">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n", ">3\r\n$7\r\nmessage\r\n$1\r\nd\r\n$1\r\nm\r\n",
	">3\r\n$8\r\nsmessage\r\n$3\r\nfoo\r\n$1\r\nm\r\n",
	">4\r\n$8\r\npmessage\r\n$2\r\nc*\r\n$1\r\nc\r\n$1\r\nm\r\n",
	">4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$18\r\n__keyevent@0__:set\r\n$1\r\nm\r\n",
}

// sameSubscriptions looks that the servers have what was counted, and nothing else.
func (z *fuzzed) sameSubscriptions() {
	has, counted := map[string]int{}, map[string]int{}
	for id := range worker.ConnID(z.Conns()) {
		if c := z.Conn(id); c != nil && c.Open {
			for topic := range z.servers[id].feed.Has {
				has[topic]++
			}
		}
	}
	for place, n := range z.counts {
		if place.conns {
			counted[play.Begins[place.kind]+" "+place.name] += n
		}
	}
	if !maps.Equal(has, counted) {
		z.t.Fatalf("the servers have %v, counted was %v", has, counted)
	}
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
