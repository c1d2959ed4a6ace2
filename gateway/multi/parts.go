package multi

import (
	"bytes"

	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/routing"
)

// partsRoom bounds the room that is made for replies to come, and of a buffer that is reused, in bytes.
const partsRoom = 64 << 10

// doneInPart is the error for a write of which some parts were executed, or may have been, and others were not: the
// error of a single part does not describe the whole.
var doneInPart = resp.AppendError(nil,
	"UNCERTAIN evergate: the keys are in several slots, and the command may have been executed for only some of them")

// doneOnSome is doneInPart for a command that is broadcast.
var doneOnSome = resp.AppendError(nil,
	"UNCERTAIN evergate: the command was sent to several servers, and only some of them may have executed it")

// parted is a request that waits for the replies to its parts.
type parted struct {
	m     *Multi
	seq   uint32
	left  int // parts without a reply
	write bool
	kind  resp.JoinKind
	parts []resp.JoinPart
	bytes int    // that are counted as kept for the client, of the replies so far
	room  []byte // where these are kept
	// places is the memory of the Places of all parts. reused: the split is kept for another request when it has ended.
	places []int
	reused bool
	limit  int // of entries, for resp.Newest
	// broadcast is set when the parts are those of all shards.
	broadcast *broadcast
	// scan is set for SCAN and its kin, which have one part.
	scan *scan
}

// joinKinds translates what routing decides into how resp joins.
var joinKinds = map[routing.Merge]resp.JoinKind{
	routing.Ordered: resp.Ordered, routing.Sum: resp.Sum, routing.AllOK: resp.AllOK, routing.Concat: resp.Concat,
	routing.AnyOf: resp.AnyOf, routing.EachTrue: resp.EachTrue, routing.Same: resp.Same, routing.OneOK: resp.OneOK,
	routing.Least: resp.Least, routing.Newest: resp.Newest, routing.Texts: resp.Texts, routing.Saved: resp.AllOK,
	routing.Union: resp.Union, routing.SumPairs: resp.SumPairs,
}

// splitOf returns the request whose reply has this place, or nil.
func splitOf(c *sessions.Session, seq uint32) *parted {
	s, _ := c.Composite(seq).(*parted)
	return s
}

// Seq is the place of the reply.
func (s *parted) Seq() uint32 { return s.seq }

// Apart reports whether the parts are those of all shards: each then concerns its own shard alone.
func (s *parted) Apart() bool { return s.broadcast != nil }

// OnlyAsks reports whether a part asks how far a save is, or for the rest of a page of a scan. A later request does not
// change a SAVE: the server keeps what it had when it began. A scan promises only the elements that are there
// throughout.
func (s *parted) OnlyAsks(part int16) bool {
	if s.scan != nil && s.scan.on > 0 {
		return true
	}
	return s.broadcast != nil && s.broadcast.saving != nil && s.broadcast.saving.begun[part]
}

// Size is how many bytes of the parts' replies are kept.
func (s *parted) Size() (n int) {
	if s.scan != nil {
		return s.bytes
	}
	for i := range s.parts {
		n += len(s.parts[i].Reply)
	}
	return n
}

// Take takes the reply to one part. The last one makes the reply of the whole, or begins the next step.
func (s *parted) Take(c *sessions.Session, part int16, reply []byte) {
	m := s.m
	if s.broadcast != nil && s.broadcast.saving != nil && m.saves(c, s, part, &reply) {
		return
	}
	s.parts[part].Take(s.keep(reply))
	keepPart(c, s, len(reply))
	s.left--
	if s.left > 0 {
		m.x.CheckOutput(c)
		return
	}
	if s.scan != nil && m.goesOn(c, s) {
		return
	}
	c.Composed(s)
	dropParts(c, s)
	switch {
	case s.scan != nil:
		m.x.Deliver(c, s.seq, s.scan.answer)
	case s.write && s.doneInPart():
		m.x.CountUncertain(c.Service)
		m.x.Deliver(c, s.seq, s.uncertain())
	default:
		m.join(c, s)
	}
}

// keep copies a part's reply. The parts are much alike, so the first one makes room for all.
func (s *parted) keep(reply []byte) []byte {
	if cap(s.room)-len(s.room) < len(reply) {
		s.room = make([]byte, 0, max(len(reply), min(s.left*len(reply), partsRoom)))
	}
	from := len(s.room)
	s.room = append(s.room, reply...)
	return s.room[from:len(s.room):len(s.room)]
}

// keepPart counts n more bytes, or less, as kept for the client.
func keepPart(c *sessions.Session, s *parted, n int) {
	s.bytes += n
	c.Replies.KeepPart(n)
	s.m.x.Account(c)
}

// dropParts counts the bytes of a split as not kept any more.
func dropParts(c *sessions.Session, s *parted) { keepPart(c, s, -s.bytes) }

// join makes one reply of those to the parts, and delivers it.
func (m *Multi) join(c *sessions.Session, s *parted) {
	if s.kind == resp.AnyOf {
		m.rnd.Shuffle(len(s.parts), func(a, b int) { s.parts[a], s.parts[b] = s.parts[b], s.parts[a] })
	}
	m.cut.frame = resp.Join(m.cut.frame[:0], s.kind, s.parts, s.limit)
	m.x.Deliver(c, s.seq, m.cut.frame)
	m.cut.frame = spare(m.cut.frame)
	m.splitEnded(s)
}

// uncertain is the error for a write that was executed in part.
func (s *parted) uncertain() []byte {
	if s.broadcast != nil {
		return doneOnSome
	}
	return doneInPart
}

// doneInPart reports whether the outcome of a part is unknown, or the gateway rejected one part while another was
// executed. An error of a server (OOM, NOPERM) is an answer, and stays what it is.
func (s *parted) doneInPart() bool {
	executed, refused := false, false
	for i := range s.parts {
		reply := s.parts[i].Reply
		switch {
		case bytes.HasPrefix(reply, []byte("-UNCERTAIN ")):
			return len(s.parts) > 1
		case refusedHere(reply):
			refused = true
		default:
			executed = true
		}
	}
	return executed && refused
}

// refusedHere reports whether a reply is the gateway's own for what was not executed.
func refusedHere(reply []byte) bool {
	return bytes.HasPrefix(reply, []byte("-LOADING evergate: ")) ||
		bytes.HasPrefix(reply, []byte("-TRYAGAIN evergate: ")) || exchange.IsLackOfReplicas(reply)
}

// spare empties a buffer to be reused, unless it has grown large.
func spare(b []byte) []byte {
	if cap(b) > partsRoom {
		return nil
	}
	return b[:0]
}
