// Package ledger holds the requests of a run against their executions and their replies: what must hold of answers,
// whatever stands between clients and servers. It knows neither servers nor the gateway.
package ledger

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"evergate/testenv/sim/network"
)

// Ledger holds every request that was ever sent and every execution on any node, and compares the two with what the
// clients were told. It knows nothing of the gateway.
//
// A request's identity is its number here. Writes carry it as their value, or in a key of their own (DEL), so that each
// execution and most replies can be told apart.
type Ledger struct {
	Requests []*Request
	Execs    []Execution
	Promises
	Fault string
	// Confirmations counts the WAITs of clients that a replica had confirmed.
	Confirmations int
	// named are the scripts that were called by their names, unknown those of them that the server did not have.
	named, unknown int
	// acked are the acknowledged writes of each key, replies how many requests were answered.
	acked   map[string][]*Request
	replies int
	// cursors are the scans under way, Scanned how many have come to their end, Pages how many pages those had.
	cursors        []*Cursor
	Scanned, Pages int
	// users are those of the gateway, one after the other; nil where there are none.
	users []Users
}

// Promises are what must hold in a run.
type Promises struct {
	// Sharded: only what touches the same key must keep its order.
	Sharded bool
	// Fresh: reads go to primaries, so they see what was acknowledged before.
	Fresh bool
	// PopsRetried: a blocking pop whose connection is lost is sent again.
	PopsRetried bool
	// Confirmed: replicas must confirm writes, of some clients and at some times at least.
	Confirmed bool
	// Left says that an execution's reply came from a node that the gateway was leaving.
	Left func(e *Execution) bool
}

// Execution is one execution of a command, whole.
type Execution struct {
	// Request is -1 for reads without an identity.
	Request int
	Where
	// lost says that what was written went down with its node.
	lost bool
	// Number is its place among all. ReadAt is when a worker read the reply, Seen the epoch of the view that this worker
	// had then; 0 while it has not.
	Number int
	before map[string]int // who had written the keys of a transaction; -1 for nobody
	copies
	ReadAt time.Duration
	Seen   uint64
}

// Where is the place and the time of an execution.
type Where struct {
	On   int // the number of the node
	Node string
	At   time.Duration
	// Behind says that the node was not the primary that everybody is to believe: what it knows may be old.
	Behind bool
}

// New returns an empty one.
func New(p Promises) *Ledger { return &Ledger{Promises: p, acked: map[string][]*Request{}} }

// Add notes a request that a client sends.
func (l *Ledger) Add(client int, k Kind, keys ...string) *Request {
	r := &Request{ID: len(l.Requests), Client: client, Kind: k, keys: keys, Ran: map[string]int{}, sentAfter: l.replies,
		saw: -1}
	l.Requests = append(l.Requests, r)
	return r
}

// Fail keeps the first fault.
func (l *Ledger) Fail(format string, args ...any) {
	if l.Fault == "" {
		l.Fault = fmt.Sprintf(format, args...)
	}
}

// Identify returns the request that a command on its way to a node belongs to, or nil for reads without identity.
func (l *Ledger) Identify(args [][]byte) *Request {
	var text string
	if Malformed(args) {
		l.Fail("a node was sent what is no command: %q", network.Clip(bytes.Join(args, []byte(" "))))
		return nil
	}
	switch strings.ToUpper(string(args[0])) {
	case "SET", "INCRBY", "MOD.SET", "MSET", "RPUSH":
		text = string(args[2])
	case "GETRANGE":
		text = string(args[3])
	case "EVAL", "EVALSHA":
		text = string(args[4])
	case "DEL":
		_, text, _ = strings.Cut(string(args[1]), "#")
	case "MGET":
		if _, text, _ = strings.Cut(string(args[1]), "#"); text == "" {
			return nil
		}
	case "BLPOP":
		_, text, _ = strings.Cut(string(args[2]), "#")
	default:
		return nil
	}
	text, _, _ = strings.Cut(text, "|") // padding
	id, err := strconv.Atoi(text)
	if err != nil || id < 0 || id >= len(l.Requests) {
		l.Fail("a node was sent a command that nobody sent: %q", network.Clip(bytes.Join(args, []byte(" "))))
		return nil
	}
	return l.Requests[id]
}

// Handed notes that the network took the last byte of a command.
func (l *Ledger) Handed(args [][]byte) {
	if r := l.Identify(args); r != nil {
		r.handed++
	}
}

// HandedOver notes the same of a request whose EXEC the network took.
func (l *Ledger) HandedOver(r *Request) { r.handed++ }

// AsksFor notes which protocol a HELLO asks for.
func (l *Ledger) AsksFor(r *Request, proto int) { r.proto = proto }

