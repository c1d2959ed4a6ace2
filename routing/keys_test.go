package routing

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSlot(t *testing.T) {
	cases := []struct {
		key  string
		slot int
	}{
		{"", 0},
		{"123456789", 0x31c3},
		{"foo", 12182},
		{"{foo}", 12182},
		{"a{foo}b{bar}", 12182},
		{"foo{bar}{zap}", 5061},
		{"bar", 5061},
		{"foo{}{bar}", 8363},
		{"foo{{bar}}zap", 4015},
		{"{bar", 4015},
	}
	for _, c := range cases {
		if got := Slot([]byte(c.key)); got != c.slot {
			t.Errorf("Slot(%q) = %d, want %d", c.key, got, c.slot)
		}
	}
	random := rand.New(rand.NewPCG(5, 6))
	for n := range 200 {
		key := make([]byte, n)
		for i := range key {
			key[i] = byte(random.IntN('{'))
		}
		if got, want := Slot(key), slotByBits(key); got != want {
			t.Errorf("Slot(%q) = %d, want %d", key, got, want)
		}
	}
	whole := []string{"{}foo", "{", "}{", "x{", "{}{a}", "}{a", "a}"}
	for _, key := range whole {
		if got, want := Slot([]byte(key)), slotByBits([]byte(key)); got != want {
			t.Errorf("Slot(%q) = %d, want %d", key, got, want)
		}
	}
	same := [][2]string{{"}foo{bar}", "bar"}, {"x{a}{b}", "a"}, {"{a}}", "a"}}
	for _, pair := range same {
		if Slot([]byte(pair[0])) != slotByBits([]byte(pair[1])) {
			t.Errorf("%q is not in the slot of %q", pair[0], pair[1])
		}
	}
}

// slotByBits computes the slot of a key without a tag, bit by bit.
func slotByBits(key []byte) int {
	crc := 0
	for _, b := range key {
		crc ^= int(b) << 8
		for range 8 {
			crc <<= 1
			if crc&0x10000 != 0 {
				crc ^= 0x11021
			}
		}
	}
	return crc % 16384
}

// keyCases are requests and the positions of their keys; nil if the arguments do not show where the keys are. The live
// test compares them with a server's COMMAND GETKEYS.
var keyCases = []struct {
	line string
	keys []int
}{
	{"GET a", []int{1}},
	{"MGET a b c", []int{1, 2, 3}},
	{"MSET a 1 b 2", []int{1, 3}},
	{"PING", []int{}},
	{"BITOP AND d a b", []int{2, 3, 4}},
	{"OBJECT ENCODING a", []int{2}},
	{"MEMORY USAGE a SAMPLES 0", []int{2}},
	{"XINFO STREAM a", []int{2}},
	{"XINFO CONSUMERS a g", []int{2}},
	{"XGROUP CREATE a g $", []int{2}},
	{"XGROUP HELP", []int{}},
	{"BLPOP a b 0", []int{1, 2}},
	{"LMOVE a b LEFT RIGHT", []int{1, 2}},
	{"SMOVE a b m", []int{1, 2}},
	{"ZRANGESTORE d a 0 1", []int{1, 2}},
	{"LCS a b LEN", []int{1, 2}},
	{"EVAL s 2 a b c", []int{3, 4}},
	{"EVALSHA s 1 a", []int{3}},
	{"EVAL_RO s 1 a b", []int{3}},
	{"EVALSHA_RO s 1 a", []int{3}},
	{"EVAL s 0 a", []int{}},
	{"EVAL s -1 a", nil},
	{"EVAL s +1 a", nil},
	{"EVAL s 2 a", nil},
	{"EVAL s 1x a", nil},
	{"EVAL s 18446744073709551617 a", nil},
	{`EVAL s "" a`, nil},
	{"FCALL f 1 a b", []int{3}},
	{"FCALL_RO f 1 a", []int{3}},
	{"ZUNION 2 a b WITHSCORES", []int{2, 3}},
	{"ZINTER 2 a b", []int{2, 3}},
	{"ZDIFF 1 a", []int{2}},
	{"ZINTERCARD 2 a b LIMIT 1", []int{2, 3}},
	{"SINTERCARD 1 a", []int{2}},
	{"ZUNIONSTORE d 2 a b WEIGHTS 1 2", []int{1, 3, 4}},
	{"ZINTERSTORE d 1 a", []int{1, 3}},
	{"ZDIFFSTORE d 2 a b", []int{1, 3, 4}},
	{"ZUNIONSTORE d 3 a b", nil},
	{"LMPOP 2 a b LEFT", []int{2, 3}},
	{"BLMPOP 0 1 a LEFT", []int{3}},
	{"ZMPOP 1 a MIN", []int{2}},
	{"BZMPOP 0 2 a b MAX", []int{3, 4}},
	{"SORT a", []int{1}},
	{"SORT a BY w_* LIMIT 0 1 GET # GET x* DESC STORE d", []int{1, 13}},
	{"SORT a BY store", []int{1}},
	{"SORT a STORE d STORE e", []int{1, 5}},
	{"SORT a STORE", []int{1}},
	{"SORT_RO a BY w_* GET #", []int{1}},
	{"GEORADIUS a 1 2 3 m", []int{1}},
	{"GEORADIUS a 1 2 3 m WITHDIST STORE d", []int{1, 8}},
	{"GEORADIUS a 1 2 3 m STORE d STOREDIST e", []int{1, 7, 9}},
	{"GEORADIUS a 1 2 3 m STORE d STORE e", []int{1, 7}},
	{"GEORADIUS a 1 2 3 store d", []int{1}},
	{"GEORADIUSBYMEMBER a m 3 km STOREDIST d", []int{1, 6}},
	{"GEORADIUS_RO a 1 2 3 m", []int{1}},
	{"GEOSEARCHSTORE d a FROMMEMBER m BYRADIUS 1 m", []int{1, 2}},
	{"XREAD STREAMS a b 0 0", []int{2, 3}},
	{"XREAD COUNT 1 BLOCK 0 STREAMS a 0", []int{6}},
	{"XREAD STREAMS streams 0", []int{2}},
	{"XREAD STREAMS a b 0", nil},
	{"XREAD COUNT 1 STREAMS", nil},
	{"XREADGROUP GROUP g c NOACK STREAMS a >", []int{6}},
	{"XREADGROUP GROUP streams block STREAMS a b > >", []int{5, 6}},
	{"MIGRATE h 1 a 0 10", []int{3}},
	{`MIGRATE h 1 "" 0 10 COPY KEYS a b`, []int{8, 9}},
	{`MIGRATE h 1 "" 0 10 AUTH keys KEYS a`, []int{9}},
	{`MIGRATE h 1 "" 0 10 AUTH2 keys keys KEYS a`, []int{10}},
	{"SSUBSCRIBE a b", []int{1, 2}},
	{"MSETEX 2 a 1 b 2 NX", []int{2, 4}},
	{"MSETEX 1 a 1 b 2", []int{2}},
	{"MSETEX 2 a 1 b", nil},
	{"MSETEX x a 1", nil},
	{"HGETEX a FIELDS 1 f", []int{1}},
	{"VSIM a ELE e", []int{1}},
	{"SPUBLISH a m", []int{1}},
	{"SUNSUBSCRIBE", nil},
}

