package multi

import (
	"slices"

	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/routing"
)

const (
	// splitsKept is how many splits that have ended are kept to be reused, partsKept how many parts they may have: one
	// that has cut a hundred keys takes 20 KB.
	splitsKept = 32
	partsKept  = 1 << 10
)

// scratch are buffers that are reused from one request to the next.
type scratch struct {
	words   [][]byte
	frame   []byte
	byShard []*upstream.Conn
	spare   []*parted
}

// Split cuts a request by slot and sends its parts, by the decision d. Either all of them can be sent now, or none is,
// and the session is blocked for the first that cannot. It returns false when the session was blocked.
func (m *Multi) Split(c *sessions.Session, d *routing.Decision, command *routing.Command, args [][]byte,
	frame []byte) bool {
	if c.Service.View == nil {
		return m.x.Unavailable(c, -1, upstream.NoView)
	}
	conns, refused, why := m.connsOf(c, d, command, args, c.Company(len(frame), 0))
	if conns == nil {
		return m.x.Unavailable(c, refused, why)
	}
	s := m.newSplit(len(d.Parts))
	s.seq, s.write, s.kind = c.Replies.Reserve(), !d.Safe, joinKinds[d.Merge]
	c.Compose(s)
	places := slices.Grow(s.places[:0], len(args)-1)
	s.places = places
	words := m.cut.words
	r := exchange.Request{Seq: s.seq, Read: d.Safe, Changes: d.Changes, Counts: d.Counts}
	for i := range d.Parts {
		p := &d.Parts[i]
		words = wordsOf(words, args, p)
		if s.kind == resp.Ordered {
			from := len(places)
			for _, a := range p.Args {
				places = append(places, a-1)
			}
			s.parts[i] = resp.JoinPart{Places: places[from:len(places):len(places)]}
		}
		m.cut.frame = resp.AppendCommand(m.cut.frame[:0], words...)
		r.Part, r.Slot, r.Shard, r.Frame = int16(i), int16(p.Slot), p.Shard, m.cut.frame
		if !d.Safe {
			r.Keys = m.x.KeysOf(c, d, command, words)
		}
		m.x.Send(c, conns[p.Shard], &r)
	}
	m.cut.words = words[:0]
	m.cut.frame = spare(m.cut.frame)
	return true
}

// connsOf chooses a connection for each shard that the parts name: to its primary unless a replica may serve all of its
// parts. Where there is none it returns nil, the shard, and
// the obstacle. The slice is valid until the next call.
func (m *Multi) connsOf(
	c *sessions.Session, d *routing.Decision, command *routing.Command, args [][]byte, with upstream.Company,
) (conns []*upstream.Conn, shard int, why upstream.Obstacle) {
	conns = append(m.cut.byShard[:0], make([]*upstream.Conn, len(c.Service.View.Shards))...)
	m.cut.byShard = conns
	for i := range d.Parts {
		p := &d.Parts[i]
		var keys upstream.Keys
		if d.Read {
			m.cut.words = wordsOf(m.cut.words, args, p)
			keys = m.x.KeysOf(c, d, command, m.cut.words)
		}
		use := exchange.UseOf(d)
		if p.Shard >= 0 && conns[p.Shard] != nil {
			if !d.Read || m.x.MayRead(c, conns[p.Shard], p.Shard, p.Slot, keys) {
				continue
			}
			use = exchange.Asks
		}
		l, why := m.x.Choose(c, p.Shard, p.Slot, use, keys, with)
		if l == nil {
			return nil, p.Shard, why
		}
		conns[p.Shard] = l
	}
	return conns, -1, upstream.Free
}

// wordsOf returns the words of a part, in place of those in words.
func wordsOf(words, args [][]byte, p *routing.Part) [][]byte {
	words = append(words[:0], args[0])
	for _, a := range p.Args {
		words = append(words, args[a])
	}
	return words
}

// newSplit returns a split with this many parts, a reused one if possible.
func (m *Multi) newSplit(parts int) *parted {
	s := &parted{m: m}
	if n := len(m.cut.spare); n > 0 {
		s = m.cut.spare[n-1]
		m.cut.spare = m.cut.spare[:n-1]
	}
	s.parts = slices.Grow(s.parts[:0], parts)[:parts]
	s.left, s.reused = parts, true
	return s
}

// splitEnded keeps a split that newSplit has made to be reused.
func (m *Multi) splitEnded(s *parted) {
	if !s.reused || len(m.cut.spare) >= splitsKept || cap(s.parts) > partsKept {
		return
	}
	clear(s.parts)
	*s = parted{m: m, parts: s.parts, places: s.places, room: spare(s.room)}
	m.cut.spare = append(m.cut.spare, s)
}
