package multi

import (
	"bytes"
	"slices"

	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// split is a request that was cut by slot and awaits its parts.
type split struct {
	m     *Multi
	seq   uint32
	left  int
	write bool
	kind  resp.JoinKind
	parts []resp.JoinPart
	bytes int    // of the parts' replies so far
	room  []byte // where they are kept
	// places are what those of parts alias. again: it may be used again when it has ended.
	places []int
	reused bool
	limit  int // for resp.Newest
	// broadcast is set when the parts are those of all shards.
	broadcast *broadcast
	// scan is set for SCAN and its like, which have one part.
	scan *scan
}

// scratch is what split uses again and again.
type scratch struct {
	words   [][]byte
	frame   []byte
	byShard []*upstream.Conn
	spare   []*split
}

// joinKinds translates what routing names into what resp does.
var joinKinds = map[routing.Merge]resp.JoinKind{
	routing.Ordered: resp.Ordered, routing.Sum: resp.Sum, routing.AllOK: resp.AllOK, routing.Concat: resp.Concat,
	routing.AnyOf: resp.AnyOf, routing.EachTrue: resp.EachTrue, routing.Same: resp.Same, routing.OneOK: resp.OneOK,
	routing.Least: resp.Least, routing.Newest: resp.Newest, routing.Texts: resp.Texts, routing.Saved: resp.AllOK,
	routing.Union: resp.Union, routing.SumPairs: resp.SumPairs,
}

// Split sends the parts of a request. Either all can be sent now or none is: the session parks for the first that
// cannot.
func (m *Multi) Split(c *exchange.Session, d *routing.Decision, args [][]byte, frame []byte) bool {
	if c.Service.View == nil {
		return m.x.Unavailable(c, -1, upstream.NoView)
	}
	conns, refused, why := m.connsOf(c, d, c.Company(len(frame), 0))
	if conns == nil {
		return m.x.Unavailable(c, refused, why)
	}
	s := m.newSplit(len(d.Parts))
	s.seq, s.write, s.kind = c.Replies.Reserve(), !d.Safe, joinKinds[d.Merge]
	c.Compose(s)
	places := slices.Grow(s.places[:0], len(args)-1)
	s.places = places
	words := m.cut.words
	r := exchange.Request{Seq: s.seq, Read: d.Safe, Counts: d.Counts}
	for i := range d.Parts {
		p := &d.Parts[i]
		words = append(words[:0], args[0])
		for _, a := range p.Args {
			words = append(words, args[a])
		}
		if s.kind == resp.Ordered {
			from := len(places)
			for _, a := range p.Args {
				places = append(places, a-1)
			}
			s.parts[i].Places = places[from:len(places):len(places)]
		}
		m.cut.frame = resp.AppendCommand(m.cut.frame[:0], words...)
		r.Part, r.Slot, r.Shard, r.Frame = int16(i), int16(p.Slot), p.Shard, m.cut.frame
		m.x.Send(c, conns[p.Shard], &r)
	}
	m.cut.words = words[:0]
	m.cut.frame = spare(m.cut.frame)
	return true
}

// connsOf chooses a connection for each shard that the parts name. Where one cannot be had it returns nil, the shard,
// and why. The connections are valid until it is called again.
func (m *Multi) connsOf(
	c *exchange.Session, d *routing.Decision, with upstream.Company,
) (conns []*upstream.Conn, shard int, why upstream.Obstacle) {
	conns = append(m.cut.byShard[:0], make([]*upstream.Conn, len(c.Service.View.Shards))...)
	m.cut.byShard = conns
	for i := range d.Parts {
		p := &d.Parts[i]
		if p.Shard >= 0 && conns[p.Shard] != nil {
			continue
		}
		l, why := m.x.Choose(c, p.Shard, p.Slot, d.Read, with)
		if l == nil {
			return nil, p.Shard, why
		}
		conns[p.Shard] = l
	}
	return conns, -1, upstream.Free
}

// splitsKept is how many splits that have ended are kept to be used again, partsKept how many parts they may have: one
// that cuts a hundred keys takes 20 KB.
const (
	splitsKept = 32
	partsKept  = 1 << 10
)

func (m *Multi) newSplit(parts int) *split {
	s := &split{m: m}
	if n := len(m.cut.spare); n > 0 {
		s = m.cut.spare[n-1]
		m.cut.spare = m.cut.spare[:n-1]
	}
	s.parts = slices.Grow(s.parts[:0], parts)[:parts]
	s.left, s.reused = parts, true
	return s
}

// splitEnded keeps a split that newSplit has made for the next one.
func (m *Multi) splitEnded(s *split) {
	if !s.reused || len(m.cut.spare) >= splitsKept || cap(s.parts) > partsKept {
		return
	}
	clear(s.parts)
	*s = split{m: m, parts: s.parts, places: s.places, room: spare(s.room)}
	m.cut.spare = append(m.cut.spare, s)
}

// keepPart counts bytes of a split's parts: they are held for its client.
func keepPart(c *exchange.Session, s *split, n int) {
	s.bytes += n
	c.Replies.KeepPart(n)
}

// dropParts ends that.
func dropParts(c *exchange.Session, s *split) { keepPart(c, s, -s.bytes) }

// keep copies a part's reply. Parts are much alike, so that there is room for all at the first.
func (s *split) keep(reply []byte) []byte {
	if cap(s.room)-len(s.room) < len(reply) {
		s.room = make([]byte, 0, max(len(reply), min(s.left*len(reply), partsRoom)))
	}
	from := len(s.room)
	s.room = append(s.room, reply...)
	return s.room[from:len(s.room):len(s.room)]
}

// partsRoom bounds the room that is made for replies to come.
const partsRoom = 64 << 10

// spare returns a buffer to be used again, unless it has grown large.
func spare(b []byte) []byte {
	if cap(b) > partsRoom {
		return nil
	}
	return b[:0]
}

// splitOf finds the request that a part belongs to, or nil.
func splitOf(c *exchange.Session, seq uint32) *split {
	s, _ := c.Composite(seq).(*split)
	return s
}

// Seq is the place of the reply.
func (s *split) Seq() uint32 { return s.seq }

// Size is how many bytes are kept of the parts.
func (s *split) Size() (n int) {
	if s.scan != nil {
		return s.bytes
	}
	for i := range s.parts {
		n += len(s.parts[i].Reply)
	}
	return n
}

// Apart reports whether the parts are those of all shards.
func (s *split) Apart() bool { return s.broadcast != nil }

// Take takes the reply to one part; the last one joins them.
func (s *split) Take(c *exchange.Session, part int16, reply []byte) {
	w := s.m
	if s.broadcast != nil && s.broadcast.saving != nil && w.saves(c, s, part, &reply) {
		return
	}
	s.parts[part].Reply = s.keep(reply)
	keepPart(c, s, len(reply))
	s.left--
	if s.left > 0 {
		w.x.CheckOutput(c)
		return
	}
	if s.scan != nil && w.goesOn(c, s) {
		return
	}
	c.Composed(s)
	dropParts(c, s)
	switch {
	case s.scan != nil:
		w.x.Deliver(c, s.seq, s.scan.answer)
	case s.write && s.doneInPart():
		w.x.CountUncertain()
		w.x.Deliver(c, s.seq, s.uncertain())
	default:
		w.join(c, s)
	}
}

// join makes one reply of those to the parts.
func (m *Multi) join(c *exchange.Session, s *split) {
	if s.kind == resp.AnyOf {
		m.rnd.Shuffle(len(s.parts), func(a, b int) { s.parts[a], s.parts[b] = s.parts[b], s.parts[a] })
	}
	m.cut.frame = resp.Join(m.cut.frame[:0], s.kind, s.parts, s.limit)
	m.x.Deliver(c, s.seq, m.cut.frame)
	m.cut.frame = spare(m.cut.frame)
	m.splitEnded(s)
}

// doneInPart answers a write of which only some slots' parts were executed, or perhaps were: no part's own error says
// what became of the whole.
var doneInPart = resp.AppendError(nil,
	"UNCERTAIN evergate: the keys are in several slots, and the command may have been executed for only some of them")

// doneOnSome is doneInPart for a command that goes to all primaries.
var doneOnSome = resp.AppendError(nil,
	"UNCERTAIN evergate: the command was sent to several servers, and only some of them may have executed it")

func (s *split) uncertain() []byte {
	if s.broadcast != nil {
		return doneOnSome
	}
	return doneInPart
}

// doneInPart says that a part is uncertain, or that one was refused by the gateway while another was executed. The
// error of a server (OOM, NOPERM) is an answer: it stays what it is.
func (s *split) doneInPart() bool {
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

// refusedHere says that a reply is the gateway's own for what was not executed.
func refusedHere(reply []byte) bool {
	return bytes.HasPrefix(reply, []byte("-LOADING evergate: ")) || bytes.HasPrefix(reply, []byte("-TRYAGAIN evergate: "))
}
