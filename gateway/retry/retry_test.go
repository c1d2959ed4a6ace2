package retry

import (
	"math"
	"slices"
	"testing"
	"time"

	"evergate/gateway/resp"
	"evergate/topology"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		reply        string
		kind, script Kind // script: if a script may have made the reply
	}{
		{"-MOVED 5 a:1\r\n", Moved, Moved},
		{"-ASK 5 a:1\r\n", Ask, Ask},
		{"-TRYAGAIN Multiple keys request during rehashing of slot\r\n", TryAgain, TryAgain},
		{"-TRYAGAIN later\r\n", TryAgain, Answered},
		{"-READONLY You can't write against a read only replica.\r\n", Unable, Unable},
		{"-READONLY no\r\n", Unable, Answered},
		{"-LOADING\r\n", Answered, Answered}, // not a server's text
		{"-LOADING x\r\n", Unable, Answered},
		{"-ERR WAIT cannot be used with replica instances.\r\n", Unable, Answered},
		{"-ERR unknown command\r\n", Answered, Answered},
		{Unblocked + " (master -> replica?)\r\n", Unable, Answered},
		{"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n", Answered, Answered},
		{"-NOAUTH Authentication required.\r\n", NoPassword, NoPassword},
		{"-NOSCRIPT No matching script. Please use EVAL.\r\n", NoScript, NoScript},
		{"-NOREPLICAS Not enough good replicas to write.\r\n", NoReplicas, NoReplicas},
		{"-BUSY Valkey is busy running a script.\r\n", Busy, Busy},
		{"-MOVEDX 5 a:1\r\n", Answered, Answered},
	} {
		if k := Classify([]byte(c.reply), false); k != c.kind {
			t.Errorf("%q: %d, want %d", c.reply, k, c.kind)
		}
		if k := Classify([]byte(c.reply), true); k != c.script {
			t.Errorf("%q by a script: %d, want %d", c.reply, k, c.script)
		}
	}
}

func words(args ...string) (all [][]byte) {
	for _, a := range args {
		all = append(all, []byte(a))
	}
	return all
}

func TestCredible(t *testing.T) {
	const moved, readOnly = "-MOVED 12182 a:1\r\n", "-READONLY You can't write against a read only replica.\r\n"
	get, eval := words("GET", "foo"), words("EVAL", "x", "1", "foo") // foo has slot 12182
	for _, c := range []struct {
		reply string
		r     Rejected
		want  bool
	}{
		{moved, Rejected{Args: get, Sharded: true, Slot: 12182}, true},
		{moved, Rejected{Args: get, Slot: 12182}, false},
		{moved, Rejected{Args: eval, Sharded: true, Slot: 12182}, true},
		{moved, Rejected{Args: eval, Sharded: true, Slot: 1}, false},
		{moved, Rejected{Args: words("mod.get", "bar", "foo"), Sharded: true, Slot: -1}, true},
		{moved, Rejected{Args: words("mod.get", "bar"), Sharded: true, Slot: -1}, false},
		{"-CLUSTERDOWN The cluster is down\r\n", Rejected{Args: get}, false},
		{readOnly, Rejected{Args: eval}, true},
		{"-READONLY mine\r\n", Rejected{Args: eval}, false},
		{"-NOAUTH Authentication required.\r\n", Rejected{Args: eval}, false},
		{"-NOAUTH Authentication required.\r\n", Rejected{Args: get}, true},
		{"-LOADING Redis is loading\r\n", Rejected{Args: eval, Write: true, Age: loadingFor}, false},
		{"-LOADING Redis is loading\r\n", Rejected{Args: eval, Age: loadingFor}, true},
		{"-LOADING Redis is loading\r\n", Rejected{Args: eval, Write: true, Age: loadingFor - 1}, true},
	} {
		if got := c.r.Credible([]byte(c.reply), Classify([]byte(c.reply), false)); got != c.want {
			t.Errorf("%q to %q: %v", c.reply, c.r.Args, got)
		}
	}
}

