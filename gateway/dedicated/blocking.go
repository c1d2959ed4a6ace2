package dedicated

import (
	"strconv"
	"time"

	"evergate/gateway/exchange"
	"evergate/gateway/local"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// A blocking command keeps its server from answering whatever comes behind it on the connection. So it is sent on a
// dedicated connection, when all earlier requests of the session are answered, and later ones wait. Where the
// connection is lost, or the server loses its role, the command is retried with the time that is left. When the client
// leaves meanwhile the connection is closed, and the server forgets the command.

// forEver is longer than any client waits.
const forEver = time.Duration(1<<62 - 1)

// DoBlocking sends a blocking command, or answers it. It returns false when the session was blocked.
func (k *Dedicated) DoBlocking(c *sessions.Session, d *routing.Decision, command *routing.Command, args [][]byte,
	frame []byte) bool {
	waits := command.Waits()
	if c.InFlight() || waits && c.Withholds() {
		k.x.Block(c, wait.InFlight)
		return false
	}
	if waits && c.Service.View == nil {
		return k.x.Unavailable(c, -1, upstream.NoView)
	}
	if waits && c.WriterGone() {
		k.x.AnswerLocal(c, local.NobodyHas(command))
		return true
	}
	changes := command.ReplicaRefuses()
	if changes && !k.x.MayConfirm(c, d.Shard) {
		return k.x.Unavailable(c, d.Shard, upstream.LacksReplicas)
	}
	l, why := k.x.Dedicate(c, d.Shard)
	if l == nil {
		return k.x.Unavailable(c, d.Shard, why)
	}
	k.x.BeginBlocking(c)
	beginRound(c, waits)
	k.x.Send(c, l, &exchange.Request{
		Seq: c.Replies.Reserve(), Part: -1, Slot: int16(d.Slot), Shard: d.Shard, Read: command.Has(routing.Read) || waits,
		First: aheadOfWait(l, waits), Keys: k.x.KeysOf(c, d, command, args), Blocking: true, Changes: changes,
		Frame: frame,
	})
	return true
}

// ResendBlocking sends a blocking command again, with the time that is left of its timeout, or answers it. It returns
// false when the session was blocked.
func (k *Dedicated) ResendBlocking(c *sessions.Session, a *retry.Entry, command *routing.Command,
	d *routing.Decision) bool {
	frame, left := a.Frame, forEver
	k.args = resp.Args(a.Frame, k.args[:0])
	if command == routing.Lookup(k.args) { // for a command that is not in the table the timeout cannot be found
		frame, left = timeLeft(command, k.args, a.Frame, c.BlockedFor())
	}
	waits, shard := command.Waits(), d.Shard
	if waits && c.Round != nil {
		shard = c.Round.Shard
	}
	if left <= 0 || waits && c.WriterGone() {
		c.SetRound(nil)
		k.x.Settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, inTimeNothing(command, c.Proto))
		return true
	}
	if c.InFlight() {
		k.x.Block(c, wait.InFlight)
		return false
	}
	if k.conf.Others.Paused(c, a) {
		if left < forEver {
			k.clock.Alarm(c.Ref, &c.Place, k.clock.Now+left)
		}
		return false
	}
	changes := command.ReplicaRefuses()
	var l *upstream.Conn
	why := upstream.LacksReplicas
	if !changes || k.x.MayConfirm(c, shard) {
		l, why = k.x.DedicateForRetry(c, a, shard)
	}
	if l == nil {
		if k.x.StillUnavailable(c, a, shard, why) {
			return true
		}
		if left < forEver {
			k.clock.Alarm(c.Ref, &c.Place, k.clock.Now+left)
		}
		return false
	}
	k.x.BeginBlocking(c)
	k.x.Send(c, l, &exchange.Request{
		Seq: a.Seq, Part: a.Part, Slot: int16(d.Slot), Redirects: a.Redirects, Retries: a.Retries, Cost: a.Cost,
		Shard: shard, Read: a.Read, Ask: a.Ask, First: aheadOfWait(l, waits), Foreign: a.Target >= 0, Blocking: true,
		Keys: k.x.KeysOf(c, d, command, k.args), Changes: changes, Frame: frame,
	})
	return true
}

// timeLeft returns the frame of a command that has waited for a while with the rest of its timeout, and that rest: 0
// when it is over, forEver without one. A timeout that is no number stays as it is.
func timeLeft(command *routing.Command, args [][]byte, frame []byte, waited time.Duration) ([]byte, time.Duration) {
	at, unit, ok := command.Timeout(args)
	if !ok {
		return frame, forEver
	}
	ms, err := strconv.ParseFloat(string(args[at]), 64)
	if unit == routing.Seconds {
		ms *= 1000
	}
	if err != nil || !(ms > 0) || ms > float64(forEver/time.Millisecond) {
		return frame, forEver
	}
	left := time.Duration(ms*float64(time.Millisecond)) - waited
	if left < time.Millisecond {
		return nil, 0
	}
	word := strconv.FormatInt(left.Milliseconds(), 10)
	if unit == routing.Seconds {
		word = strconv.FormatFloat(left.Seconds(), 'f', 3, 64)
	}
	words := make([][]byte, len(args))
	copy(words, args)
	words[at] = []byte(word)
	return resp.AppendCommand(nil, words...), left
}

// inTimeNothing is the reply to a blocking command whose timeout is over.
func inTimeNothing(command *routing.Command, proto uint8) []byte {
	if command.Waits() {
		return local.NobodyHas(command)
	}
	return resp.NullArrayIn(proto)
}
