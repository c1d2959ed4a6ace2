package worker_test

import (
	"strconv"
	"time"

	"evergate/gateway/acks"
	"evergate/gateway/resp"
	"evergate/routing"
	"evergate/testenv/play"
)

// fuzzAcks are the ways in which replicas confirm the writes of fuzzed services.
var fuzzAcks = [...]acks.Terms{{}, {Level: 1, Timeout: 200 * time.Millisecond}, {}, {Level: acks.All}}

// fuzzWaits are the commands that a connection was sent, by the WAIT behind them, and which of these were answered with
// as many replicas as they asked for.
type fuzzWaits struct {
	requests  play.Requests
	asked     int // commands in all
	from      int // the first one since the last WAIT
	rounds    []fuzzRound
	confirmed int // commands of rounds that were confirmed, and those that no WAIT was for
	unasked   int // commands since the last WAIT that change no key, so that nothing need confirm them
}

// fuzzRound is a WAIT: its place among the commands, its number of replicas, and for how many commands it is. Those
// that were answered before it came may have needed none.
type fuzzRound struct{ at, need, commands int }

// add takes what the connection was sent, of which so many commands are answered.
func (w *fuzzWaits) add(b []byte, answered int) {
	w.requests.Add(b)
	for args := w.requests.Front(); args != nil; args = w.requests.Front() {
		if clients := len(args) == 3 && string(args[2]) == "100"; string(args[0]) == "WAIT" && !clients {
			need, _ := strconv.Atoi(string(args[1]))
			first := min(max(w.from, answered), w.asked)
			w.rounds = append(w.rounds, fuzzRound{w.asked, need, w.asked - first})
			w.confirmed += first - w.from + w.unasked
			w.from, w.unasked = w.asked+1, 0
		} else if command := routing.Lookup(args); command != nil && !command.ReplicaRefuses() {
			w.unasked++
		}
		w.asked++
		w.requests.Pop()
	}
}

// reply is what a server says to the command of this place: to a WAIT, as many replicas as it asks for, or fewer.
func (w *fuzzWaits) reply(at int, short bool) []byte {
	for _, r := range w.rounds {
		switch {
		case r.at != at:
		case short:
			return resp.AppendInt(nil, int64(r.need-1))
		default:
			w.confirmed += r.commands
			return resp.AppendInt(nil, int64(r.need))
		}
	}
	return resp.OK
}

// mayBeAcked is how many commands can have been acknowledged: those that were confirmed, and those that nothing
// confirms.
func (w *fuzzWaits) mayBeAcked() int { return w.confirmed + w.asked - w.from }
