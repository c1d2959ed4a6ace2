package worker

import (
	"bytes"
	"slices"
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/resp"
	"evergate/routing"
	"evergate/topology"
)

// A request that a server refused because of its role or the place of a key was not executed. It goes back to its
// session, which lets its flight finish and then does it again first, unless a later request of that flight that
// shares a key with it (in a cluster; elsewhere: any later request) was executed: then doing it would change the
// order, and the client is told. Redis's own words for such a refusal never reach a client.

const (
	// hopsMax bounds how often one request is sent on or done again without a wait between.
	hopsMax = 5
	// carefulFor is how long a session has one request at a time in flight on a slot that is being moved.
	carefulFor = 2 * time.Second
	// tryAgainPause is the first pause before a TRYAGAIN is done again; it doubles with each hop.
	tryAgainPause = 10 * time.Millisecond
	// loadingFor is how long after a lane opened a script's LOADING is the server's own: it restarted.
	loadingFor = time.Minute
	// replicasComeIn is how long after a switch a lack of replicas is waited out: Sentinel sends them to the new primary
	// about a second after it was promoted.
	replicasComeIn = 5 * time.Second
	// againMax bounds how often one request is done again whatever the hold window: for a minute.
	againMax = 250
	// refusedSoon is how many times a refused request is done again after refusingFor; then it is after refusedLong.
	refusedSoon = 40
	refusedLong = 300 * time.Millisecond
)

// again is one request that must be done again.
type again struct {
	seq     uint32
	part    int16
	slot    int16
	hops    uint8
	tries   uint8
	cost    uint8
	ask     bool
	primary bool // not on a replica
	read    bool
	stale   bool // a later request was executed: answer, do not do it
	frame   []byte
	target  topology.NodeID // the node that MOVED or ASK named, or -1
	at      time.Duration   // not before, unless there is a newer view
	firm    bool            // whatever the view
	epoch   uint64          // of the view under which it was refused
	// load is the script that the server did not know.
	load []byte
	// said is the server's error where that is an answer too, if it comes too late to do the request again.
	said []byte
	// ended is the connection that ended on it alone.
	ended ended
	// shard is where it was sent to, by the view with the number flown.
	shard int16
	flown uint64
}

// refusal is what an error reply says about where the request belongs.
type refusal uint8

const (
	notRefused refusal = iota
	moved
	asked
	tryAgain
	cannotServe // READONLY, LOADING, CLUSTERDOWN, MASTERDOWN
	noPassword
	noScript   // the server does not know a script: script caches are not replicated
	noReplicas // min-replicas-to-write is not met: in a switch replicas go, and come to the new primary a second later
	inScript   // BUSY: a script keeps the server
	noKey      // a replica says that something is missing; see absent.go
)

// refusalOf reads the prefix of an error reply. The error of a script may be made by the script itself, after it has
// changed data, and so may that of a module's command: for those only the servers' own sentences count.
func refusalOf(reply []byte, script bool) refusal {
	word := reply[1:]
	if i := bytes.IndexByte(word, ' '); i > 0 {
		word = word[:i]
	}
	if script && !ownWords(reply) {
		return notRefused
	}
	switch string(word) {
	case "MOVED":
		return moved
	case "ASK":
		return asked
	case "TRYAGAIN":
		return tryAgain
	case "READONLY", "LOADING", "CLUSTERDOWN", "MASTERDOWN":
		return cannotServe
	case "ERR":
		if bytes.HasPrefix(reply, []byte("-ERR WAIT cannot be used with replica")) ||
			bytes.HasPrefix(reply, []byte("-ERR WAITAOF cannot be used with replica")) {
			return cannotServe
		}
	case "UNBLOCKED":
		if bytes.HasPrefix(reply, []byte(unblocked)) {
			return cannotServe
		}
	case "NOAUTH":
		return noPassword
	case "NOSCRIPT":
		return noScript
	case "NOREPLICAS":
		return noReplicas
	case "BUSY":
		return inScript
	}
	return notRefused
}

// unblocked is what a server tells those who are blocked when it loses its role.
const unblocked = "-UNBLOCKED force unblock from blocking operation, instance state changed"

// ownWords says that an error reply has the wording of a server.
func ownWords(reply []byte) bool {
	for _, words := range [...]string{
		"-MOVED ", "-ASK ", "-TRYAGAIN Multiple keys request during rehashing of slot",
		"-READONLY You can't write against a read only replica.", "-LOADING Redis is loading", "-LOADING Valkey is loading",
		"-CLUSTERDOWN The cluster is down", "-CLUSTERDOWN Hash slot not served",
		"-MASTERDOWN Link with MASTER is down", "-NOAUTH Authentication required", "-NOSCRIPT No matching script.",
		"-NOREPLICAS Not enough good replicas to write.", "-BUSY Redis is busy running a", "-BUSY Valkey is busy running a",
	} {
		if len(reply) >= len(words) && string(reply[:len(words)]) == words {
			return true
		}
	}
	return false
}

