package dedicated

import (
	"strings"

	"evergate/gateway/acks"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
)

// WAIT and WAITAOF ask how many servers have a client's writes. A server answers for the writes of one connection, but
// those of a client went on connections that others share. So the question is asked on a dedicated connection, when all
// earlier requests of the client are answered, with a HELLO in front: Redis keeps an offset for each connection, and
// sets it to the server's own with every command that it executes. A rejected one would leave the count to be for too
// few writes; HELLO without arguments changes nothing, and no user lacks the right to it.
//
// From 7.2 on, and in Valkey, only a command that is replicated sets it. There the command in front is one that changes
// nothing, needs no key, and so is accepted by every node of a cluster: FUNCTION RESTORE of no functions. Where that is
// rejected WAIT fails with the reason, since the server's count would be for too few writes.
//
// In a cluster the client's writes may be anywhere. The primaries are asked one after the other, with the time that is
// left, and the reply is the least of their counts; it is 0 when the time is over before all were asked.
//
// Where another server was promoted since the client's last write, or the same one has restarted, it is unknown whether
// any server has that write: the reply is 0.

// needsRestore is the error for a WAIT whose FUNCTION RESTORE was rejected; the server's error follows.
const needsRestore = "ERR evergate: WAIT needs FUNCTION RESTORE, which the server rejected: "

// aheadOfWait is the command in front of a WAIT after which its count is for all that the server has; nil for other
// commands.
func aheadOfWait(l *upstream.Conn, waits bool) []byte {
	if !waits {
		return nil
	}
	return acks.Ahead(l.OwnOffset)
}

// beginRound makes a WAIT ask all primaries, where there are several. Any blocking command ends the round of an earlier
// one.
func beginRound(c *sessions.Session, waits bool) {
	c.SetRound(nil)
	if waits && len(c.Service.View.Shards) > 1 {
		c.SetRound(&session.Round{})
	}
}

// NextShard takes the counts of a shard, and asks the next one; goes reports that it did. Otherwise answer is the reply
// to the client: the least counts, or reply where that has none. frame is the request.
func (k *Dedicated) NextShard(c *sessions.Session, t *upstream.Pending, frame, reply []byte) (answer []byte,
	goes bool) {
	counts, ok := resp.Ints(reply)
	if !ok || len(counts) == 0 || len(counts) > len(c.Round.Least) {
		c.SetRound(nil)
		return reply, false
	}
	r := c.Round
	if r.Take(counts); c.Service.View == nil || r.Shard < len(c.Service.View.Shards) {
		k.x.Retry(c, t, frame, retry.Entry{Target: -1})
		return nil, true
	}
	c.SetRound(nil)
	if len(counts) == 1 {
		return resp.AppendInt(nil, r.Least[0]), false
	}
	return resp.AppendInt(resp.AppendInt(resp.AppendArray(nil, 2), r.Least[0]), r.Least[1]), false
}

// FailWait handles a WAIT whose count would be for too few writes, since the server has rejected the command in front.
func (k *Dedicated) FailWait(l *upstream.Conn, refusal []byte) {
	waits := l.Inflight.Front()
	if why := retry.Classify(refusal, false); why == retry.Unable || why == retry.Busy {
		l.Reject(refusal) // it replaces the reply to the WAIT, which is for too few writes
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
	waits.Abandon() // its reply is dropped
	c.SetRound(nil)
	k.x.Release(c)
	k.x.Settle(c, &t, resp.AppendError(nil, needsRestore+strings.TrimSpace(string(refusal[1:]))))
	if !c.Closed() {
		k.x.Landed(c, t.Shard)
	}
}
