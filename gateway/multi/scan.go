package multi

import (
	"bytes"
	"strconv"

	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/routing"
	"evergate/topology"
)

// SCAN goes through a cluster in the order of its slots. The owner of the lowest slot that is left is scanned whole; of
// what it returns, the keys in that slot and in the slots behind it without a gap are passed on. Then it is asked which
// of these slots it really owned to the end, since the view may be behind: there the scan goes on. A key in a slot that
// is being moved leaves the owner for another server, maybe before the owner's scan has reached it. So such a slot ends
// the range; when its owner has been scanned, the server that it moves to is scanned as well: what was not yet there
// the first time is there the second.
//
// Each step is one request of the client, whose cursor holds all that is known of the scan. Where there are no slots,
// and for HSCAN and its kin, that is the server's own cursor and its print.

const (
	// moreOf is the COUNT with which a server is asked to bring a page out of its first bucket; it doubles up to
	// moreMax.
	moreOf  = 1000
	moreMax = 64000
)

var (
	invalidCursor = []byte("-ERR invalid cursor\r\n")
	oddPage       = []byte("-ERR evergate: the server's reply to a scan is malformed\r\n")

	countWord = []byte("COUNT")

	clusterNodes = resp.AppendCommandStrings(nil, "CLUSTER", "NODES")
)

// scan is one step of a scan, a request of a client.
type scan struct {
	args [][]byte // of the client
	at   int      // the index of the cursor
	asks uint64   // that cursor
	// slot of the key, or -1 for SCAN.
	slot int
	// next is what is asked now, under the present view; to is the end of the slots that the server has without a gap.
	next cursor
	to   int
	node topology.NodeID
	// sharded: it goes through slots.
	sharded bool
	// begins is where the server's own cursor begins, as the client has it. on is where the page goes on, if not 0:
	// what was found so far ends in the bucket in which it began, see cursor. found are count elements; steps is how
	// often it went on.
	begins, on uint64
	onPrint    uint32
	found      []byte
	count      int
	steps      int
	answer     []byte
}

// Scan sends SCAN and its kin, or what must be asked first. It returns false when the session was blocked.
func (m *Multi) Scan(c *sessions.Session, command *routing.Command, args [][]byte) bool {
	k := &scan{at: 1, slot: -1}
	if command.First > 0 {
		k.at = 2
	}
	var ok bool
	if k.asks, ok = parseCursor(args[k.at]); !ok {
		m.x.Answer(c, invalidCursor)
		return true
	}
	if c.Service.View == nil {
		return m.x.Unavailable(c, -1, upstream.NoView)
	}
	if command.First > 0 && c.Service.View.Sharded {
		k.slot = routing.Slot(args[command.First])
	}
	k.args = args
	r, l, why := m.step(c, k, &retry.Entry{Target: -1})
	if l == nil {
		return m.x.Unavailable(c, r.Shard, why)
	}
	k.args = resp.Args(resp.AppendCommand(nil, args...), nil)
	r.Seq = c.Replies.Reserve()
	c.Compose(&parted{m: m, seq: r.Seq, left: 1, parts: make([]resp.JoinPart, 1), scan: k})
	m.x.Send(c, l, &r)
	return true
}

// resendScan sends a step again, or what takes its place under the present view. It returns false when the session was
// blocked.
func (m *Multi) resendScan(c *sessions.Session, s *parted, a *retry.Entry) bool {
	if c.Service.View == nil {
		return m.x.StillUnavailable(c, a, -1, upstream.NoView)
	}
	r, l, why := m.step(c, s.scan, a)
	if l == nil {
		return m.x.StillUnavailable(c, a, r.Shard, why)
	}
	r.Seq, r.Redirects, r.Retries, r.Cost = a.Seq, a.Redirects, a.Retries, a.Cost
	r.Began, r.Command = a.Began, a.Command
	m.x.Send(c, l, &r)
	return true
}