// TestRetriesEnd: for any repeated reply, the retries of a request end, and its pauses fit its window.
func TestRetriesEnd(t *testing.T) {
	for k := Moved; k <= Absent; k++ {
		for _, window := range []time.Duration{0, time.Second, time.Minute, 24 * time.Hour} {
			for bits := range 1 << 7 {
				f := Facts{Window: window, Replica: bits&1 > 0, OnlyReplicas: bits&2 > 0, Watched: bits&4 > 0,
					Bypass: bits&8 > 0, Switching: bits&16 > 0, Loadable: bits&32 > 0, Known: bits&64 > 0}
				checkEnds(t, k, f)
			}
		}
	}
}

func checkEnds(t *testing.T, k Kind, f Facts) {
	t.Helper()
	waited := time.Duration(0)
	for n := 0; ; n++ {
		v := Decide(k, &f)
		if v.Outcome != Retry {
			break
		}
		if v.Redirects <= f.Redirects && v.Retries <= f.Retries {
			t.Fatalf("kind %d: %+v is not counted: %+v", k, f, v)
		}
		if v.Firm && v.After == 0 || v.Ask && (k != Ask || !f.Known) || v.After < 0 {
			t.Fatalf("kind %d: %+v makes no sense after %+v", k, v, f)
		}
		if waited += v.After; n > retriesMax {
			t.Fatalf("kind %d is retried for ever under %+v", k, f)
		}
		f.Redirects, f.Retries = v.Redirects, v.Retries
	}
	if k.waits() && k != TryAgain && waited >= f.Window+longPause {
		t.Errorf("kind %d: waited %v in a window of %v", k, waited, f.Window)
	}
}

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name string
		kind Kind
		f    Facts
		want Verdict
	}{
		{"nothing", Answered, Facts{}, Verdict{}},
		{"moved", Moved, Facts{Known: true, Redirects: 1}, Verdict{Outcome: Retry, Redirects: 2}},
		{"moved and back", Moved, Facts{Known: true, Redirects: 3, Retries: 7},
			Verdict{Outcome: Retry, Redirects: 4, Retries: 7, After: 8 * tryAgainPause, Firm: true}},
		{"moved too often", Moved, Facts{Known: true, Redirects: RedirectsMax},
			Verdict{Outcome: GiveUp, Redirects: RedirectsMax + 1, After: 512 * tryAgainPause, Firm: true}},
		{"moved to a stranger", Moved, Facts{}, Verdict{Outcome: Retry, Redirects: 1, After: Pause}},
		{"ask", Ask, Facts{Known: true}, Verdict{Outcome: Retry, Redirects: 1, Ask: true}},
		{"ask a stranger", Ask, Facts{}, Verdict{Outcome: Retry, Redirects: 1, After: Pause}},
		{"try again", TryAgain, Facts{Retries: 3, Window: time.Second},
			Verdict{Outcome: Retry, Retries: 4, After: 8 * tryAgainPause, Siblings: true}},
		{"primary loads", Unable, Facts{Redirects: 4, Window: time.Second},
			Verdict{Outcome: Retry, Retries: 1, After: Pause, Siblings: true}},
		{"replica loads", Unable, Facts{Replica: true, Window: time.Second},
			Verdict{Outcome: Retry, Retries: 1, Siblings: true}},
		{"no hold", Unable, Facts{}, Verdict{Outcome: GiveUp, Retries: 1, After: Pause, Siblings: true}},
		{"script to load", NoScript, Facts{Loadable: true},
			Verdict{Outcome: Retry, Redirects: 1, Fallback: true, Siblings: true}},
		{"script of the primary", NoScript, Facts{Replica: true},
			Verdict{Outcome: Retry, Redirects: 1, Primary: true, Fallback: true, Siblings: true}},
		{"script of nobody", NoScript, Facts{}, Verdict{}},
		{"script only on replicas", NoScript, Facts{Replica: true, OnlyReplicas: true}, Verdict{}},
		{"replicas on their way", NoReplicas, Facts{Switching: true, Window: time.Second},
			Verdict{Outcome: Retry, Retries: 1, After: Pause, Fallback: true, Siblings: true}},
		{"too few replicas", NoReplicas, Facts{Window: time.Second}, Verdict{}},
		{"busy", Busy, Facts{Window: time.Second}, Verdict{Outcome: Retry, Retries: 1, After: Pause, Siblings: true}},
		{"busy, to get past it", Busy, Facts{Window: time.Second, Bypass: true}, Verdict{}},
		{"busy under WATCH", Busy, Facts{Window: time.Second, Watched: true}, Verdict{}},
		{"busy for long", Busy, Facts{Window: time.Second, Retries: Limit(Busy, time.Second)}, Verdict{}},
		{"absent", Absent, Facts{}, Verdict{Outcome: Retry, Redirects: 1, Primary: true, Siblings: true}},
	} {
		if v := Decide(c.kind, &c.f); v != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, v, c.want)
		}
	}
}

