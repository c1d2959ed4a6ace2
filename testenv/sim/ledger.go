package sim

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ledger holds every request that was ever sent and every execution on any node, and compares the two with what the
// clients were told. It knows nothing of the gateway.
//
// A request's identity is its number here. Writes carry it as their value, or in a key of their own (DEL), so that each
// execution and most replies can be told apart.
type ledger struct {
	requests []*request
	execs    []exec
	// sharded: only what touches the same key must keep its order.
	sharded bool
	// fresh: reads go to primaries, so they see what was acknowledged before.
	fresh bool
	fault string
}

// exec is one execution of a command, whole.
type exec struct {
	// request is -1 for reads without an identity.
	request int
	node    string
	// behind says that the node was not the primary that everybody is to believe: what it knows may be old.
	behind bool
	// lost says that what was written went down with its node.
	lost bool
	// number is its place among all. on and at are where and when it ran; readAt is when a worker read the reply, seen
	// the epoch of the view that this worker had then; 0 while it has not.
	number int
	on     *node
	before map[string]int // who had written the keys of a transaction; -1 for nobody
	at     time.Duration
	readAt time.Duration
	seen   uint64
}

type kind uint8

const (
	set kind = iota
	incrBy
	get
	getRange
	mget
	mset
	del
	ping
	module
	hello
	unknown
	quit
	garbage
	watch
	multi
	queueing
	execute
	discard
	unwatch
)

var kindNames = [...]string{"SET", "INCRBY", "GET", "GETRANGE", "MGET", "MSET", "DEL", "PING", "MOD.SET", "HELLO",
	"NO.SUCH", "QUIT", "garbage", "WATCH", "MULTI", "SET in MULTI", "EXEC",
	"DISCARD", "UNWATCH"}

type state uint8

const (
	pending state = iota
	acknowledged
	uncertain
	refused
	orphaned // its client left before the reply
	void     // EXEC was answered nil: a watched key had changed
)

var stateNames = [...]string{"pending", "acknowledged", "uncertain", "refused", "orphaned", "void"}

type request struct {
	id     int
	client int
	kind   kind
	keys   []string
	state  state
	handed int            // commands of it whose last byte the network took
	ran    map[string]int // key -> index of its execution; only writes
	proto  int            // of HELLO
	saw    int            // the writer that a read found, -1 for none
	// watched and read are the WATCH before an EXEC, and the read of the key behind that.
	watched, read *request
}

func (r *request) writes() bool {
	switch r.kind {
	case set, incrBy, mset, del, module, execute:
		return true
	}
	return false
}

func (r *request) String() string {
	return fmt.Sprintf("#%d %s %s of client %d", r.id, kindNames[r.kind], strings.Join(r.keys, " "), r.client)
}

func (l *ledger) add(client int, k kind, keys ...string) *request {
	r := &request{id: len(l.requests), client: client, kind: k, keys: keys, ran: map[string]int{}}
	l.requests = append(l.requests, r)
	return r
}

// fail keeps the first fault.
func (l *ledger) fail(format string, args ...any) {
	if l.fault == "" {
		l.fault = fmt.Sprintf(format, args...)
	}
}

// identify returns the request that a command on its way to a node belongs to, or nil for reads without identity.
func (l *ledger) identify(args [][]byte) *request {
	var text string
	if malformed(args) {
		l.fail("a node was sent what is no command: %q", clip(bytes.Join(args, []byte(" "))))
		return nil
	}
	switch strings.ToUpper(string(args[0])) {
	case "SET", "INCRBY", "MOD.SET", "MSET":
		text = string(args[2])
	case "GETRANGE":
		text = string(args[3])
	case "DEL":
		_, text, _ = strings.Cut(string(args[1]), "#")
	default:
		return nil
	}
	text, _, _ = strings.Cut(text, "|") // padding
	id, err := strconv.Atoi(text)
	if err != nil || id < 0 || id >= len(l.requests) {
		l.fail("a node was sent a command that nobody sent: %q", clip(bytes.Join(args, []byte(" "))))
		return nil
	}
	return l.requests[id]
}

