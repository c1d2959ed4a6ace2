package worker

import (
	"bytes"
	"time"

	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// A feed is a lane that carries subscriptions: one to a node for all sessions of the worker. It speaks RESP3, where
// messages can be told from replies. Each command on it names one topic and gets one answer: the acknowledgement, which
// is a push too, or an error.
//
// Where a feed is lost everything is said again on the next one. What was published meanwhile is missed, as by any
// subscriber of a server that dies; that is counted as a gap.

const (
	// feedQuiet is how long a feed may say nothing before it is asked whether it lives.
	feedQuiet = 3 * time.Second
	// feedAgain is how long a topic waits to be asked for again that a server could not take.
	feedAgain = 100 * time.Millisecond
)

// Gap is a time in which messages may have been missed, as one worker has seen it.
type Gap struct {
	For       time.Duration
	Topics    int // that were interrupted
	Listeners int // to them
}

var beginVerbs = [...]string{fanout.Channel: "SUBSCRIBE", fanout.Pattern: "PSUBSCRIBE", fanout.Shard: "SSUBSCRIBE"}
var endVerbs = [...]string{fanout.Channel: "UNSUBSCRIBE", fanout.Pattern: "PUNSUBSCRIBE", fanout.Shard: "SUNSUBSCRIBE"}

// feedRead takes bytes of a feed.
func (w *Worker) feedRead(l *upstream.Conn, b []byte) {
	for len(b) > 0 && l.State == upstream.Open {
		n, done, err := l.Scan.Scan(b)
		if err != nil {
			w.pool.Lose(l, upstream.Poisoned)
			return
		}
		piece := b[:n]
		b = b[n:]
		if done && len(l.Reply) == 0 {
			w.fed(l, piece)
			continue
		}
		l.Reply = append(w.blocks.Room(l.Reply, n), piece...)
		if done {
			frame := l.Reply
			l.Reply = nil
			w.fed(l, frame)
			w.blocks.Give(frame)
		}
	}
}

// fed takes one whole message or answer.
func (w *Worker) fed(l *upstream.Conn, frame []byte) {
	if frame[0] != '>' {
		w.feedAnswered(l, frame)
		return
	}
	var words [3][]byte
	if resp.PushWords(frame, &words) < 2 {
		return
	}
	s := w.services[l.Key.Service]
	switch string(words[0]) {
	case "message":
		w.fan(s, l, fanout.Channel, words[1], words[1], frame)
	case "pmessage":
		w.fan(s, l, fanout.Pattern, words[1], words[2], frame)
	case "smessage":
		w.fan(s, l, fanout.Shard, words[1], words[1], frame)
	default:
		if verb := routing.Lookup(words[:1]); verb != nil && verb.Has(routing.Listening) {
			w.feedAcked(s, l, verb, words[1])
		}
	}
}

// fan gives a message to all who listen. In a cluster what is published comes from every node, and is taken from one;
// events about keys come from the node alone that has them.
func (w *Worker) fan(s *service, l *upstream.Conn, kind fanout.Kind, name, channel, frame []byte) {
	w.stats.FeedMessages++
	t := s.hub.Find(kind, name)
	if t == nil {
		return
	}
	if at := t.At(l.Key.Node); at == nil || !at.Wanted {
		return
	}
	if s.View.IsSharded() && kind != fanout.Shard && l.Key.Node != s.home && !fanout.IsEvent(channel) {
		return
	}
	listeners := t.Listeners()
	many := len(listeners) >= w.conf.GatherFrom
	for i := len(listeners) - 1; i >= 0; i-- { // one that is cut leaves, and another takes its place
		if c := w.client(listeners[i].Ref); c != nil {
			w.push(c, frame, many)
		}
	}
}

// awaited returns the words of the request that a feed answers next.
func (w *Worker) awaited(l *upstream.Conn) [][]byte {
	t := l.Inflight.Front()
	if t == nil || !l.Queue.Sent(t.End) {
		return nil
	}
	w.args = resp.Args(l.Queue.Frame(l.Queue.AnsweredTo(), t.End), w.args[:0])
	return w.args
}

// feedAcked takes an acknowledgement. A server that gives a slot away ends its subscriptions unasked.
func (w *Worker) feedAcked(s *service, l *upstream.Conn, verb *routing.Command, name []byte) {
	asked := w.awaited(l)
	if len(asked) != 2 || routing.Lookup(asked[:1]) != verb || !bytes.Equal(asked[1], name) {
		if verb.ID == routing.CmdSUnsubscribe {
			w.feedEnded(s, l, name)
		} else {
			w.pool.Lose(l, upstream.Poisoned)
		}
		return
	}
	kind := kindOf(asked[0])
	ticket := *l.Inflight.Front()
	l.Inflight.Drop()
	l.Queue.Answered(ticket.End)
	if t := s.hub.Acked(kind, name, l.Key.Node, ticket.Seq); t != nil && t.On() {
		w.wakeWaiting(t)
	}
	w.gapMayEnd(s)
}

// kindOf tells of which kind the topic is that a feed was told to begin or to end.
func kindOf(verb []byte) fanout.Kind {
	for k := range fanout.Kind(len(beginVerbs)) {
		if string(verb) == beginVerbs[k] || string(verb) == endVerbs[k] {
			return k
		}
	}
	panic("a feed was told " + string(verb))
}

func (w *Worker) wakeWaiting(t *fanout.Topic) {
	for _, who := range t.Waiting() {
		if c := w.client(who.Ref); c != nil && c.Reason != wait.Running {
			w.wake(c)
		}
	}
}

// feedEnded goes on where a server has ended the subscription to a channel, whose slot it has given away.
func (w *Worker) feedEnded(s *service, l *upstream.Conn, name []byte) {
	t := s.hub.Ended(fanout.Shard, name, l.Key.Node)
	if t == nil {
		return
	}
	w.gapBegins(s, []*fanout.Topic{t}, w.clock.Now)
	w.place(s, t)
}

// feedAnswered takes a reply that is no push: to PING, or an error.
func (w *Worker) feedAnswered(l *upstream.Conn, reply []byte) {
	asked := w.awaited(l)
	if len(asked) == 0 || len(asked) == 2 && reply[0] != '-' {
		w.pool.Lose(l, upstream.Poisoned)
		return
	}
	if retry.Classify(reply, false) == retry.NoPassword {
		w.pool.Lose(l, upstream.NotAuthenticated)
		return
	}
	ticket := *l.Inflight.Front()
	l.Inflight.Drop()
	if len(asked) == 2 {
		w.feedRefused(l, kindOf(asked[0]), asked[1], ticket.Seq, reply)
	}
	if l.State == upstream.Open {
		l.Queue.Answered(ticket.End)
	}
}

// feedRefused deals with an error for a subscription: one about where it belongs is news, and it is asked for again;
// any other is the answer, and whoever listens already has lost it.
func (w *Worker) feedRefused(l *upstream.Conn, kind fanout.Kind, name []byte, ask uint32, reply []byte) {
	s := w.services[l.Key.Service]
	switch why := retry.Classify(reply, false); why {
	case retry.Moved, retry.Ask, retry.TryAgain, retry.Unable:
		w.stats.RefusedByServer[why]++
		if s.hub.Refused(kind, name, l.Key.Node, ask, nil) == nil {
			return
		}
		if why == retry.Moved && s.View != nil {
			w.redirected(l, reply, why, &upstream.Pending{})
		}
		s.feedAt = w.clock.Now + feedAgain
		w.clock.At(s.feedAt)
	default:
		t := s.hub.Refused(kind, name, l.Key.Node, ask, bytes.Clone(reply))
		if t == nil {
			return
		}
		w.wakeWaiting(t)
		w.closeListeners(t, session.SubscriptionLost)
		w.gapMayEnd(s)
	}
}

// closeListeners closes the connections of all who listen to a topic.
func (w *Worker) closeListeners(t *fanout.Topic, why session.CloseReason) {
	listeners := t.Listeners()
	for i := len(listeners) - 1; i >= 0; i-- {
		if c := w.client(listeners[i].Ref); c != nil {
			w.close(c, why)
		}
	}
}

// feedOpened says all again on a new feed. One that was opened beside a silent one takes its place, if that is silent
// still.
func (w *Worker) feedOpened(l *upstream.Conn) {
	s := w.services[l.Key.Service]
	l.WaitsFrom = w.clock.Now
	w.clock.At(w.clock.Now + feedQuiet)
	if main := w.pool.First(l); main != l {
		if main.State == upstream.Open && !main.Silent {
			w.pool.Remove(l, upstream.Idle)
			return
		}
		if main.State == upstream.Open {
			w.pool.Lose(main, upstream.Replaced)
		}
		w.pool.OnlyThis(l) // one that is dialled still would be asked in its place
	}
	delete(s.feedFailed, l.Key.Node)
	w.tellDue(s, s.hub.All()...)
}

// feedLost takes note that a feed has ended, or could not be opened. since is when it was last sure to bring all. It
// returns true when the lane is not needed any more.
func (w *Worker) feedLost(s *service, l *upstream.Conn, since time.Duration) (unneeded bool) {
	node := l.Key.Node
	if w.pool.First(l) != l {
		return true // it was only tried beside another
	}
	s.feedFailed[node] = w.clock.Now
	w.gapBegins(s, s.hub.Lost(node), since)
	w.placeAll(s)
	return s.hub.Uses(node) == 0 || !w.pool.Alone(l)
}

// feedSilent deals with a feed that owes an answer for too long. In a cluster another node takes its place; elsewhere
// a second connection shows whether it is the server that is silent, or the connection that is dead.
func (w *Worker) feedSilent(l *upstream.Conn) {
	s := w.services[l.Key.Service]
	s.feedFailed[l.Key.Node] = w.clock.Now
	if s.View.IsSharded() && s.home == l.Key.Node {
		w.placeAll(s)
		w.sweepFeeds(s)
	}
	switch {
	case l.State != upstream.Open:
	case s.hub.Uses(l.Key.Node) == 0:
		w.endFeed(s, l, upstream.Idle)
	default:
		w.clock.At(w.pool.TryAfresh(l))
	}
}

// feedTimer asks a feed that says nothing whether it lives, and ends one that nobody needs.
func (w *Worker) feedTimer(l *upstream.Conn) {
	s := w.services[l.Key.Service]
	if l.State != upstream.Open {
		return
	}
	if s.hub.Uses(l.Key.Node) == 0 {
		if w.clock.Now-l.UsedAt >= upstream.IdleAfter && l.Inflight.Len() == 0 {
			w.endFeed(s, l, upstream.Idle)
			return
		}
		w.clock.At(max(l.UsedAt+upstream.IdleAfter, w.clock.Now+time.Second))
	}
	if l.Silent {
		w.feedSilent(l)
		return
	}
	if l.Inflight.Len() > 0 {
		return
	}
	if due := l.WaitsFrom + feedQuiet; w.clock.Now < due {
		w.clock.At(due)
		return
	}
	if s.View.LedBy(l.Key.Node) >= 0 {
		w.stats.FeedPings++
		w.tell(l, 0, "PING")
	} else {
		w.clock.At(w.clock.Now + feedQuiet)
	}
}

// tell puts a command on a feed. Nobody but the worker itself waits for the answer.
func (w *Worker) tell(l *upstream.Conn, ask uint32, words ...string) {
	end := l.Queue.Append(resp.AppendCommandStrings(nil, words...))
	t := l.Inflight.Push()
	t.End, t.Seq, t.Flags, t.Part, t.Slot = end, ask, upstream.Quiet, -1, -1
	w.pool.Dirty(l)
	w.stats.Requests[upstream.Subscription]++
}

// gapBegins takes note that topics are interrupted which somebody listens to. All are counted before the first listener
// is closed, who may be one of several.
func (w *Worker) gapBegins(s *service, topics []*fanout.Topic, since time.Duration) {
	for _, t := range topics {
		if len(t.Listeners()) == 0 {
			continue
		}
		if s.gapSince == 0 {
			s.gapSince, s.gap = max(since, 1), Gap{}
			w.stats.FeedGaps++
		}
		s.gap.Topics++
		s.gap.Listeners += len(t.Listeners())
	}
	if s.CloseOnGap {
		for _, t := range topics {
			w.closeListeners(t, session.Gap)
		}
	}
}

// gapMayEnd ends a gap when everything is subscribed again.
func (w *Worker) gapMayEnd(s *service) {
	if s.gapSince == 0 || s.hub.Pending() > 0 {
		return
	}
	s.gap.For = w.clock.Now - s.gapSince
	s.gapSince = 0
	w.stats.FeedGapMillis += uint64(s.gap.For.Milliseconds())
	w.env.Gap(s.Index, s.gap)
}