func TestIsAbsent(t *testing.T) {
	for reply, want := range map[string]bool{
		"$-1\r\n": true, "_\r\n": true, ":0\r\n": true, ":1\r\n": false, "*0\r\n": true, "+none\r\n": true,
		"+string\r\n": false, "*2\r\n$-1\r\n$1\r\na\r\n": true, "*1\r\n$1\r\na\r\n": false,
		"-ERR no such key\r\n": true, "-ERR\r\n": false, "-ERR key does not exist\r\n": true,
	} {
		if IsAbsent([]byte(reply)) != want {
			t.Errorf("%q: not %v", reply, want)
		}
	}
}

func TestIsOfServer(t *testing.T) {
	for reply, want := range map[string]bool{
		"-NOPERM this user has no permissions\r\n": true, "-ERR unknown command 'DIGEST'\r\n": true,
		"-ERR unknown subcommand 'X'\r\n": true, "-ERR\r\n": false, "-WRONGTYPE\r\n": false, "+NOPERM \r\n": false,
		"$-1\r\n": false,
	} {
		if IsOfServer([]byte(reply)) != want {
			t.Errorf("%q: not %v", reply, want)
		}
	}
}

func TestSharesKey(t *testing.T) {
	frame := func(args ...string) []byte { return resp.AppendCommandStrings(nil, args...) }
	for _, c := range []struct {
		a, b []byte
		want bool
	}{
		{frame("GET", "a"), frame("SET", "a", "1"), true},
		{frame("GET", "a"), frame("MGET", "b", "c"), false},
		{frame("MGET", "c", "a"), frame("MGET", "b", "a"), true},
		{frame("GET", "a"), frame("mod.set", "b"), true},
		{frame("GET", "a"), frame("DBSIZE"), true},
	} {
		if got := SharesKey(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}

func TestQueueKeepsTheOrderOfRequests(t *testing.T) {
	var q Queue
	for _, e := range []Entry{{Seq: 1}, {Seq: math.MaxUint32, Part: -1}, {Seq: 0, Part: 1}, {Seq: 1, Part: 1}, {Seq: 0}} {
		e.Frame = []byte("x")
		q = q.Insert(e)
	}
	var order []uint32
	for i := range q {
		order = append(order, q[i].Seq)
	}
	if want := []uint32{math.MaxUint32, 0, 0, 1, 1}; !slices.Equal(order, want) || q.Check() != nil {
		t.Errorf("the order is %v, %v", order, q.Check())
	}
	for what, wrong := range map[string]Queue{
		"order": {q[1], q[0]}, "twice": {q[0], q[0]}, "empty": {{}}, "redirects": {{Frame: q[0].Frame, Redirects: 6}},
		"asks nobody": {{Frame: q[0].Frame, Ask: true, Target: -1}},
	} {
		if wrong.Check() == nil {
			t.Errorf("%s: %+v is found right", what, wrong)
		}
	}
}

func TestDue(t *testing.T) {
	v := &topology.View{Epoch: 7}
	for _, c := range []struct {
		e    Entry
		v    *topology.View
		want bool
	}{
		{Entry{At: 10, Epoch: 7}, v, true},
		{Entry{At: 11, Epoch: 7}, v, false},
		{Entry{At: 11, Epoch: 6}, v, true},
		{Entry{At: 11, Epoch: 6, Firm: true}, v, false},
		{Entry{At: 11}, nil, true},
	} {
		if got := c.e.Due(10, c.v); got != c.want {
			t.Errorf("%+v: %v", c.e, got)
		}
	}
}