// malformed says that a command has too few arguments.
func malformed(args [][]byte) bool {
	least := map[string]int{"SET": 3, "INCRBY": 3, "MOD.SET": 3, "MSET": 3, "GETRANGE": 4, "DEL": 2, "GET": 2, "MGET": 2,
		"WATCH": 3}
	return len(args) < least[strings.ToUpper(string(args[0]))]
}

// handed notes that the network took the last byte of a command.
func (l *ledger) handed(args [][]byte) {
	if r := l.identify(args); r != nil {
		r.handed++
	}
}

// executed notes one execution and returns its number. keys are those of the command.
func (l *ledger) executed(args [][]byte, keys []string, node string, behind bool) int {
	at := len(l.execs)
	e := exec{request: -1, node: node, behind: behind, number: at}
	r := l.identify(args)
	if r != nil {
		e.request = r.id
	}
	l.execs = append(l.execs, e)
	if r == nil || !r.writes() {
		if r != nil && r.kind == discard {
			l.fail("%v, whose transaction was executed on %s", r, node)
		}
		return at
	}
	if r.state == refused || r.state == void {
		l.fail("%v was executed on %s after its client was told that it was not", r, node)
	}
	for _, k := range keys {
		if first, twice := r.ran[k]; twice {
			l.fail("%v was executed twice: on %s and on %s", r, l.execs[first].node, node)
		}
		r.ran[k] = at
	}
	return at
}

// memory is what a client knows from the replies it had, in order.
type memory struct {
	last    map[string]int // key -> the latest execution that it knows of
	lastAny int
	acked   map[string]int          // key -> its latest acknowledged write
	perhaps map[string]map[int]bool // key -> its writes of unknown outcome
}

func newMemory() memory {
	return memory{last: map[string]int{}, lastAny: -1, acked: map[string]int{}, perhaps: map[string]map[int]bool{}}
}

// answered checks one reply, whole, against its request. m is the memory of its client.
func (l *ledger) answered(m *memory, r *request, reply []byte) {
	if len(reply) > 64<<10 {
		reply = append(reply[:200:200], '\r', '\n') // the rest is padding
	}
	text := strings.TrimSuffix(string(reply), "\r\n")
	if text[0] == '-' {
		l.refusedWith(m, r, text)
		return
	}
	r.state = acknowledged
	switch r.kind {
	case set, module:
		l.expect(r, text, fmt.Sprintf("+%d", r.id))
	case incrBy:
		l.expect(r, text, fmt.Sprintf(":%d", r.id))
	case del:
		l.expect(r, text, fmt.Sprintf(":%d", r.id*len(r.keys)))
	case mset:
		l.expect(r, text, "+OK")
	case execute:
		l.execAnswered(r, text)
	case watch, multi, discard, unwatch:
		l.expect(r, text, "+OK")
	case queueing:
		l.expect(r, text, "+QUEUED")
	case ping:
		l.expect(r, text, fmt.Sprintf("$%d\r\n%d", len(strconv.Itoa(r.id)), r.id))
	case quit:
		l.expect(r, text, "+OK")
	case hello:
		l.expect(r, text[:1], map[int]string{2: "*", 3: "%"}[r.proto])
	case get, getRange:
		l.valueRead(m, r, r.keys[0], bulk(reply))
	case mget:
		l.valuesRead(m, r, reply)
	default:
		l.fail("%v was answered %q", r, clip(text))
	}
	if r.writes() && r.state == acknowledged {
		l.wrote(m, r)
	}
}

func (l *ledger) expect(r *request, got, want string) {
	if got != want {
		l.fail("%v was answered %q, not %q", r, clip(got), want)
	}
}

// wrote checks an acknowledged write: executed once for every key, and in order.
func (l *ledger) wrote(m *memory, r *request) {
	for _, k := range r.keys {
		at, ran := r.ran[k]
		if !ran {
			l.fail("%v was acknowledged and not executed for %s", r, k)
			return
		}
		l.inOrder(m, r, k, at)
		m.acked[k] = r.id
		if l.execs[at].lost {
			delete(m.acked, k)
			m.perhaps[k] = nil
		}
	}
	for _, k := range r.keys {
		l.advance(m, k, r.ran[k])
	}
}

