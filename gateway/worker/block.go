package worker

import (
	"strconv"
	"time"

	"evergate/gateway/local"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// A blocking command keeps its server waiting, and whatever comes behind it on the connection. So it goes on a lane of
// the session's own, when all that the session sent before has been answered; and what the session sends behind it
// waits. Where the connection is lost, or the server loses its role, the command is put again with the time that is
// left. A client that leaves meanwhile takes the lane with it, and the server forgets what it waited for.

// BlockingLost is what becomes of a blocking pop that was sent and whose connection was lost: an element may have been
// taken that nobody has seen.
type BlockingLost uint8

const (
	// PopAgain puts it again, and counts it.
	PopAgain BlockingLost = iota
	// CloseClient closes the client's connection.
	CloseClient
	// SayUncertain answers as for any write.
	SayUncertain
)

// block sends a blocking command. It returns false when the session was parked.
func (w *Worker) block(c *client, d *routing.Decision, command *routing.Command, frame []byte) bool {
	waits := command.Waits()
	if len(c.flights) > 0 || waits && c.withheld != nil {
		w.park(c, wait.InFlight)
		return false
	}
	if waits && c.svc.View == nil {
		return w.mayNot(c, -1, upstream.NoView)
	}
	if waits && c.wrote.gone(c) {
		w.stats.Local++
		w.answer(c, local.NobodyHas(command))
		return true
	}
	l, why := w.private(c, d.Shard)
	if l == nil {
		return w.mayNot(c, d.Shard, why)
	}
	c.own().blockedSince = max(w.clock.Now, 1)
	c.beginRound(waits)
	w.send(c, l, &request{
		seq: c.Replies.Reserve(), part: -1, slot: int16(d.Slot), shard: d.Shard, read: command.Has(routing.Read) || waits,
		ping: waits, blocking: true, frame: frame,
	})
	return true
}

// isBlocked says that a session waits for the answer to a blocking command.
func (w *Worker) isBlocked(c *client) bool {
	return c.blockedSince > 0 && (len(c.flights) > 0 || len(c.retries) > 0 || c.withheld != nil)
}

// stillBlocked is isBlocked, and parks the session if so.
func (w *Worker) stillBlocked(c *client) bool {
	if !w.isBlocked(c) {
		c.blockedSince = 0
		return false
	}
	w.park(c, wait.Blocked)
	return true
}

// blockingLost deals with a blocking command that may have been executed before its connection was lost. It returns
// false when the client is to be told that nobody knows.
func (w *Worker) blockingLost(c *client, t *upstream.Pending, frame []byte) bool {
	w.args = resp.Args(frame, w.args[:0])
	command := routing.Lookup(w.args)
	switch {
	case command == nil:
		return false
	case command.Keeps():
	case c.svc.BlockingLost == CloseClient:
		w.close(c, session.BlockingLost)
		return true
	case c.svc.BlockingLost == SayUncertain:
		return false
	default:
		w.stats.PopsAgain++
	}
	w.stats.DoneAgain++
	w.addRetry(c, t, frame, retry.Entry{Target: -1, Redirects: t.Redirects, Retries: t.Retries})
	return true
}

// resendBlocking sends a blocking command again, with the time that is left of what the client gave it.
func (w *Worker) resendBlocking(c *client, a *retry.Entry, command *routing.Command, d *routing.Decision) bool {
	frame, left := a.Frame, forEver
	if command == routing.Lookup(w.args) { // of others it is not known where they say how long they wait
		frame, left = timeLeft(command, w.args, a.Frame, w.clock.Now-c.blockedSince)
	}
	waits := command.Waits()
	if waits && c.round != nil {
		d.Shard = c.round.shard
	}
	if left <= 0 || waits && c.wrote.gone(c) {
		c.round = nil
		w.settle(c, &upstream.Pending{Seq: a.Seq, Part: a.Part}, inTimeNothing(command, c.Proto))
		return true
	}
	if len(c.flights) > 0 {
		w.park(c, wait.InFlight)
		return false
	}
	if w.postponedRetry(c, a) {
		if left < forEver {
			w.clock.Alarm(c.ref, &c.Place, w.clock.Now+left)
		}
		return false
	}
	l, why := w.privateForRetry(c, a, d.Shard)
	if l == nil {
		if w.mayNotResend(c, a, d.Shard, why) {
			return true
		}
		if left < forEver {
			w.clock.Alarm(c.ref, &c.Place, w.clock.Now+left)
		}
		return false
	}
	c.own().blockedSince = max(w.clock.Now, 1)
	w.send(c, l, &request{
		seq: a.Seq, part: a.Part, slot: int16(d.Slot), redirects: a.Redirects, retries: a.Retries, cost: a.Cost,
		shard: d.Shard, read: a.Read, ask: a.Ask, ping: waits, foreign: a.Target >= 0, blocking: true, frame: frame,
	})
	return true
}

// forEver is longer than any client waits.
const forEver = time.Duration(1<<62 - 1)

// timeLeft writes a command anew that has waited for a while, and says how long it may still wait: 0 when its time is
// over. What is no time stays as it is.
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
