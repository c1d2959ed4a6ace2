package catalog

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"evergate/gateway/session"
	"evergate/routing"
)

func words(args ...string) (all [][]byte) {
	for _, a := range args {
		all = append(all, []byte(a))
	}
	return all
}

var one, two = session.Ref{ID: 1, Generation: 1}, session.Ref{ID: 2, Generation: 1}

// answer asks a question and passes the reply to Take.
func answer(t *testing.T, c *Catalog, q Question, reply string, now time.Duration) {
	t.Helper()
	tag, _, _ := c.Ask(q, one, 0)
	var b []byte // the connection was lost
	if reply != "" {
		b = []byte(reply)
	}
	if woken := c.Take(tag, b, now); !slices.Equal(woken, []session.Ref{one}) {
		t.Fatalf("%v are woken", woken)
	}
	if err := c.Check(); err != nil || c.Asked() != 0 {
		t.Fatal(err, c.Asked())
	}
}

func TestCommandIsAskedOnceAndForgotten(t *testing.T) {
	c, args := New(Memory{}), words("Mod.Get", "k")
	state := func(now time.Duration, want State) {
		t.Helper()
		if row, got := c.Command(args, now); got != want || (row != nil) != (got == Known) {
			t.Errorf("at %v it is %d, want %d", now, got, want)
		}
	}
	state(0, Ask)
	answer(t, c, OfCommand(args), "", 0) // the connection was lost
	state(0, Ask)
	answer(t, c, OfCommand(args), "-LOADING Redis is loading\r\n", 0)
	state(failedFor-1, Failed)
	state(failedFor, Ask)
	answer(t, c, OfCommand(args), "*1\r\n*-1\r\n", failedFor)
	state(failedFor+unknownFor-1, Unknown)
	state(failedFor+unknownFor, Ask)
	answer(t, c, OfCommand(args), "-NOPERM\r\n", 0)
	state(0, Unknown)
	answer(t, c, OfCommand(args), "*1\r\n*6\r\n$7\r\nmod.get\r\n:2\r\n*1\r\n+readonly\r\n:1\r\n:1\r\n:1\r\n", 0)
	state(time.Hour, Known)
	if row := c.Row(args); row == nil || !row.Has(routing.Read) {
		t.Errorf("its row is %+v", row)
	}
	if _, state := c.Command(words("CONFIG", "MAKE"), 0); state != Unknown {
		t.Error("a server would be asked for a subcommand of a known command")
	}
}

func TestQuestionsAreShared(t *testing.T) {
	c := New(Memory{})
	first, second := OfCommand(words("mod.a")), OfCommand(words("mod.b"))
	if c.Join(first, one) {
		t.Error("joined what nobody asks")
	}
	a, frame, ahead := c.Ask(first, one, 0)
	if want := "*3\r\n$7\r\nCOMMAND\r\n$4\r\nINFO\r\n$5\r\nmod.a\r\n"; string(frame) != want || ahead != 0 {
		t.Errorf("%q, %d ahead", frame, ahead)
	}
	b, _, _ := c.Ask(second, two, 0)
	if !c.Join(OfCommand(words("MOD.A", "x")), two) || a == b || c.Asked() != 2 || c.Check() != nil {
		t.Error("one question is two, or two are one")
	}
	if woken := c.Take(a, nil, 0); !slices.Equal(woken, []session.Ref{one, two}) {
		t.Errorf("%v are woken", woken)
	}
	if retried, _, _ := c.Ask(first, two, 0); retried != a {
		t.Errorf("tag %d is not used again, but %d", a, retried)
	}
	c.asked[a].topic = second.topic
	if c.Check() == nil {
		t.Error("a question that is asked twice is found right")
	}
}

func TestKeysOfRequests(t *testing.T) {
	c := New(Memory{})
	answer(t, c, OfCommand(words("mod.x")), "*1\r\n*6\r\n$5\r\nmod.x\r\n:-2\r\n*1\r\n"+
		"+movablekeys\r\n:0\r\n:0\r\n:0\r\n", 0)
	for reply, want := range map[string]State{
		"-LOADING Redis is loading\r\n": Ask, "": Ask,
		"-ERR Invalid arguments specified for command\r\n": Unknown,
		"-NOPERM no\r\n": Unknown,
	} {
		args := words("mod.x", fmt.Sprint(len(reply)))
		answer(t, c, OfKeys(args), reply, 0)
		if err, state := c.KeysError(args, unknownFor-1); state != want || (len(err) > 0) != (want == Unknown) {
			t.Errorf("%q: %q, %d", reply, err, state)
		}
		if _, state := c.KeysError(args, unknownFor); state != Ask {
			t.Errorf("%q is believed for ever", reply)
		}
	}
	args := words("mod.x", "a", "b")
	answer(t, c, OfKeys(args), "*2\r\n$1\r\na\r\n$1\r\nb\r\n", 0)
	if known := c.keys(args); known == nil || len(known.names) != 2 || known.err != nil {
		t.Errorf("the keys are %+v", known)
	}
	for i := range 3 * keysMax {
		answer(t, c, OfKeys(words("mod.x", fmt.Sprint("k", i))), "*0\r\n", 0)
	}
}