// Watches notes the WATCH before an EXEC, and the read behind that.
func (l *Ledger) Watches(r, watched, read *Request) { r.watched, r.read = watched, read }

// Orphaned notes that a client has left before its reply.
func (l *Ledger) Orphaned(r *Request) { r.State = orphaned }

// Executed notes one execution and returns its number. keys are those of the command.
func (l *Ledger) Executed(args [][]byte, keys []string, on Where) int {
	at := len(l.Execs)
	e := Execution{Request: -1, Where: on, Number: at}
	r := l.Identify(args)
	if r != nil {
		e.Request = r.ID
		l.permitted(r, on)
	}
	l.Execs = append(l.Execs, e)
	if r == nil || !r.Writes() {
		if r != nil && r.Kind == Discard {
			l.Fail("%v, whose transaction was executed on %s", r, on.Node)
		}
		return at
	}
	if r.Facade == Replica {
		l.Fail("%v was executed on %s, and had come to a replica", r, on.Node)
	}
	if r.State == Refused || r.State == void {
		l.Fail("%v was executed on %s after its client was told that it was not", r, on.Node)
	}
	for _, k := range keys {
		if first, twice := r.Ran[k]; twice {
			l.Fail("%v was executed twice: on %s and on %s", r, l.Execs[first].Node, on.Node)
		}
		r.Ran[k] = at
	}
	return at
}

// Delivered notes when a worker read the reply of an execution, and the epoch of the view that it had then.
func (l *Ledger) Delivered(at int, now time.Duration, epoch uint64) {
	l.Execs[at].ReadAt, l.Execs[at].Seen = now, epoch
}

// Loses notes that what an execution wrote is gone, or will be.
func (l *Ledger) Loses(at int) { l.Execs[at].lost = true }

// Replaced notes who had written the keys of a transaction before.
func (l *Ledger) Replaced(at int, before map[string]int) { l.Execs[at].before = before }

// Acknowledged says that the client of an execution was told of it.
func (l *Ledger) Acknowledged(at int) bool {
	return l.Requests[l.Execs[at].Request].State == Acknowledged
}

// Answered checks one reply, whole, against its request. m is the memory of its client.
func (l *Ledger) Answered(m *Memory, r *Request, reply []byte) {
	l.replies++
	r.repliedAs = l.replies
	if len(reply) > 64<<10 {
		reply = append(reply[:200:200], '\r', '\n') // the rest is padding
	}
	text := strings.TrimSuffix(string(reply), "\r\n")
	if l.rejected(r, text) || l.written(r, text) {
		return
	}
	if text[0] == '-' {
		l.refusedWith(m, r, text)
		return
	}
	r.State = Acknowledged
	switch r.Kind {
	case Set, Module, Script, NamedScript:
		if r.Kind == NamedScript {
			l.named++
		}
		l.expect(r, text, fmt.Sprintf("+%d", r.ID))
	case IncrBy, Push:
		l.expect(r, text, fmt.Sprintf(":%d", r.ID))
	case Del:
		l.expect(r, text, fmt.Sprintf(":%d", r.ID*len(r.keys)))
	case Mset:
		l.expect(r, text, "+OK")
	case Execute:
		l.execAnswered(r, text)
	case Watch, Multi, Discard, Unwatch, Select, Auth, Notices, Acks:
		l.expect(r, text, "+OK")
	case Queueing:
		l.expect(r, text, "+QUEUED")
	case Ping:
		l.expect(r, text, fmt.Sprintf("$%d\r\n%d", len(strconv.Itoa(r.ID)), r.ID))
	case Quit:
		l.expect(r, text, "+OK")
	case Reset:
		l.expect(r, text, "+RESET")
	case Block:
		l.popAnswered(r, reply)
	case Wait:
		m.waited(l, r, text)
	case Scan:
		l.pageRead(r, reply)
	case Slots:
		l.slotsRead(r, text)
	case Hello:
		l.expect(r, text[:1], map[int]string{2: "*", 3: "%"}[r.proto])
	case Get, GetRange:
		l.valueRead(m, r, r.keys[0], bulk(reply))
	case Mget:
		l.valuesRead(m, r, reply)
	default:
		l.Fail("%v was answered %q", r, network.Clip(text))
	}
	if r.Writes() && r.State == Acknowledged {
		l.wrote(m, r)
	}
}

func (l *Ledger) expect(r *Request, got, want string) {
	if got != want {
		l.Fail("%v was answered %q, not %q", r, network.Clip(got), want)
	}
}