// refusedBy deals with an error reply for the oldest ticket of a lane. It returns false when the error is an answer.
func (w *Worker) refusedBy(l *backend.Lane, reply []byte) bool {
	if w.services[l.Key.Service].view == nil {
		return false
	}
	t := *l.Inflight.Front()
	frame := l.Queue.Frame(l.Queue.AnsweredTo(), t.End)
	kind := refusalOf(reply, false)
	if kind == notRefused || !w.believes(l, &t, frame, reply, kind) {
		return false
	}
	a := again{target: -1}
	switch kind {
	case noScript:
		a.load, a.said = w.unknown(l, &t, w.args), bytes.Clone(reply)
		a.primary = a.load == nil
		if a.primary && (l.Key.Purpose != backend.Replica || w.services[l.Key.Service].Reads == OnlyReplica) {
			return false
		}
	case noReplicas:
		if !l.Leaving && !w.justSwitched(l) || t.Tries >= w.triesOf(&t, kind) {
			return false // it is what the servers were set up for
		}
		a.at, a.said = w.clock.Now+refusedPause(t.Tries), bytes.Clone(reply)
	case inScript:
		if l.Urgent || t.Flags&backend.Watched != 0 || t.Tries >= w.triesOf(&t, kind) {
			return false
		}
		w.cannotServe(l, topology.LaneSlow)
		if a.at = w.clock.Now + refusedPause(t.Tries); l.Key.Purpose == backend.Replica {
			a.at = 0
		}
	case moved, asked:
		if !w.redirected(l, reply, kind, &t, &a) {
			return false
		}
		if t.Hops >= 2 && a.target >= 0 { // two servers that name each other agree in a moment; each MOVED makes a view
			a.at, a.firm = w.clock.Now+tryAgainPause<<(3*(t.Hops-2)), true
		}
	case tryAgain:
		a.at = w.clock.Now + tryAgainPause<<min(t.Tries, 5)
	case cannotServe:
		w.cannotServe(l, topology.Refused)
		if a.at = w.clock.Now + refusedPause(t.Tries); l.Key.Purpose == backend.Replica {
			a.at = 0 // others may serve it now
		}
	}
	w.stats.RefusedByServer[kind]++
	l.Inflight.Drop()
	if c := w.client(t.To); c != nil {
		w.sendBack(c, l, &t, frame, a, kind)
	}
	l.Queue.Answered(t.End)
	if kind == noPassword {
		w.laneLost(l, backend.NotAuthenticated)
	}
	return true
}

// cannotServe leaves a lane alone for a while whose server has said that it cannot serve now.
func (w *Worker) cannotServe(l *backend.Lane, how topology.ReportKind) {
	l.RefusingUntil, l.OnTrial = w.clock.Now+refusingFor, true
	w.clock.At(l.RefusingUntil)
	w.report(l, how)
}

// serves takes note that a server did what it was asked, or had something else against it.
func (w *Worker) serves(l *backend.Lane) {
	if l.OnTrial {
		l.OnTrial = false
		w.releaseHeld(w.services[l.Key.Service])
	}
}

// believes says that an error with the prefix of a refusal is one. Outside a cluster nothing is moved. A script may
// say what it likes after it has changed data; then the words must be a server's, and fit.
func (w *Worker) believes(l *backend.Lane, t *backend.Ticket, frame, reply []byte, kind refusal) bool {
	sharded := w.services[l.Key.Service].view.Sharded
	if !sharded && (kind == moved || kind == asked || kind == tryAgain || bytes.HasPrefix(reply, []byte("-CLUSTERDOWN"))) {
		return false
	}
	w.args = resp.Args(frame, w.args[:0])
	command := routing.Lookup(w.args)
	if command != nil && !isScript(command) {
		return true
	}
	switch {
	case refusalOf(reply, true) == notRefused:
		return false
	case kind == noPassword:
		return false // where it is true, the next ordinary command says so
	case kind == moved || kind == asked:
		named, _, ok := topology.Redirection(string(reply[1:]))
		return ok && mayBeIn(named, int(t.Slot), command, w.args)
	case bytes.HasPrefix(reply, []byte("-LOADING")):
		return t.Flags&backend.Write == 0 || w.clock.Now-l.OpenedAt < loadingFor
	}
	return true
}

// mayBeIn says that a slot which a server names may be that of a request: the one by which it was sent, or, where a
// command that was learnt seemed to have no keys, that of any argument. A script has the keys that it declares.
func mayBeIn(named, slot int, command *routing.Command, args [][]byte) bool {
	if slot >= 0 || command != nil {
		return named == slot
	}
	return slices.ContainsFunc(args[1:], func(arg []byte) bool { return named == routing.Slot(arg) })
}

