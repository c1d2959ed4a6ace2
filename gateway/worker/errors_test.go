package worker_test

import (
	"maps"
	"testing"

	"evergate/gateway/sessions"
)

// wantErrors fails the test unless these errors, by prefix, were counted since the last call with the same map.
func (f *fake) wantErrors(seen map[string]uint64, want map[string]uint64) {
	f.t.Helper()
	got := map[string]uint64{}
	for p, n := range f.times().Errors {
		if name := sessions.ErrorPrefix(p).String(); n > seen[name] {
			got[name], seen[name] = n-seen[name], n
		}
	}
	if !maps.Equal(got, want) {
		f.t.Errorf("errors %v, want %v", got, want)
	}
}

// TestErrorsAreCountedByPrefix: each error that a client gets counts once, whoever it is from, and so do those within
// EXEC's reply.
func TestErrorsAreCountedByPrefix(t *testing.T) {
	f, seen := newFake(t), map[string]uint64{}
	c := f.steady()
	f.say(c, "GET k / HGET k f / GET / EVAL x 0 / LRANGE l 0 -1")
	f.Rest()
	f.reply(0, "$1\r\nv\r\n-WRONGTYPE Operation against a key holding the wrong kind of value\r\n-MYOWN error\r\n"+
		"*1\r\n-ERR within a list\r\n")
	f.wantErrors(seen, map[string]uint64{"WRONGTYPE": 1, "ERR": 1, "other": 1})

	f.say(c, "MULTI / SET k v / LPUSH k v / CLIENT SETINFO x y / GET k / EXEC")
	f.Rest()
	f.reply(0, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n+OK\r\n-WRONGTYPE x\r\n+PONG\r\n-OOM y\r\n")
	f.wantErrors(seen, map[string]uint64{"WRONGTYPE": 1, "OOM": 1, "ERR": 1})

	f.say(c, "SET k v")
	f.Rest()
	f.see(-1, -1)
	f.lose(0)
	f.wantErrors(seen, map[string]uint64{"UNCERTAIN": 1})
}

// TestErrorsOfPartsAreOne: the error that a client gets for a command of several parts counts once, and those of its
// parts do not.
func TestErrorsOfPartsAreOne(t *testing.T) {
	f, seen, p := newFake(t), map[string]uint64{}, newPlayer(t)
	p.setView("cluster", []string{"a:0-8191", "b:8192-16383"})
	f.View = p.view
	f.Tick(f.Now)
	c := f.open()
	f.Rest()
	f.connect()
	f.say(c, "MSET a 1 b 2")
	f.Rest()
	for _, id := range f.conns() {
		f.reply(id, "-OOM command not allowed when used memory > 'maxmemory'.\r\n")
	}
	f.wantGot(c, "-OOM command not allowed when used memory > 'maxmemory'.\r\n")
	f.wantErrors(seen, map[string]uint64{"OOM": 1})
}