func (l *ledger) inOrder(m *memory, r *request, key string, at int) {
	if before, ok := m.last[key]; ok && l.sharded && at <= before {
		l.fail("%v ran as execution %d, behind %d, which the same client had asked for earlier", r, at, before)
	}
	if !l.sharded && at <= m.lastAny {
		l.fail("%v ran as execution %d, behind %d, which the same client had asked for earlier", r, at, m.lastAny)
	}
}

func (l *ledger) advance(m *memory, key string, at int) {
	m.last[key] = max(m.last[key], at)
	m.lastAny = max(m.lastAny, at)
}

// refusedWith checks an error reply.
func (l *ledger) refusedWith(m *memory, r *request, text string) {
	switch {
	case strings.HasPrefix(text, "-UNCERTAIN evergate: "):
		r.state = uncertain
		if !r.writes() || r.handed == 0 {
			l.fail("%v was called uncertain: write %v, commands handed over %d", r, r.writes(), r.handed)
		}
		for _, k := range r.keys {
			if m.perhaps[k] == nil {
				m.perhaps[k] = map[int]bool{}
			}
			m.perhaps[k][r.id] = true
		}
	case strings.HasPrefix(text, "-LOADING evergate: ") || strings.HasPrefix(text, "-TRYAGAIN evergate: "):
		if !strings.Contains(text, "not executed") {
			l.fail("%v was refused without a word about its execution: %q", r, text)
		}
		r.state = refused
		if len(r.ran) > 0 {
			l.fail("%v was executed, and then answered %q", r, text)
		}
	case (!r.writes() || r.handed == 0) && strings.HasPrefix(text, "-ERR evergate: the connection to the server was lost"):
		r.state = refused
	case r.kind == garbage && strings.HasPrefix(text, "-ERR Protocol error"):
		r.state = acknowledged
	case r.kind == unknown && strings.HasPrefix(text, "-ERR unknown command"):
		r.state = acknowledged
	default:
		l.fail("%v was answered %q", r, clip(text))
	}
}

// valueRead checks a value: "key identity@execution=writer".
func (l *ledger) valueRead(m *memory, r *request, key, value string) {
	at := l.readAt(m, r, key, value)
	if at >= 0 {
		l.advance(m, key, at)
	}
}

func (l *ledger) valuesRead(m *memory, r *request, reply []byte) {
	elements := elementsOf(reply)
	if len(elements) != len(r.keys) {
		l.fail("%v was answered %q", r, clip(reply))
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
func (l *ledger) readAt(m *memory, r *request, key, value string) int {
	var gotKey, writer string
	var id, at int
	value, _, _ = strings.Cut(value, "|") // padding
	if _, err := fmt.Sscanf(strings.NewReplacer("@", " ", "=", " ").Replace(value), "%s %d %d %s", &gotKey, &id, &at,
		&writer); err != nil || at < 0 || at >= len(l.execs) || gotKey != key || id >= 0 && id != r.id {
		l.fail("%v was answered %q", r, clip(value))
		return -1
	}
	l.inOrder(m, r, key, at)
	r.saw = -1
	if writer == "nil" {
		l.readOld(m, r, key, -1, at)
		return at
	}
	by, err := strconv.Atoi(writer)
	if err != nil || by < 0 || by >= len(l.requests) {
		l.fail("%v read the value %q", r, clip(value))
		return -1
	}
	r.saw = by
	wrote := l.requests[by]
	if wrote.client == r.client && by > r.id {
		l.fail("%v saw what a later request of its client wrote: %v", r, wrote)
	}
	l.readOld(m, r, key, by, at)
	return at
}

// readOld fails where a read missed an acknowledged write of its own client. Only keys that one client writes are
// looked at. by is -1 for nothing.
func (l *ledger) readOld(m *memory, r *request, key string, by, at int) {
	acked, ok := m.acked[key]
	if !ok || !l.fresh || l.execs[at].behind || !private(key) || by == acked || m.perhaps[key][by] {
		return
	}
	if l.execs[l.requests[acked].ran[key]].lost {
		return
	}
	l.fail("%v saw the write of #%d: it missed the acknowledged %v", r, by, l.requests[acked])
}
