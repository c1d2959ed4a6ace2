package routing

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// keynum is the specification of MSETEX (Redis 8.4, Valkey 9.1): numkeys key value [key value ...].
var keynum = KeySpec{Index: 1, Numbered: true, First: 1, Step: 2}

// TestLearntKeys: the keys of learnt commands; "ask" if only the server knows them.
func TestLearntKeys(t *testing.T) {
	upTo := func(index, last, step, limit int) KeySpec {
		return KeySpec{Index: index, Last: last, Step: step, Limit: limit}
	}
	cases := []struct {
		specs []KeySpec
		line  string
		keys  string
	}{
		{[]KeySpec{keynum}, "m 2 a 1 b 2 NX", "a b"},
		{[]KeySpec{keynum}, "m 1 a 1", "a"},
		{[]KeySpec{keynum}, "m 0", ""},
		{[]KeySpec{keynum}, "m 3 a 1 b 2", "ask"},
		{[]KeySpec{keynum}, "m 02 a 1 b 2", "ask"},
		{[]KeySpec{keynum}, "m -1 a 1", "ask"},
		{[]KeySpec{keynum}, "m x a 1", "ask"},
		{[]KeySpec{keynum}, "m 99999999999999999999 a 1", "ask"},
		{[]KeySpec{keynum}, "m", "ask"},
		{[]KeySpec{upTo(1, 0, 1, 0), {Index: 2, Numbered: true, First: 1, Step: 1}}, "m d 2 a b WEIGHTS 1 2", "d a b"},
		{[]KeySpec{upTo(1, -1, 2, 0)}, "m a 1 b 2", "a b"},
		{[]KeySpec{upTo(1, -2, 1, 0)}, "m a b 0", "a b"},
		{[]KeySpec{upTo(2, 1, 1, 0)}, "m x a b c", "a b"},
		{[]KeySpec{upTo(2, 0, 1, 0)}, "m x", "ask"},
		{[]KeySpec{upTo(1, -1, 1, 2)}, "m a b 0 0", "a b"},
		{[]KeySpec{{Keyword: "STREAMS", From: 1, Last: -1, Step: 1, Limit: 2}}, "m COUNT 1 streams a b 0 0", "a b"},
		{[]KeySpec{{Keyword: "STREAMS", From: 1, Last: -1, Step: 1, Limit: 2}}, "m COUNT 1", ""},
		{[]KeySpec{{Keyword: "STREAMS", From: 1, Last: -1, Step: 1, Limit: 2}}, "m COUNT 1 streams", ""},
		{[]KeySpec{{Keyword: "keys", From: -2, Last: -1, Step: 1}}, `m h KEYS "" 0 10 KEYS a b`, "a b"},
		{[]KeySpec{{Keyword: "keys", From: -2, Last: -1, Step: 1}}, "m h", ""},
		{[]KeySpec{{Keyword: "keys", From: -9, Last: -1, Step: 1}}, "m h keys a", ""},
		{[]KeySpec{upTo(1, 0, 1, 0), {Index: 1, Last: 0, Step: 1, Unknown: true}}, "m a", "ask"},
		{[]KeySpec{{Index: 0, Last: 0, Step: 1}}, "m a", "ask"},
		{[]KeySpec{{Index: 1, Last: 0, Step: 0}}, "m a", "ask"},
		{[]KeySpec{{Index: 1, Last: 1 << 40, Step: 1}}, "m a", "ask"},
		{[]KeySpec{{Keyword: "k", Last: -1, Step: 1}}, "m k a", "ask"},
		{[]KeySpec{{Index: 1, Last: 2, Step: 1, Limit: 2}}, "m a b c", "ask"},
	}
	for _, c := range cases {
		command, args := Learn(Definition{Name: "m", Arity: -1, Specs: c.specs}), cutLine(t, c.line)
		keys, ok := command.Keys(args, nil)
		got := []string{}
		for _, at := range keys {
			got = append(got, string(args[at]))
		}
		if text := strings.Join(got, " "); ok != (c.keys != "ask") || ok && text != c.keys {
			t.Errorf("%s by %+v: %q %v, want %q", c.line, c.specs, text, ok, c.keys)
		}
	}
}

// TestLearntLikeTable: for commands of the table, a learnt row leads to the same keys as the table's, or to a question
// to the server.
func TestLearntLikeTable(t *testing.T) {
	files, err := filepath.Glob("testdata/command/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		head, rows := readRecording(t, file)
		compared := 0
		for _, c := range keyCases {
			args := cutLine(t, c.line)
			command := Lookup(args)
			i := slices.IndexFunc(rows, func(r serverRow) bool { return r.Name == command.Name })
			if i < 0 || c.keys == nil {
				continue
			}
			learnt := Learn(infoFrom(t, rows[i]))
			keys, ok := learnt.Keys(args, nil)
			if !ok {
				continue
			}
			compared++
			want, _ := command.Keys(args, nil)
			slices.Sort(keys)
			slices.Sort(want)
			if !slices.Equal(keys, want) {
				t.Errorf("%s, %s: keys at %v, the table says %v", head.Server, c.line, keys, want)
			}
		}
		if compared < 10 {
			t.Errorf("%s: only %d requests compared", head.Server, compared)
		}
	}
}