// step finds out what must be asked next, and which server. l is nil where there is no connection, and why is the
// obstacle.
func (m *Multi) step(c *sessions.Session, k *scan, a *retry.Entry) (r exchange.Request, l *upstream.Conn,
	why upstream.Obstacle) {
	v := c.Service.View
	r = exchange.Request{Part: 0, Slot: int16(k.slot), Read: true}
	k.sharded = v.Sharded && k.slot < 0
	k.next = k.layout().read(k.asks)
	switch {
	case k.sharded:
		k.to = v.RangeEnd(k.next.slot)
		r.Shard = c.ShardOfSlot(k.next.slot)
		a.Unredirect()
		m.follow(k, v, r.Shard, a)
	case v.Sharded:
		r.Shard = c.ShardOfSlot(k.slot)
	}
	l, why = m.x.ChooseForRetry(c, a, &routing.Decision{Shard: r.Shard, Slot: k.slot}, nil)
	if l == nil {
		return r, nil, why
	}
	r.Ask, r.Foreign = a.Ask, a.Target >= 0
	n := c.Service.View.Node(l.Key.Node)
	if n == nil {
		return r, nil, upstream.InFlight
	}
	k.node = l.Key.Node
	m.goOn(k, v, n, r.Shard)
	r.Frame = k.frame()
	return r, l, upstream.Free
}

// follow turns to the server that a slot is being moved to, where the cursor belongs to that one. Where that has become
// the slot's owner there is nothing to turn to; where it is unknown the scan of the slot begins again.
func (m *Multi) follow(k *scan, v *topology.View, shard int, a *retry.Entry) {
	if k.next.stage != following || shard < 0 {
		return
	}
	if p := v.Shards[shard].Primary; p != nil && m.guest(k, p) == k.next.print {
		return
	}
	found := 0
	for _, n := range v.Nodes {
		if n != nil && m.guest(k, n) == k.next.print && !v.IsReplica(n.ID) {
			a.Redirect(n.ID)
			found++
		}
	}
	if found != 1 {
		a.Unredirect()
		k.next = cursor{slot: k.next.slot}
	}
}

// goOn compares the cursor's print to that of the node which will be asked. Where it is another one, the scan of the
// slot begins again.
func (m *Multi) goOn(k *scan, v *topology.View, n *topology.Node, shard int) {
	switch print := uint32(0); {
	case k.sharded && (k.next.stage == checkingFollowed || k.next.stage == following && k.next.print == m.guest(k, n)):
	case k.sharded:
		print = m.printOf(throughSlots, n, v.Shards[shard].ConfigEpoch, uint64(k.to))
		if k.next.stage == following || k.next.print != print {
			k.next = cursor{slot: k.next.slot, print: print}
		}
	default:
		if print = m.printOf(ofOneServer, n); k.next.print != print {
			k.next = cursor{print: print}
		}
	}
	if k.begins = k.next.at; k.on > 0 && k.next.print == k.onPrint {
		k.next.at = k.on
	} else {
		k.on, k.steps, k.count, k.found = 0, 0, 0, nil
	}
}

// guest is the print of a server that the slot is being moved to.
func (m *Multi) guest(k *scan, n *topology.Node) uint32 {
	return m.printOf(throughSlots, n, uint64(k.next.slot))
}

// frame is the request of the step.
func (k *scan) frame() []byte {
	if k.checks() {
		return clusterNodes
	}
	words := make([][]byte, len(k.args), len(k.args)+2)
	copy(words, k.args)
	words[k.at] = strconv.AppendUint(nil, k.next.at, 10)
	if k.on > 0 { // servers take the last COUNT
		words = append(words, countWord, strconv.AppendInt(nil, int64(min(moreMax, moreOf<<(k.steps-1))), 10))
	}
	return resp.AppendCommand(nil, words...)
}

// checks reports whether the step asks a server about its slots.
func (k *scan) checks() bool {
	return k.sharded && (k.next.stage == checking || k.next.stage == checkingFollowed)
}

// layout is that of the cursor.
func (k *scan) layout() layout {
	if k.sharded {
		return throughSlots
	}
	return ofOneServer
}

// goesOn takes the server's reply, and sets scan.answer. Where that is not yet the whole page of the client, it returns
// true, and the session retries with the next request.
func (m *Multi) goesOn(c *sessions.Session, s *parted) bool {
	k := s.scan
	if k.answer = m.scanned(c, k, s.parts[0].Reply); k.answer != nil {
		return false
	}
	if c.Output.Len()+len(k.found) > c.Terms().Output.Max {
		m.x.Close(c, session.OutputLimit)
		return true
	}
	keepPart(c, s, len(k.found)-s.bytes)
	s.left, s.parts[0], s.room = 1, resp.JoinPart{}, s.room[:0]
	m.x.Retry(c, &upstream.Pending{Seq: s.seq, Part: 0, Slot: int16(k.slot)}, k.frame(), retry.Entry{Target: -1})
	return true
}