// TestDatabases: answers about databases were once kept for every number that a client named.
func TestDatabases(t *testing.T) {
	c := New(Memory{})
	_, frame, ahead := c.Ask(OfDatabase(16), one, 3)
	if want := "*1\r\n$5\r\nMULTI\r\n*2\r\n$6\r\nSELECT\r\n$2\r\n16\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n" +
		"*1\r\n$4\r\nEXEC\r\n"; ahead != 3 || string(frame) != want {
		t.Errorf("%q, %d ahead", frame, ahead)
	}
	c = New(Memory{})
	for n := range int32(2 * databasesMax) {
		answer(t, c, OfDatabase(n+16), "*2\r\n-ERR DB index is out of range\r\n+OK\r\n", 0)
	}
	err, state := c.Database(16+2*databasesMax-1, 0)
	if state != Unknown || string(err) != "-ERR DB index is out of range\r\n" {
		t.Errorf("%q, %d", err, state)
	}
	answer(t, c, OfDatabase(1), "*2\r\n+OK\r\n+OK\r\n", 0)
	if _, state := c.Database(1, time.Hour); state != Known {
		t.Error("a database that is there is asked for again")
	}
	answer(t, c, OfDatabase(2), "-LOADING Redis is loading\r\n", 0)
	if _, state := c.Database(2, 0); state != Ask {
		t.Error("LOADING says something about a database")
	}
}

func TestFunctions(t *testing.T) {
	c := New(Memory{})
	if _, state := c.FunctionWrites([]byte("f")); state != Ask {
		t.Error("functions are known before a server was asked")
	}
	answer(t, c, OfFunctions(), "*1\r\n*2\r\n+functions\r\n*1\r\n*4\r\n+name\r\n+f\r\n+flags\r\n*1\r\n+no-writes\r\n", 0)
	for name, want := range map[string]bool{"F": false, "g": true} {
		if writes, state := c.FunctionWrites([]byte(name)); writes != want || state != Known {
			t.Errorf("%s writes: %v, %d", name, writes, state)
		}
	}
	c.ForgetFunctions()
	if _, state := c.FunctionWrites([]byte("f")); state != Ask {
		t.Error("functions are not forgotten")
	}
}

func TestScripts(t *testing.T) {
	c := New(Memory{})
	lower := []byte("0123456789abcdef0123456789abcdef01234567")
	upper := bytes.ToUpper(lower)
	if c.Has(0, "run", 1, lower) {
		t.Error("a script is there that was never loaded")
	}
	c.Load(0, "run", 1, Name(upper))
	for _, named := range [][]byte{lower, upper, upper, lower} {
		if !c.Has(0, "run", 1, named) {
			t.Errorf("%s is not there", named)
		}
	}
	if c.Has(0, "other run", 1, lower) || c.Has(1, "run", 1, lower) {
		t.Error("a script is in a server that it was not loaded into")
	}
	if c.Has(0, "run", 2, lower) {
		t.Error("what is being loaded on one connection is taken for loaded on another")
	}
	c.Loaded(0, "run", Name(lower))
	if !c.Has(0, "run", 2, lower) || !c.Has(0, "run", 3, lower) {
		t.Error("what a server has loaded is not there for all connections")
	}
	for i := range 2 * loadedMax {
		c.Load(0, "run", 1, Name(fmt.Appendf(nil, "%040x", i)))
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
	}
	c.Load(1, "run", 1, Name(lower))
	if c.Unload(1); c.Has(1, "run", 1, lower) {
		t.Error("a lost server has a script")
	}
	c.Load(1, "run", 1, Name(lower))
	if c.UnloadAll(); c.Has(1, "run", 1, lower) {
		t.Error("flushed servers have a script")
	}
	if c.Loaded(1, "run", Name(lower)); c.Has(1, "run", 1, lower) {
		t.Error("an answer to what came before the flush is believed")
	}
}

func TestMultiErrorIsBelievedForAWhile(t *testing.T) {
	c := New(Memory{})
	if c.MultiError(0) != nil {
		t.Error("MULTI fails before it was sent")
	}
	c.MultiFails([]byte("-NOPERM\r\n"), 0)
	if string(c.MultiError(noMultiFor-1)) != "-NOPERM\r\n" || c.MultiError(noMultiFor) != nil {
		t.Errorf("%q, then %q", c.MultiError(noMultiFor-1), c.MultiError(noMultiFor))
	}
}

func TestRejectedMultiIsNotBelievedForLong(t *testing.T) {
	c, second := New(Memory{}), time.Second
	for _, step := range []struct {
		at    time.Duration
		reply string // empty: the connection was lost
		err   string // of MULTI afterwards
		state State
	}{
		{0, "", "", Ask},
		{0, "-LOADING Redis is loading the dataset in memory\r\n", "", Ask},
		{0, "-NOPERM no\r\n", "-NOPERM no\r\n", Known},
		{failedFor, "-NOAUTH Authentication required.\r\n", "-NOAUTH Authentication required.\r\n", Known},
		{2 * second, "-BUSY Redis is busy running a script.\r\n", "", Known},
	} {
		if s := c.Multi(step.at); s != Ask {
			t.Fatalf("before %q: %v", step.reply, s)
		}
		tag, frame, ahead := c.Ask(OfTransactions(), session.Ref{}, 0)
		if string(frame) != "*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nEXEC\r\n" || ahead != 1 {
			t.Fatalf("asked %q, %d ahead", frame, ahead)
		}
		var reply []byte
		if step.reply != "" {
			reply = []byte(step.reply)
		}
		c.Take(tag, reply, step.at)
		if s, err := c.Multi(step.at), c.MultiError(step.at); s != step.state || string(err) != step.err {
			t.Errorf("after %q: %v, %q", step.reply, s, err)
		}
	}
	if c.Multi(time.Hour) != Known {
		t.Error("a consent is forgotten")
	}
	c.MultiFails([]byte("-NOPERM no\r\n"), time.Hour)
	if c.Multi(time.Hour) != Known || c.Multi(time.Hour+noMultiFor) != Ask {
		t.Error("a server that has rejected a transaction is not asked again")
	}
}
