package pubsub

import (
	"bytes"
	"time"

	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// A subscription connection speaks RESP3, in which messages can be told from replies. Each command on it names one
// topic and gets one reply: the acknowledgement, which is a push as well, or an error.
//
// When it is lost, everything is subscribed again on the next one. Messages that are published meanwhile are missed, as
// by any subscriber of a server that ends; that counts as a gap.

const (
	// quietMax is how long a server may send nothing on a subscription connection before it gets a PING.
	quietMax = 3 * time.Second
	// retryAfter is how long after a rejection a subscription is sent again.
	retryAfter = 100 * time.Millisecond
)

var beginVerbs = [...]string{fanout.Channel: "SUBSCRIBE", fanout.Pattern: "PSUBSCRIBE", fanout.Shard: "SSUBSCRIBE"}
var endVerbs = [...]string{fanout.Channel: "UNSUBSCRIBE", fanout.Pattern: "PUNSUBSCRIBE", fanout.Shard: "SUNSUBSCRIBE"}

// kindOf returns the kind of the topics that a command of a subscription connection is for.
func kindOf(verb []byte) fanout.Kind {
	for k := range fanout.Kind(len(beginVerbs)) {
		if string(verb) == beginVerbs[k] || string(verb) == endVerbs[k] {
			return k
		}
	}
	panic("pubsub: a server was sent " + string(verb))
}

// Read takes bytes of a subscription connection. They are valid during the call.
func (p *PubSub) Read(l *upstream.Conn, b []byte) {
	for len(b) > 0 && l.State == upstream.Open {
		n, done, err := l.Scan.Scan(b)
		if err != nil {
			p.Pool.Lose(l, upstream.Poisoned)
			return
		}
		piece := b[:n]
		b = b[n:]
		if done && len(l.Reply) == 0 {
			p.frame(l, piece)
			continue
		}
		l.Assemble(p.Blocks, piece)
		if done {
			frame := l.Assembled()
			p.frame(l, frame)
			p.Blocks.Give(frame)
		}
	}
}

// frame takes one message or reply.
func (p *PubSub) frame(l *upstream.Conn, frame []byte) {
	if frame[0] != '>' {
		p.replied(l, frame)
		return
	}
	var words [3][]byte
	if resp.PushWords(frame, &words) < 2 {
		return
	}
	s := p.services[l.Key.Service]
	switch string(words[0]) {
	case "message":
		s.message(l, fanout.Channel, words[1], words[1], frame)
	case "pmessage":
		s.message(l, fanout.Pattern, words[1], words[2], frame)
	case "smessage":
		s.message(l, fanout.Shard, words[1], words[1], frame)
	default:
		if verb := routing.Lookup(words[:1]); verb != nil && verb.Has(routing.Listening) {
			s.acked(l, verb, words[1])
		}
	}
}

// message delivers a message. In a cluster every node sends what is published, and it is taken from one; events about
// keys come only from the node that has them.
func (s *Subscriptions) message(l *upstream.Conn, kind fanout.Kind, name, channel, frame []byte) {
	s.pubsub.counts.Messages++
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
	s.pubsub.Listeners.Fan(t, frame)
}

// awaited returns the words of the command that a subscription connection replies to next, or nil.
func (p *PubSub) awaited(l *upstream.Conn) [][]byte {
	t := l.Inflight.Front()
	if t == nil || !l.Queue.Sent(t.End) {
		return nil
	}
	p.args = resp.Args(l.Queue.Frame(l.Queue.AnsweredTo(), t.End), p.args[:0])
	return p.args
}

// acked takes an acknowledgement. A server that gives a slot away ends the subscriptions there without a command.
func (s *Subscriptions) acked(l *upstream.Conn, verb *routing.Command, name []byte) {
	asked := s.pubsub.awaited(l)
	if len(asked) != 2 || routing.Lookup(asked[:1]) != verb || !bytes.Equal(asked[1], name) {
		if verb.ID == routing.CmdSUnsubscribe {
			s.ended(l, name)
		} else {
			s.pubsub.Pool.Lose(l, upstream.Poisoned)
		}
		return
	}
	kind := kindOf(asked[0])
	pending := *l.Inflight.Front()
	l.Inflight.Drop()
	l.Queue.Answered(pending.End)
	if t := s.hub.Acked(kind, name, l.Key.Node, pending.Seq); t != nil && t.On() {
		s.pubsub.wakeWaiting(t)
	}
	s.gapMayEnd()
}

// ended handles a subscription that a server has ended, since it has given the channel's slot away.
func (s *Subscriptions) ended(l *upstream.Conn, name []byte) {
	t := s.hub.Ended(fanout.Shard, name, l.Key.Node)
	if t == nil {
		return
	}
	s.gapBegins([]*fanout.Topic{t}, s.pubsub.Clock.Now)
	s.place(t)
}

// replied takes a reply that is no push: to PING, or an error.
func (p *PubSub) replied(l *upstream.Conn, reply []byte) {
	asked := p.awaited(l)
	if len(asked) == 0 || len(asked) == 2 && reply[0] != '-' {
		p.Pool.Lose(l, upstream.Poisoned)
		return
	}
	if retry.Classify(reply, false) == retry.NoPassword {
		p.Pool.Lose(l, upstream.NotAuthenticated)
		return
	}
	pending := *l.Inflight.Front()
	l.Inflight.Drop()
	if len(asked) == 2 {
		p.rejected(l, kindOf(asked[0]), asked[1], pending.Seq, reply)
	}
	if l.State == upstream.Open {
		l.Queue.Answered(pending.End)
	}
}

// rejected handles an error for a subscription. One about where the topic belongs, or for a while, is an observation,
// and the command is sent again. Any other one is the reply to the sessions that wait; present listeners have lost the
// topic.
func (p *PubSub) rejected(l *upstream.Conn, kind fanout.Kind, name []byte, ask uint32, reply []byte) {
	s := p.services[l.Key.Service]
	switch why := retry.Classify(reply, false); why {
	case retry.Moved, retry.Ask, retry.TryAgain, retry.Unable:
		p.Listeners.Rejected(why)
		if s.hub.Refused(kind, name, l.Key.Node, ask, nil) == nil {
			return
		}
		if why == retry.Moved && s.View != nil {
			p.Listeners.Moved(l, reply)
		}
		s.retryAt = p.Clock.Now + retryAfter
		p.Clock.At(s.retryAt)
	default:
		t := s.hub.Refused(kind, name, l.Key.Node, ask, bytes.Clone(reply))
		if t == nil {
			return
		}
		p.wakeWaiting(t)
		p.closeListeners(t, session.SubscriptionLost)
		s.gapMayEnd()
	}
}

// Opened subscribes to everything on a new connection. One that was dialled beside a silent one takes its place, if
// that is still silent.
func (p *PubSub) Opened(l *upstream.Conn) {
	s := p.services[l.Key.Service]
	l.Watch(p.Clock.Now)
	p.Clock.At(p.Clock.Now + quietMax)
	if main := p.Pool.First(l); main != l {
		if main.State == upstream.Open && !main.Silent {
			p.Pool.Remove(l, upstream.Idle)
			return
		}
		if main.State == upstream.Open {
			p.Pool.Lose(main, upstream.Replaced)
		}
		p.Pool.OnlyThis(l) // an older one, still being dialled, would otherwise be used in its place
	}
	delete(s.failedAt, l.Key.Node)
	s.sendDue(s.hub.All()...)
}

// Lost handles a subscription connection that has ended, or could not be opened. since is when it last certainly
// worked. It returns true when the connection is not needed any more.
func (s *Subscriptions) Lost(l *upstream.Conn, since time.Duration) (unneeded bool) {
	node := l.Key.Node
	if s.pubsub.Pool.First(l) != l {
		return true // it was dialled beside a silent one
	}
	s.failedAt[node] = s.pubsub.Clock.Now
	s.gapBegins(s.hub.Lost(node), since)
	s.placeAll()
	return s.hub.Uses(node) == 0 || !s.pubsub.Pool.Alone(l)
}

// Silent handles a subscription connection that has owed a reply for too long. In a cluster another node takes its
// place. Elsewhere a second connection shows whether the server is silent, or only the connection dead.
func (p *PubSub) Silent(l *upstream.Conn) {
	s := p.services[l.Key.Service]
	s.failedAt[l.Key.Node] = p.Clock.Now
	if s.View.IsSharded() && s.home == l.Key.Node {
		s.placeAll()
		s.sweep()
	}
	switch {
	case l.State != upstream.Open:
	case s.hub.Uses(l.Key.Node) == 0:
		s.end(l, upstream.Idle)
	default:
		p.Clock.At(p.Pool.TryAfresh(l))
	}
}

// Look sends PING on a subscription connection on which nothing comes, and closes one that is not needed.
func (p *PubSub) Look(l *upstream.Conn) {
	s := p.services[l.Key.Service]
	if l.State != upstream.Open {
		return
	}
	if s.hub.Uses(l.Key.Node) == 0 {
		if p.Clock.Now-l.UsedAt >= upstream.IdleAfter && l.Inflight.Len() == 0 {
			s.end(l, upstream.Idle)
			return
		}
		p.Clock.At(max(l.UsedAt+upstream.IdleAfter, p.Clock.Now+time.Second))
	}
	if l.Silent {
		p.Silent(l)
		return
	}
	if l.Inflight.Len() > 0 {
		return
	}
	if due := l.WaitsFrom + quietMax; p.Clock.Now < due {
		p.Clock.At(due)
		return
	}
	if s.View.LedBy(l.Key.Node) >= 0 {
		p.counts.Pings++
		p.send(l, 0, "PING")
	} else {
		p.Clock.At(p.Clock.Now + quietMax)
	}
}

// send puts a command on a subscription connection. ask identifies it for the hub.
func (p *PubSub) send(l *upstream.Conn, ask uint32, words ...string) {
	l.SendTagged(resp.AppendCommandStrings(nil, words...), ask)
	p.Pool.Dirty(l)
	p.sent++
}