func TestKeys(t *testing.T) {
	for _, c := range keyCases {
		args := cutLine(t, c.line)
		command := Lookup(args)
		if command == nil {
			t.Errorf("%s: unknown", c.line)
			continue
		}
		before := []int{-7}
		keys, ok := command.Keys(args, before)
		if ok != (c.keys != nil) || fmt.Sprint(keys[1:]) != fmt.Sprint(append([]int{}, c.keys...)) || keys[0] != -7 {
			t.Errorf("%s: %v %v, want %v", c.line, keys, ok, c.keys)
		}
	}
}

// TestLookup finds every row by its name in mixed case, and nothing by a name that is nearly one.
func TestLookup(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range allRows() {
		args := bytes.Split([]byte(c.Name), []byte("|"))
		for _, word := range args {
			for i := range word {
				if random.IntN(2) == 0 {
					word[i] = bytes.ToUpper(word[i : i+1])[0]
				}
			}
		}
		if got := Lookup(args); got != c {
			t.Errorf("%s: found %v", c.Name, got)
		}
		if len(args) == 2 && Container(args[0]) == nil {
			t.Errorf("%s has no container", c.Name)
		}
		last := len(args) - 1
		for i := range args[last] {
			changed := bytes.Clone(args[last])
			changed[i] ^= 0x80
			if got := Lookup(append(args[:last:last], changed)); got != nil {
				t.Errorf("%q: found %s", changed, got.Name)
			}
		}
		for _, near := range [][]byte{append(bytes.Clone(args[last]), 'x'), append(bytes.Clone(args[last]), 0)} {
			if got := Lookup(append(args[:last:last], near)); got == c {
				t.Errorf("%q: found %s", near, got.Name)
			}
		}
	}
	if Lookup(nil) != nil || Lookup([][]byte{nil}) != nil || Container([]byte("get")) != nil {
		t.Error("found something for nothing")
	}
	long := bytes.Repeat([]byte("g"), 1<<20)
	if Lookup([][]byte{long}) != nil {
		t.Error("found something of a megabyte")
	}
}

// allRows returns all rows, including subcommands.
func allRows() (all []*Command) {
	for _, c := range table.rows {
		if c == nil {
			continue
		}
		all = append(all, c)
		if c.within != nil {
			all = append(all, slices.DeleteFunc(slices.Clone(c.within.rows), func(c *Command) bool { return c == nil })...)
		}
	}
	return all
}
