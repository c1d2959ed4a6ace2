package routing

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"evergate/topology"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts answer into testdata; a person reads the diff")

// TestScripts runs testdata/*.txt. A block is one or more requests, a line of dashes, and the decision for each. A
// line "view plain", "view unknown" or "view sharded FIRST-LAST ..." changes the view; "learn" makes a
// row as from COMMAND INFO: learn NAME ARITY FIRST LAST STEP FLAG...
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := script{t: t, view: plainView(), learnt: map[string]*Command{}}
	var got strings.Builder
	for block := range strings.SplitSeq(strings.TrimRight(string(want), "\n"), "\n\n") {
		input, _, found := strings.Cut(block, "\n----")
		got.WriteString(input + "\n")
		if found {
			got.WriteString("----\n")
			for line := range strings.SplitSeq(input, "\n") {
				got.WriteString(s.line(line))
			}
		}
		got.WriteString("\n")
	}
	text := strings.TrimRight(got.String(), "\n") + "\n"
	if text == string(want) {
		return
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	wants := strings.Split(string(want), "\n")
	for i, line := range strings.Split(text, "\n") {
		if i >= len(wants) || line != wants[i] {
			t.Fatalf("%s:%d: got %q (run with -rewrite and read the diff)", file, i+1, line)
		}
	}
	t.Fatalf("%s is longer than what was answered", file)
}

type script struct {
	t      *testing.T
	view   *topology.View
	learnt map[string]*Command
}

// line runs one line of a block and says what came of it.
func (s *script) line(line string) string {
	args := cutLine(s.t, line)
	switch {
	case strings.HasPrefix(line, "#"):
		return ""
	case strings.HasPrefix(line, "view "):
		s.setView(strings.Fields(line)[1:])
		return "ok\n"
	case strings.HasPrefix(line, "learn "):
		return s.learn(strings.Fields(line)[1:])
	}
	c := Lookup(args)
	if c == nil {
		c = s.learnt[strings.ToLower(string(args[0]))]
	}
	d := decide(Request{Command: c, Args: args}, s.view)
	out := describe(d) + "\n"
	for _, p := range d.Parts {
		out += fmt.Sprintf("  slot %d shard %d args %v\n", p.Slot, p.Shard, p.Args)
	}
	return out
}

func (s *script) setView(words []string) {
	switch words[0] {
	case "plain":
		s.view = plainView()
	case "unknown":
		s.view = nil
	case "sharded":
		s.view = shardedView(s.t, words[1:]...)
	default:
		s.t.Fatal("no such view: ", words)
	}
}

func (s *script) learn(words []string) string {
	var numbers [4]int
	for i := range numbers {
		n, err := strconv.Atoi(words[1+i])
		if err != nil {
			s.t.Fatal(err)
		}
		numbers[i] = n
	}
	c := Learn(Told{
		Name: words[0], Arity: numbers[0], Flags: words[5:], First: numbers[1], Last: numbers[2], Step: numbers[3],
	})
	s.learnt[c.Name] = c
	return fmt.Sprintf("%s arity %d keys %d %d %d traits%s\n", c.Name, c.Arity, c.First, c.Last, c.Step, c.Traits)
}

// String names traits for the scripts.
func (t Trait) String() string {
	names := []string{"write", "read", "blocking", "subscribing", "transaction", "local", "scan",
		"everywhere", "harmful", "listening", "counting", "scripts"}
	out := ""
	for i, name := range names {
		if t&(1<<i) != 0 {
			out += " " + name
		}
	}
	return out
}

var kindNames = [...]string{"answer", "forward", "split", "refuse", "pin", "spread", "walk", "transact", "listen",
	"ask-keys"}

var mergeNames = [...]string{"ordered", "sum", "all-ok", "union", "sum-pairs", "concat", "any-of", "each-true", "same",
	"one-ok", "least", "newest", "texts", "saved", "one-answers", "unjoined"}

func describe(d Decision) string {
	out := kindNames[d.Kind]
	switch d.Kind {
	case Refuse:
		out += ": " + d.Reason.String()
	case Forward, Pin, Walk, Transact, Listen:
		out += fmt.Sprintf(" shard %d", d.Shard)
		if d.Slot >= 0 {
			out += fmt.Sprintf(" slot %d", d.Slot)
		}
	case Split, Spread:
		out += " " + mergeNames[d.Merge]
	}
	if d.Read {
		out += " read"
	}
	return out
}

// cutLine cuts a line into arguments; one in double quotes is read as Go reads strings.
func cutLine(t *testing.T, line string) (args [][]byte) {
	for _, word := range strings.Fields(line) {
		if strings.HasPrefix(word, `"`) {
			plain, err := strconv.Unquote(word)
			if err != nil {
				t.Fatal(line, err)
			}
			word = plain
		}
		args = append(args, []byte(word))
	}
	return args
}

func plainView() *topology.View {
	return &topology.View{Epoch: 1, Shards: []topology.Shard{{}}}
}

// shardedView makes a View with a shard for each range of slots, as State makes it when a cluster's nodes tell it so.
func shardedView(t testing.TB, ranges ...string) *topology.View {
	seen := topology.SlotsSeen{Asked: "a:1", HasEpochs: true}
	for i, r := range ranges {
		var slots topology.SlotRange
		if _, err := fmt.Sscanf(r, "%d-%d", &slots.First, &slots.Last); err != nil {
			t.Fatal(r, err)
		}
		seen.Shards = append(seen.Shards, topology.ShardSeen{
			Slots:   []topology.SlotRange{slots},
			Primary: topology.MemberSeen{Addr: fmt.Sprintf("a:%d", i+1), Healthy: true},
			Epoch:   uint64(i + 1),
		})
	}
	now := time.Unix(1, 0)
	state := topology.NewState(topology.Settings{Mode: topology.ByCluster, Seeds: []string{"a:1"}})
	observations := []topology.Observation{topology.Tick{}, seen}
	for i := range ranges {
		observations = append(observations, topology.RoleSeen{
			Addr: fmt.Sprintf("a:%d", i+1), Role: topology.RolePrimary, Version: "7.4.1",
		})
	}
	for _, o := range append(observations, topology.Tick{}) {
		now = now.Add(time.Second)
		state.Step(o, now)
	}
	v := state.View()
	if v == nil || !v.Sharded || len(v.Shards) != len(ranges) {
		t.Fatalf("no view with %d shards: %+v", len(ranges), v)
	}
	return v
}

// scriptLines gives the requests of a script.
func scriptLines(t *testing.T, file string) (lines []string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(text), "\n\n") {
		input, _, _ := strings.Cut(block, "\n----")
		for line := range strings.SplitSeq(input, "\n") {
			first, _, _ := strings.Cut(line, " ")
			if first != "#" && first != "view" && first != "learn" && first != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}