// scanned makes the client's reply of the server's, or returns nil when more must be asked.
func (m *Multi) scanned(c *sessions.Session, k *scan, reply []byte) []byte {
	switch {
	case k.checks() && bytes.HasPrefix(reply, []byte("-NOPERM")):
		why := string(bytes.TrimSpace(reply[1:]))
		return resp.AppendError(nil, "ERR evergate: SCAN needs CLUSTER NODES, which the server rejected: "+why)
	case reply[0] == '-':
		return reply
	case k.checks():
		return m.checked(c, k, reply)
	}
	page, ok := resp.Elements(reply)
	if !ok || len(page) != 2 {
		return oddPage
	}
	word, ok := resp.String(page[0])
	at, err := strconv.ParseUint(string(word), 10, 64)
	if !ok || err != nil || !k.take(page[1]) {
		return oddPage
	}
	next := k.next
	next.at = k.layout().cut(at)
	switch {
	case at > 0 && (next.at == k.begins || next.at == 0):
		k.on, k.onPrint = at, k.next.print
		k.steps = min(k.steps+1, 8)
		return nil
	case at > 0:
	case !k.sharded:
		next = finished
	case next.stage == following:
		next.stage = checkingFollowed
	default:
		next.stage = checking
	}
	return k.page(next, append(resp.AppendArray(nil, k.count), k.found...))
}

// take adds elements to those found. A step through slots takes only the keys in its own: the others were passed on, or
// will be. It returns false when page is malformed.
func (k *scan) take(page []byte) bool {
	keys, ok := resp.Elements(page)
	if !ok {
		return false
	}
	end := k.to
	if k.next.stage == following {
		end = k.next.slot + 1
	}
	for _, frame := range keys {
		if k.sharded {
			key, ok := resp.String(frame)
			if !ok {
				return false
			}
			if slot := routing.Slot(key); slot < k.next.slot || slot >= end {
				continue
			}
		}
		k.found = append(k.found, frame...)
		k.count++
	}
	return true
}

// page is the client's reply.
func (k *scan) page(next cursor, elements []byte) []byte {
	b := resp.AppendBulk(resp.AppendArray(nil, 2), strconv.AppendUint(nil, k.layout().write(next), 10))
	return append(b, elements...)
}

// checked makes the client's reply of what a server reports of its slots: an empty page, with the cursor where the scan
// goes on.
func (m *Multi) checked(c *sessions.Session, k *scan, reply []byte) []byte {
	text, ok := resp.String(reply)
	if !ok {
		return oddPage
	}
	at, v := topology.ReadOwnSlots(string(text)), c.Service.View
	slot := k.next.slot
	var to *topology.Node // where the first slot is being moved
	if addr := at.To(slot); addr != "" && v != nil {
		to = v.NodeNamed(addr, c.Service.View.Node(k.node))
	}
	next := from(slot)
	switch k.next.stage {
	case checking:
		end := slot
		for end < k.to && at.Has(end) {
			end++
		}
		if next = from(end); end == slot && to != nil {
			next = cursor{slot: slot, stage: following, print: m.guest(k, to)}
		} else if end == slot { // the view is behind
			m.reportNode(c, k.node)
		}
	case checkingFollowed:
		owner := c.Service.View.Node(k.node)
		if to != nil && m.guest(k, to) == k.next.print ||
			owner != nil && at.Has(slot) && m.guest(k, owner) == k.next.print {
			next = from(slot + 1)
		}
	}
	return k.page(next, resp.EmptyArray)
}

// reportNode makes the control plane ask the servers about themselves.
func (m *Multi) reportNode(c *sessions.Session, node topology.NodeID) {
	s := c.Service
	if s.View == nil {
		return
	}
	m.conf.Report(s.Of, topology.Report{
		Kind: topology.Refused, Node: node, Shard: s.View.ShardOf(node), Epoch: s.View.Epoch, Slot: -1,
	})
}