// infoFrom converts a recorded row to the input of Learn.
func infoFrom(t *testing.T, r serverRow) Definition {
	info := Definition{
		Name: r.Name, Arity: r.Arity, Flags: r.Flags, First: r.First, Last: r.Last, Step: r.Step, Tips: r.Tips,
	}
	for _, text := range r.Specs {
		flags, spec, _ := strings.Cut(text, ": ")
		begin, find, _ := strings.Cut(spec, ", ")
		k := KeySpec{Unknown: strings.Contains(flags, "incomplete") || strings.Contains(spec, "unknown")}
		var err error
		switch kind, rest, _ := strings.Cut(begin, " "); kind {
		case "index":
			_, err = fmt.Sscan(rest, &k.Index)
		case "keyword":
			_, err = fmt.Sscan(rest, &k.Keyword, &k.From)
		}
		if err != nil {
			t.Fatal(text, err)
		}
		switch kind, rest, _ := strings.Cut(find, " "); kind {
		case "range":
			_, err = fmt.Sscan(rest, &k.Last, &k.Step, &k.Limit)
		case "keynum":
			k.Numbered = true
			_, err = fmt.Sscan(rest, &k.NumberAt, &k.First, &k.Step)
		}
		if err != nil {
			t.Fatal(text, err)
		}
		info.Specs = append(info.Specs, k)
	}
	return info
}

// TestLearntDecision: a learnt command is sent to the shard of its keys, rejected if they are in several slots, and not
// sent before its keys are known.
func TestLearntDecision(t *testing.T) {
	view := shardedView(t, "0-5460", "5461-10922", "10923-16383")
	learn := func(flags string, specs ...KeySpec) *Command {
		return Learn(Definition{Name: "m", Arity: -2, Flags: strings.Fields(flags), Specs: specs})
	}
	asked := [][]byte{[]byte("foo")}
	cases := []struct {
		c     *Command
		line  string
		keys  [][]byte
		want  string
		plain string
	}{
		{learn("write movablekeys", keynum), "m 2 foo 1 {foo}b 2", nil, "forward shard 2 slot 12182", "forward shard 0"},
		{learn("write movablekeys", keynum), "m 2 foo 1 bar 2", nil, "refuse: cross-slot", "forward shard 0"},
		{learn("write movablekeys", keynum), "m 3 foo 1", nil, "ask-keys", "forward shard 0"},
		{learn("write movablekeys", keynum), "m 3 foo 1", asked, "forward shard 2 slot 12182", "forward shard 0"},
		{learn("readonly movablekeys"), "m foo", nil, "ask-keys", "forward shard 0 read"},
		{learn("readonly movablekeys"), "m foo", asked, "forward shard 2 slot 12182 read", "forward shard 0 read"},
		{learn("readonly movablekeys"), "m foo", [][]byte{}, "forward shard 0 read", "forward shard 0 read"},
		{learn("readonly movablekeys"), "m a", append(asked, []byte("bar")), "refuse: cross-slot", "forward shard 0 read"},
		{learn("write blocking movablekeys"), "m a", nil, "ask-keys", "dedicate shard 0"},
		{learn("write blocking movablekeys"), "m a", asked, "dedicate shard 2 slot 12182", "dedicate shard 0"},
		{learn("write blocking", keynum), "m 2 foo 1 bar 2", nil, "refuse: cross-slot", "dedicate shard 0"},
		{learn("write @dangerous", keynum), "m 1 foo 1", nil, "refuse: forbidden", "refuse: forbidden"},
		{learn("write movablekeys", keynum), "m", nil, "refuse: wrong-arity", "refuse: wrong-arity"},
	}
	for _, c := range cases {
		r := Request{Command: c.c, Args: cutLine(t, c.line), Keys: c.keys}
		if got := describe(decideBy(r, view)); got != c.want {
			t.Errorf("%s: %s, want %s", c.line, got, c.want)
		}
		if got := describe(decideBy(r, plainView())); got != c.plain {
			t.Errorf("%s, not in a cluster: %s, want %s", c.line, got, c.plain)
		}
	}
}

// TestLearntPolicy: a command that a server's hints send to all shards is not answered by one.
func TestLearntPolicy(t *testing.T) {
	view := shardedView(t, "0-8191", "8192-16383")
	cases := []struct{ tips, want string }{
		{"request_policy:all_shards response_policy:agg_sum", "broadcast sum"},
		{"request_policy:all_nodes response_policy:all_succeeded", "broadcast all-ok"},
		{"request_policy:all_shards response_policy:agg_min", "broadcast least"},
		{"request_policy:all_shards response_policy:special", "refuse: one-server"},
		{"request_policy:all_shards", "refuse: one-server"},
		{"nondeterministic_output", "forward shard 0"},
	}
	for _, c := range cases {
		command := Learn(Definition{Name: "m", Arity: -1, Tips: strings.Fields(c.tips)})
		if got := describe(decideBy(Request{Command: command, Args: cutLine(t, "m")}, view)); got != c.want {
			t.Errorf("%s: %s, want %s", c.tips, got, c.want)
		}
	}
}

// TestLearntContainer: the flags of a container do not apply to its subcommands.
func TestLearntContainer(t *testing.T) {
	c := Learn(Definition{Name: "Mod", Arity: -2, Subcommands: []Definition{
		{Name: "mod|get", Arity: 3, Flags: []string{"readonly"}, First: 2, Last: 2, Step: 1},
		{Name: "mod|SHUT", Arity: 2, Flags: []string{"admin"}},
		{Name: "other|get", Arity: 9}, {Name: "mod|", Arity: 9}, {Name: strings.Repeat("x", 99), Arity: 9},
	}})
	for line, want := range map[string]string{
		"mod GET k": "forward shard 0 read", "MOD shut": "refuse: forbidden", "mod nothing": "refuse: unknown-command",
		"mod": "refuse: wrong-arity", "mod get": "refuse: wrong-arity",
	} {
		args := cutLine(t, line)
		if got := describe(decideBy(Request{Command: c.Of(args), Args: args}, plainView())); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}