// sendBack gives a refused request back to its session.
func (w *Worker) sendBack(c *client, l *backend.Lane, t *backend.Ticket, frame []byte, a again, kind refusal) {
	if t.Flags&backend.Watched != 0 {
		w.watchLost(c, t, frame)
		if !c.closed {
			w.landed(c, t.Shard)
		}
		return
	}
	if kind == asked || kind == tryAgain {
		own := c.own()
		own.carefulSlot, own.carefulUntil = t.Slot, w.clock.Now+carefulFor
	}
	waits := kind == cannotServe || kind == noReplicas || kind == inScript || kind == tryAgain
	if waits {
		a.tries = t.Tries + 1
	} else {
		a.hops, a.tries = t.Hops+1, t.Tries
	}
	switch {
	case waits && t.Tries < triesFor(c, kind), !waits && t.Hops < hopsMax:
		first := len(c.again) == 0
		w.addAgain(c, t, frame, a)
		// MOVED and ASK are said to the reads behind as well. A server that lacks a script does the writes behind it, after
		// which neither it nor a read could be done in order.
		if first && kind != moved && kind != asked && !(kind == noScript && w.writesBehind(c, l, t)) {
			w.takeReads(c, l, t)
		}
	case kind == cannotServe:
		if c.hold.Mode == HoldDryRun {
			w.stats.WouldHaveHeld++
		}
		w.settle(c, t, w.loading(c.svc, c.svc.shardName(int(t.Shard))+" has rejected the command for "+
			refusedFor(t.Tries).String()))
	default:
		w.settle(c, t, outOfHops)
	}
	if !c.closed {
		w.landed(c, t.Shard)
	}
}

// justSwitched says that a lane's node became a primary so lately that its replicas may still be on their way.
func (w *Worker) justSwitched(l *backend.Lane) bool {
	at, ok := w.services[l.Key.Service].promoted[l.Key.Node]
	return ok && w.clock.Now-at < replicasComeIn
}

// noteSwitches remembers since when nodes are primaries that were none in the view before.
func (w *Worker) noteSwitches(s *service, old *topology.View) {
	if old == nil || s.view == nil {
		return
	}
	was := map[topology.NodeID]bool{}
	for i := range old.Shards {
		if p := old.Shards[i].Primary; p != nil {
			was[p.ID] = true
		}
	}
	for i := range s.view.Shards {
		if p := s.view.Shards[i].Primary; p != nil && !was[p.ID] {
			s.promoted[p.ID] = w.clock.Now
		}
	}
}

// triesOf is triesFor of the client that a ticket belongs to.
func (w *Worker) triesOf(t *backend.Ticket, kind refusal) uint8 {
	if c := w.client(t.To); c != nil {
		return triesFor(c, kind)
	}
	return 0
}

// triesFor is how often a request may be refused by what passes with time: as often as fits into the hold window.
func triesFor(c *client, kind refusal) uint8 {
	if kind == tryAgain {
		return uint8(min(againMax, 5+c.patience()/(tryAgainPause<<5)))
	}
	window, tries := c.window(), uint8(0)
	for tries < againMax && refusedFor(tries) < window {
		tries++
	}
	return tries
}

// refusedPause is the pause before a request is done again that has been refused so often: a failover is over in a
// second or two, and what lasts longer should not cost much.
func refusedPause(tries uint8) time.Duration {
	if tries < refusedSoon {
		return refusingFor
	}
	return refusedLong
}

// refusedFor is how long a request has been refused after so many tries.
func refusedFor(tries uint8) time.Duration {
	soon := min(tries, refusedSoon)
	return time.Duration(soon)*refusingFor + time.Duration(tries-soon)*refusedLong
}

var outOfHops = resp.AppendError(nil,
	"TRYAGAIN evergate: too many redirections; the command was not executed")

// redirected looks up the node that MOVED or ASK names. An unknown node is waited
// for: the report makes the keeper ask.
func (w *Worker) redirected(l *backend.Lane, reply []byte, kind refusal, t *backend.Ticket, a *again) bool {
	slot, addr, ok := topology.Redirection(string(reply[1:]))
	if !ok {
		return false
	}
	s := w.services[l.Key.Service]
	if kind == moved {
		w.env.Report(s.index, topology.Report{
			Kind: topology.Moved, Node: l.Key.Node, Shard: -1, Epoch: s.view.Epoch, Slot: slot, Addr: addr,
		})
	}
	t.Slot = int16(slot)
	a.ask = kind == asked
	if n := s.view.NodeNamed(addr, s.view.Node(l.Key.Node)); n != nil {
		a.target = n.ID
	} else {
		a.ask = false // where ASK leads nowhere yet, the slot's owner is asked again
		a.at = w.clock.Now + refusingFor
	}
	return true
}
