package routing

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"evergate/topology"
)

// arguments splits fuzzed bytes at zeros.
func arguments(raw []byte) [][]byte { return bytes.Split(raw, []byte{0}) }

func seeds(f *testing.F) {
	for _, c := range keyCases {
		f.Add([]byte(strings.ReplaceAll(strings.ReplaceAll(c.line, `""`, ""), " ", "\x00")), uint16(0))
	}
	for _, c := range allRows() {
		name := strings.ReplaceAll(c.Name, "|", "\x00")
		f.Add([]byte(name), uint16(1))
		f.Add([]byte(name+"\x00a\x002\x00b\x00c\x00STREAMS\x00STORE\x00KEYS"), uint16(2))
	}
}

// FuzzKeys: for any arguments, positions are those of arguments after the command's name, each once.
func FuzzKeys(f *testing.F) {
	seeds(f)
	all := allRows()
	slices.SortFunc(all, func(a, b *Command) int { return strings.Compare(a.Name, b.Name) })
	f.Fuzz(func(t *testing.T, raw []byte, pick uint16) {
		args := arguments(raw)
		checkKeys(t, all[int(pick)%len(all)], args, false)
		if c := Lookup(args); c != nil {
			checkKeys(t, c, args, false)
		}
		first, last, step := int(pick&15)-4, int(pick>>4&15)-8, int(pick>>8&7)-2
		checkKeys(t, Learn(Definition{Name: "m", First: first, Last: last, Step: step}), args, false)
		checkKeys(t, Learn(Definition{Name: "m", Specs: fuzzedSpecs(pick)}), args, true)
	})
}

// fuzzedSpecs are two specifications, of each kind.
func fuzzedSpecs(pick uint16) []KeySpec {
	at, n, by := int(pick&7)-2, int(pick>>3&7)-4, int(pick>>6&3)
	specs := []KeySpec{
		{Index: at, Last: n, Step: by, Limit: int(pick >> 8 & 3)}, {Index: at, Numbered: true, First: n, Step: by},
		{Keyword: "streams", From: at, Last: n, Step: by}, {Keyword: "k", From: -at, Numbered: true, NumberAt: n, Step: by},
	}
	return []KeySpec{specs[pick>>10&3], specs[pick>>12&3]}
}

func checkKeys(t *testing.T, c *Command, args [][]byte, twice bool) {
	keys, ok := c.Keys(args, nil)
	if !ok && len(keys) > 0 {
		t.Fatalf("%s: %v though the arguments do not say", c.Name, keys)
	}
	seen := map[int]bool{}
	for _, at := range keys {
		if at < 1 || at >= len(args) || seen[at] && !twice {
			t.Fatalf("%s %q: position %d of %v", c.Name, args, at, keys)
		}
		seen[at] = true
	}
}

// FuzzDecide: every request gets a decision that is consistent with it and with the view.
func FuzzDecide(f *testing.F) {
	seeds(f)
	plain, sharded := plainView(), shardedView(f, "0-5460", "5461-10922", "10923-16000")
	f.Fuzz(func(t *testing.T, raw []byte, pick uint16) {
		args := arguments(raw)
		c := Lookup(args)
		if c == nil && pick%2 == 0 {
			c = Learn(Definition{
				Name: string(args[0]), Flags: []string{"readonly"},
				First: int(pick >> 1 & 7), Last: int(pick>>4&15) - 8, Step: int(pick >> 8 & 3),
			})
		} else if c == nil && pick%4 == 1 {
			c = Learn(Definition{Name: string(args[0]), Specs: fuzzedSpecs(pick >> 1)})
		}
		r := Request{Command: c, Args: args}
		for _, v := range []*topology.View{nil, plain, sharded} {
			checkDecision(t, r, v, decideBy(r, v))
		}
	})
}

func checkDecision(t *testing.T, r Request, v *topology.View, d Decision) {
	fail := func(why string) { t.Fatalf("%q: %s: %+v", r.Args, why, d) }
	shards := 0
	if v != nil {
		shards = len(v.Shards)
	}
	sharded := v != nil && v.Sharded
	if d.Shard < -1 || d.Shard >= shards || d.Slot < -1 || d.Slot >= topology.Slots {
		fail("no such shard or slot")
	}
	if (d.Kind == Refuse) != (d.Reason != NoReason) || (d.Kind == Split) != (d.Parts != nil) {
		fail("kind and reason or parts differ")
	}
	if !sharded && (d.Kind == AskKeys || d.Slot != -1 || d.Kind == Split || d.Reason == CrossSlot) {
		fail("slots where there are none")
	}
	if d.Read && (r.Command.Has(Write) || r.Command.Has(Scan)) || d.Safe && r.Command.Has(Write) {
		fail("a replica may not serve it, or it may not be done again")
	}
	switch d.Kind {
	case Forward:
		named := strings.HasPrefix(r.Command.Name, "pubsub|")
		if r.Command.Has(Local|Harmful|Transaction|Scan) || r.Command.Waits() || r.Command.blocksAlways() ||
			r.Command.Has(Subscribing) && !named {
			fail("must not reach a lane")
		}
		if sharded && r.Command.Has(Everywhere) && r.Command.Merge != OneAnswers {
			fail("one shard is not all")
		}
		keys, _ := r.Command.Keys(r.Args, nil)
		for _, at := range keys {
			if sharded && Slot(r.Args[at]) != d.Slot {
				fail("a key in another slot")
			}
		}
	case Split:
		if r.Command.Cut == Whole {
			checkEvery(t, r, v, d)
			break
		}
		checkParts(t, r, v, d)
	}
}

// blocksAlways reports whether no argument makes the command one that does not block.
func (c *Command) blocksAlways() bool { return c.Has(Blocking) && c.Form != Streams }

// checkEvery checks the decision of a request that is sent to every shard unchanged.
func checkEvery(t *testing.T, r Request, v *topology.View, d Decision) {
	for i, p := range d.Parts {
		if p.Shard != i || p.Slot != -1 || len(p.Args) != len(r.Args)-1 || !slices.IsSorted(p.Args) {
			t.Fatalf("%q: part %d: %+v", r.Args, i, d)
		}
	}
	if len(d.Parts) != len(v.Shards) {
		t.Fatalf("%q: %d parts for %d shards", r.Args, len(d.Parts), len(v.Shards))
	}
}

func checkParts(t *testing.T, r Request, v *topology.View, d Decision) {
	if len(d.Parts) < 2 {
		t.Fatalf("%q: one part: %+v", r.Args, d)
	}
	seen := make([]bool, len(r.Args))
	seen[0] = true
	for i, p := range d.Parts {
		if i > 0 && d.Parts[i-1].Slot >= p.Slot || p.Shard != shardOf(v, p.Slot) || !slices.IsSorted(p.Args) {
			t.Fatalf("%q: part %d: %+v", r.Args, i, d)
		}
		for j, at := range p.Args {
			pairs := r.Command.Cut == PerPair
			if seen[at] || (!pairs || j%2 == 0) && Slot(r.Args[at]) != p.Slot || pairs && j%2 == 1 && at != p.Args[j-1]+1 {
				t.Fatalf("%q: part %d holds %d: %+v", r.Args, i, at, d)
			}
			seen[at] = true
		}
	}
	if slices.Contains(seen, false) {
		t.Fatalf("%q: an argument is in no part: %+v", r.Args, d)
	}
}
