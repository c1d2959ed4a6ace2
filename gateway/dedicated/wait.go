package dedicated

import (
	"bytes"
	"strings"

	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
)

// WAIT and WAITAOF ask how far the writes of a client have come. A server answers for those of one connection, and a
// client's writes travelled on connections that others share. So it is asked on a private connection, when all that the
// client sent has been answered, and a PING goes before it: with it that connection is as far as the server is at that
// moment (Redis keeps an offset for each connection and sets it with every command).
//
// From 7.2 on, and in Valkey, only what is passed on to replicas sets it. There one of these goes before it that
// changes nothing, needs no key and so is taken by every node of a cluster: FUNCTION RESTORE of no functions. Where
// that is refused WAIT is answered with the reason, since the server would speak of too little.
//
// In a cluster the client's writes may be anywhere: the primaries are asked one after the other, with the time that is
// left, and the least of what they say is the answer; none where the time is over before all were asked.
//
// Where another server has become primary since the client's last write, or the same one has started anew, nobody knows
// whether that write is anywhere: then the answer is that nobody has it.

// noFunctions is what FUNCTION DUMP answers where there are none: the RDB version of Redis 7.0, which all later servers
// read, and a checksum.
const noFunctions = "\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda"

const needsRestore = "ERR evergate: WAIT needs FUNCTION RESTORE, which the server rejected: "

var restoreFrame = resp.AppendCommandStrings(nil, "FUNCTION", "RESTORE", noFunctions, "APPEND")

// aheadOfWait is what makes the WAIT behind it speak of all that the server has; nil for other commands.
func aheadOfWait(l *upstream.Conn, waits bool) []byte {
	switch {
	case !waits:
		return nil
	case l.OwnOffset:
		return restoreFrame
	}
	return resp.Ping
}

// beginRound has a WAIT ask all primaries, where there are several. Any other blocking command ends what a former one
// has left.
func beginRound(c *exchange.Session, waits bool) {
	c.SetRound(nil)
	if waits && len(c.Service.View.Shards) > 1 {
		c.SetRound(&session.Round{})
	}
}

// NextShard takes what a shard counts, and has the next one asked. reply becomes the least of all when it was the last.
func (k *Dedicated) NextShard(c *exchange.Session, t *upstream.Pending, frame, reply []byte) (answer []byte,
	goes bool) {
	counts, ok := resp.Ints(reply)
	if !ok || len(counts) == 0 || len(counts) > len(c.Round.Least) {
		c.SetRound(nil)
		return reply, false
	}
	r := c.Round
	for i := range counts {
		if r.Shard == 0 || counts[i] < r.Least[i] {
			r.Least[i] = counts[i]
		}
	}
	if r.Shard++; r.Shard < len(c.Service.View.Shards) {
		k.x.Retry(c, t, frame, retry.Entry{Target: -1})
		return nil, true
	}
	c.SetRound(nil)
	if len(counts) == 1 {
		return resp.AppendInt(nil, r.Least[0]), false
	}
	return resp.AppendInt(resp.AppendInt(resp.AppendArray(nil, 2), r.Least[0]), r.Least[1]), false
}

// FailWait deals with a WAIT that would speak of too little, since the server has refused what was counts ahead of it.
func (k *Dedicated) FailWait(l *upstream.Conn, refusal []byte) {
	waits := l.Inflight.Front()
	if why := retry.Classify(refusal, false); why == retry.Unable || why == retry.Busy {
		l.Queued = bytes.Clone(refusal) // the same is counts of WAIT, now or when it has waited
		return
	}
	if waits == nil || !l.OwnOffset {
		k.pool.Lose(l, upstream.Poisoned)
		return
	}
	c := k.x.Session(waits.To)
	if c == nil || c.Dedicated() != l {
		return
	}
	t := *waits
	waits.To.Generation = 0 // what the server says to it is for nobody
	c.SetRound(nil)
	k.x.Release(c)
	k.x.Settle(c, &t, resp.AppendError(nil, needsRestore+strings.TrimSpace(string(refusal[1:]))))
	if !c.Closed() {
		k.x.Landed(c, t.Shard)
	}
}
