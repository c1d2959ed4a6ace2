package routing

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"evergate/testenv/golden"
	"evergate/topology"
	"evergate/topology/decide"
)

// TestScripts plays testdata/*.txt; package golden has their format. A directive is a request, and its effect is the
// decision. A line "view plain", "view unknown" or "view sharded FIRST-LAST ..." changes the view; "learn" adds a row
// as from COMMAND INFO: learn NAME ARITY FIRST LAST STEP FLAG...
func TestScripts(t *testing.T) {
	golden.Scripts(t, "testdata/*.txt", func(t *testing.T) func(string) string {
		return (&script{t: t, view: plainView(), learnt: map[string]*Command{}}).line
	})
}

type script struct {
	t      *testing.T
	view   *topology.View
	learnt map[string]*Command
}

// line runs one line of a block and returns its result.
func (s *script) line(line string) string {
	args := cutLine(s.t, line)
	switch {
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
	d := decideBy(Request{Command: c, Args: args}, s.view)
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
	c := Learn(Definition{
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

var kindNames = [...]string{"answer", "forward", "split", "refuse", "dedicate", "broadcast", "scan-all", "transact",
	"listen", "ask-keys"}

var mergeNames = [...]string{"ordered", "sum", "all-ok", "union", "sum-pairs", "concat", "any-of", "each-true", "same",
	"one-ok", "least", "newest", "texts", "saved", "one-answers", "unjoined"}

func describe(d Decision) string {
	out := kindNames[d.Kind]
	switch d.Kind {
	case Refuse:
		out += ": " + d.Reason.String()
	case Forward, Dedicate, ScanAll, Transact, Listen:
		out += fmt.Sprintf(" shard %d", d.Shard)
		if d.Slot >= 0 {
			out += fmt.Sprintf(" slot %d", d.Slot)
		}
	case Split, Broadcast:
		out += " " + mergeNames[d.Merge]
	}
	if d.Read {
		out += " read"
	}
	return out
}

// cutLine splits a line into arguments; one in double quotes is a Go string.
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

// shardedView returns a View with a shard for each range of slots, as State builds it from the reports of a cluster's
// nodes.
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
	state := decide.New(decide.Settings{Mode: decide.ByCluster, Seeds: []string{"a:1"}})
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

// scriptLines returns the requests of a script.
func scriptLines(t *testing.T, file string) (lines []string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range golden.Directives(string(text)) {
		if first, _, _ := strings.Cut(line, " "); first != "view" && first != "learn" {
			lines = append(lines, line)
		}
	}
	return lines
}