// wrote checks an acknowledged write: executed once for every key, and in order.
func (l *Ledger) wrote(m *Memory, r *Request) {
	m.wrote = r
	for _, k := range r.keys {
		at, ran := r.Ran[k]
		if !ran {
			l.Fail("%v was acknowledged and not executed for %s", r, k)
			return
		}
		l.inOrder(m, r, k, at)
		l.acked[k] = append(l.acked[k], r)
		m.Acked[k] = r.ID
		if l.Execs[at].lost {
			delete(m.Acked, k)
			m.perhaps[k] = nil
		}
	}
	for _, k := range r.keys {
		l.advance(m, k, r.Ran[k])
	}
}

// AckedBefore returns the executions of the writes of a key that were acknowledged before a request was sent.
func (l *Ledger) AckedBefore(r *Request, key string) (executions []int) {
	for _, write := range l.acked[key] {
		if write.repliedAs <= r.sentAfter {
			executions = append(executions, write.Ran[key])
		}
	}
	return executions
}

// Saw returns the key of a read of one key, and the execution of the write that it saw; -1 for none, and where that
// wrote several keys: a replica may be promoted with some of them.
func (l *Ledger) Saw(r *Request) (key string, write int) {
	if r.Kind != Get && r.Kind != GetRange || r.saw < 0 {
		return "", -1
	}
	at, ran := l.Requests[r.saw].Ran[r.keys[0]]
	if !ran || len(l.Requests[r.saw].Ran) > 1 {
		return "", -1
	}
	return r.keys[0], at
}

func (l *Ledger) inOrder(m *Memory, r *Request, key string, at int) {
	if before, ok := m.last[key]; ok && l.Sharded && at <= before {
		l.Fail("%v ran as execution %d, behind %d, which the same client had asked for earlier", r, at, before)
	}
	if !l.Sharded && at <= m.lastAny {
		l.Fail("%v ran as execution %d, behind %d, which the same client had asked for earlier", r, at, m.lastAny)
	}
}

func (l *Ledger) advance(m *Memory, key string, at int) {
	m.last[key] = max(m.last[key], at)
	m.lastAny = max(m.lastAny, at)
}

// valueRead checks a value: "key identity@execution=writer".
func (l *Ledger) valueRead(m *Memory, r *Request, key, value string) {
	at := l.readAt(m, r, key, value)
	if at >= 0 {
		l.advance(m, key, at)
	}
}

func (l *Ledger) valuesRead(m *Memory, r *Request, reply []byte) {
	elements := elementsOf(reply)
	if len(elements) != len(r.keys) {
		l.Fail("%v was answered %q", r, network.Clip(reply))
		return
	}
	ats := make([]int, len(r.keys))
	for i, e := range elements {
		ats[i] = l.readAt(m, r, r.keys[i], e)
	}
	for i, at := range ats {
		if at >= 0 {
			l.advance(m, r.keys[i], at)
		}
	}
}

// readAt checks one value and returns the execution that read it, or -1.
func (l *Ledger) readAt(m *Memory, r *Request, key, value string) int {
	var gotKey, writer string
	var id, at int
	value, _, _ = strings.Cut(value, "|") // padding
	if _, err := fmt.Sscanf(strings.NewReplacer("@", " ", "=", " ").Replace(value), "%s %d %d %s", &gotKey, &id, &at,
		&writer); err != nil || at < 0 || at >= len(l.Execs) || gotKey != key || id >= 0 && id != r.ID {
		l.Fail("%v was answered %q", r, network.Clip(value))
		return -1
	}
	l.inOrder(m, r, key, at)
	r.saw = -1
	if writer == "nil" {
		l.readOld(m, r, key, -1, at)
		return at
	}
	by, err := strconv.Atoi(writer)
	if err != nil || by < 0 || by >= len(l.Requests) {
		l.Fail("%v read the value %q", r, network.Clip(value))
		return -1
	}
	r.saw = by
	wrote := l.Requests[by]
	if wrote.Client == r.Client && by > r.ID {
		l.Fail("%v saw what a later request of its client wrote: %v", r, wrote)
	}
	l.readOld(m, r, key, by, at)
	return at
}

// readOld fails where a read missed an acknowledged write of its own client. Only keys that one client writes are
// looked at. by is -1 for nothing.
func (l *Ledger) readOld(m *Memory, r *Request, key string, by, at int) {
	acked, ok := m.Acked[key]
	if !ok || !l.Fresh || l.Execs[at].Behind || !private(key) || by == acked || m.perhaps[key][by] {
		return
	}
	if l.Execs[l.Requests[acked].Ran[key]].lost {
		return
	}
	l.Fail("%v saw the write of #%d: it missed the acknowledged %v", r, by, l.Requests[acked])
}
