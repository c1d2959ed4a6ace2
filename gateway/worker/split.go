package worker

import (
	"bytes"

	"evergate/gateway/backend"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/routing"
)

// split is a request that was cut by slot and awaits its parts.
type split struct {
	seq   uint32
	left  int
	write bool
	kind  resp.JoinKind
	parts []resp.JoinPart
	bytes int // of the parts' replies so far
	// standIns: it is no split but an EXEC, whose one reply lacks these.
	standIns []session.StandIn
	limit    int // for resp.Newest
	// spread is set when the parts are those of all shards.
	spread *spread
	// walk is set for SCAN and its like, which have one part.
	walk *walk
}

// joinKinds translates what routing names into what resp does.
var joinKinds = map[routing.Merge]resp.JoinKind{
	routing.Ordered: resp.Ordered, routing.Sum: resp.Sum, routing.AllOK: resp.AllOK, routing.Concat: resp.Concat,
	routing.AnyOf: resp.AnyOf, routing.EachTrue: resp.EachTrue, routing.Same: resp.Same, routing.OneOK: resp.OneOK,
	routing.Least: resp.Least, routing.Newest: resp.Newest, routing.Texts: resp.Texts, routing.Saved: resp.AllOK,
	routing.Union: resp.Union, routing.SumPairs: resp.SumPairs,
}

// split sends the parts of a request. Either all can be sent now or none is: the session parks for the first that
// cannot.
func (w *Worker) split(c *client, d *routing.Decision, args [][]byte) bool {
	if c.svc.view == nil {
		return w.mayNot(c, -1, noView)
	}
	lanes := make([]*backend.Lane, len(d.Parts))
	byShard := map[int]*backend.Lane{}
	for i, p := range d.Parts {
		l := byShard[p.Shard]
		if l == nil {
			var why obstacle
			if l, why = w.choose(c, p.Shard, p.Slot, d.Read); l == nil {
				return w.mayNot(c, p.Shard, why)
			}
			byShard[p.Shard] = l
		}
		lanes[i] = l
	}
	s := &split{
		seq: c.Replies.Reserve(), left: len(d.Parts), write: !d.Safe, kind: joinKinds[d.Merge],
		parts: make([]resp.JoinPart, len(d.Parts)),
	}
	c.splits = append(c.splits, s)
	var words [][]byte
	for i, p := range d.Parts {
		words = append(words[:0], args[0])
		for _, a := range p.Args {
			words = append(words, args[a])
		}
		if s.kind == resp.Ordered {
			places := make([]int, len(p.Args))
			for k, a := range p.Args {
				places[k] = a - 1
			}
			s.parts[i].Places = places
		}
		w.send(c, lanes[i], &request{
			seq: s.seq, part: int16(i), slot: int16(p.Slot), shard: p.Shard, read: d.Safe,
			counts: d.Counts,
			frame:  resp.AppendCommand(nil, words...),
		})
	}
	return true
}

// splitOf finds the request that a part belongs to, or nil.
func (c *client) splitOf(seq uint32) *split {
	for _, s := range c.splits {
		if s.seq == seq {
			return s
		}
	}
	return nil
}

// partDone takes the reply to one part; the last one joins them.
func (w *Worker) partDone(c *client, seq uint32, part int16, reply []byte) {
	for i, s := range c.splits {
		if s.seq != seq {
			continue
		}
		if s.spread != nil && s.spread.saving != nil && w.saves(c, s, part, &reply) {
			return
		}
		s.parts[part].Reply = bytes.Clone(reply)
		s.bytes += len(reply)
		s.left--
		if s.left > 0 {
			if len(c.out)-c.sent+s.bytes > w.conf.OutputBytesMax {
				w.close(c, session.OutputLimit)
			}
			return
		}
		c.splits = append(c.splits[:i], c.splits[i+1:]...)
		if s.standIns != nil {
			w.deliver(c, seq, w.completed(c, s))
			return
		}
		if s.walk != nil {
			w.deliver(c, seq, w.walked(c, s.walk, s.parts[0].Reply))
			return
		}
		if s.write && s.doneInPart() {
			w.stats.Uncertain++
			w.deliver(c, seq, s.uncertain())
			return
		}
		if s.kind == resp.AnyOf {
			w.rnd.Shuffle(len(s.parts), func(a, b int) { s.parts[a], s.parts[b] = s.parts[b], s.parts[a] })
		}
		w.deliver(c, seq, resp.Join(nil, s.kind, s.parts, s.limit))
		return
	}
}

// doneInPart answers a write of which only some slots' parts were executed, or perhaps were: no part's own error says
// what became of the whole.
var doneInPart = resp.AppendError(nil,
	"UNCERTAIN evergate: the keys lie in several slots, and the command may have been executed for some of them only")

// doneOnSome is doneInPart for a command that goes to all primaries.
var doneOnSome = resp.AppendError(nil,
	"UNCERTAIN evergate: the command goes to several servers, and may have been executed by some of them only")

func (s *split) uncertain() []byte {
	if s.spread != nil {
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
