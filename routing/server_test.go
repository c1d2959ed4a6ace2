package routing

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The table is written by hand and checked against the replies of real servers to COMMAND. Those of several versions
// are recorded in testdata/command; live_test.go queries the server of this machine, and records:
//
//	REDIS_SERVER=/path/to/redis-server go test -run TestServer ./routing -record

// recording is the first line of a recorded reply.
type recording struct {
	Server string `json:"server"`
	How    string `json:"how"`
}

// serverRow is a server's row of one command.
type serverRow struct {
	Name  string   `json:"name"`
	Arity int      `json:"arity"`
	Flags []string `json:"flags"`
	First int      `json:"first"`
	Last  int      `json:"last"`
	Step  int      `json:"step"`
	Tips  []string `json:"tips,omitempty"`
	Specs []string `json:"specs,omitempty"`
	// ACL are the categories without their "@". Nil: the recording is older than the field.
	ACL []string `json:"acl,omitempty"`
	// Contains: it has subcommands.
	Contains bool `json:"contains,omitempty"`
}

func (r serverRow) flag(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(r.Flags, n) })
}

// leftOut are commands of servers that are not in the table, each with the reason.
var leftOut = map[string]string{
	"sentinel": "the gateway is no Sentinel, and clients that ask must learn so from the error",
	"stralgo":  "only Redis 6.2 has it: learnt from the server",
}

// unrecorded are commands of the table that no recorded server has, each with the reason.
var unrecorded = map[string]string{
	"client|maint_notifications": "client libraries send it to every server, and only hosted servers have it",
	"proxy":                      "it is about the gateway, and the gateway's own",
	"proxy|acks":                 "the gateway's own",
	"proxy|clients":              "the gateway's own",
	"proxy|consistency":          "the gateway's own",
	"proxy|failovers":            "the gateway's own",
	"proxy|help":                 "the gateway's own",
	"proxy|info":                 "the gateway's own",
	"proxy|reads":                "the gateway's own",
	"proxy|topology":             "the gateway's own",
}

// faults returns the differences between the table and a server's rows.
func faults(rows []serverRow) []string {
	var all []string
	// Redis 6.2 has no such flag.
	flagsBlocking := slices.ContainsFunc(rows, func(r serverRow) bool { return r.flag("blocking") })
	for _, r := range rows {
		args := bytes.Split([]byte(r.Name), []byte("|"))
		c := Lookup(args)
		top, _, _ := strings.Cut(r.Name, "|")
		if leftOut[top] != "" {
			if c != nil {
				all = append(all, r.Name+": is left out and in the table")
			}
			continue
		}
		if c == nil || c.Name != r.Name {
			all = append(all, r.Name+": not in the table")
			continue
		}
		for _, why := range c.differences(r) {
			all = append(all, r.Name+": "+why)
		}
		if flagsBlocking && c.Has(Blocking) && !c.Waits() && !r.flag("blocking") {
			all = append(all, r.Name+": the server does not say that it blocks")
		}
	}
	return all
}

func (c *Command) differences(r serverRow) []string {
	var all []string
	addf := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if c.Arity != r.Arity && olderArity[c.Name] != r.Arity && !(r.flag("module") && r.Arity == -1) {
		addf("arity %d, the server says %d", c.Arity, r.Arity)
	}
	if c.within != nil {
		// A container does nothing by itself. Redis 6.2 reports no subcommands, and their flags for the container.
		return append(all, c.categoryDifferences(r)...)
	}
	if r.Contains {
		addf("has no subcommands, on the server it has")
	}
	// Redis 7 does not report may_replicate. A readonly command with it is recognizable: it changes its key. For a
	// module's keys without a specification the server assumes the worst.
	replicates := r.flag("write", "may_replicate") || !r.flag("module") && slices.ContainsFunc(r.Specs, changesKey)
	if replicates && !c.Has(Write|Harmful) {
		addf("is no write, the server flags it %v", r.Flags)
	}
	if c.Has(Read) != (r.flag("readonly") && !replicates) && !c.Has(Harmful) && !onlyPrimary[c.Name] {
		addf("traits%s, the server flags it %v", c.Traits, r.Flags)
	}
	if c.Has(Read) && c.Has(Write) {
		addf("is both a write and a read")
	}
	if r.flag("blocking") && !c.Has(Blocking) {
		addf("traits%s, the server flags it %v", c.Traits, r.Flags)
	}
	if r.flag("pubsub") && !c.Has(Subscribing) && c.Name != "publish" && c.Name != "spublish" {
		addf("traits%s, the server flags it %v", c.Traits, r.Flags)
	}
	if r.flag("admin", "no_multi") && !c.Has(Harmful|Local|Transaction) && !c.Waits() && !harmlessAdmin[c.Name] {
		addf("traits%s, the server flags it %v", c.Traits, r.Flags)
	}
	all = append(all, c.tipDifferences(r)...)
	all = append(all, c.categoryDifferences(r)...)
	all = append(all, c.accessDifferences(r)...)
	return append(all, c.keyDifferences(r)...)
}

// changesKey reports whether a key specification is that of a key that is not only read.
func changesKey(spec string) bool {
	flags, _, _ := strings.Cut(spec, ":")
	return !strings.Contains(flags, "RO") && !strings.Contains(flags, "not_key")
}

// onlyPrimary are commands that servers flag readonly and that replicas do not serve.
var onlyPrimary = map[string]bool{"clusterscan": true}

// olderArity has arities of servers before Redis 7.2, or Valkey 9.1. The table has the newer ones, which require fewer
// arguments (except for PFDEBUG, which is rejected anyway).
var olderArity = map[string]int{
	"cluster|replicate": 3, "script|debug": 3,
	"command|getkeys": -4, "command|getkeysandflags": -4, "expire": 3, "expireat": 3, "pexpire": 3, "pexpireat": 3,
	"pfdebug": -3, "xsetid": 3, "zrank": 3, "zrevrank": 3,
}

// harmlessAdmin are commands that servers flag admin, but that only report something, or change nothing that clients
// rely on.
var harmlessAdmin = map[string]bool{
	"acl|dryrun": true, "bgrewriteaof": true, "bgsave": true, "commandlog|get": true, "commandlog|len": true,
	"commandlog|reset": true, "hotkeys|get": true, "hotkeys|reset": true, "hotkeys|start": true, "hotkeys|stop": true,
	"latency|doctor": true, "latency|graph": true,
	"latency|histogram": true, "latency|history": true, "latency|latest": true, "latency|reset": true,
	"module|list": true, "save": true, "slowlog|get": true, "slowlog|len": true, "slowlog|reset": true,
}

// tipDifferences compares the server's request policies with Cut and Everywhere of the table.
func (c *Command) tipDifferences(r serverRow) []string {
	if r.Tips == nil {
		return nil
	}
	var all []string
	multi := slices.Contains(r.Tips, "request_policy:multi_shard")
	if multi != (c.Cut != Whole) && !wholeAlways[c.Name] {
		all = append(all, fmt.Sprintf("cut %d, the server advises %v", c.Cut, r.Tips))
	}
	shards := slices.ContainsFunc(r.Tips, func(tip string) bool { return strings.HasPrefix(tip, "request_policy:all") })
	if shards && !c.Has(Everywhere|Local|Harmful) && !c.Waits() {
		all = append(all, fmt.Sprintf("traits%s, the server advises %v", c.Traits, r.Tips))
	}
	return all
}

// wholeAlways are commands that servers advise to divide, but the table does not, since they promise all or nothing.
var wholeAlways = map[string]bool{"msetnx": true, "msetex": true}

// keyDifferences compares the positions of keys: first, last and step, and the key specifications if there are any
// (Redis 7.0 and later), which include numbers of keys.
func (c *Command) keyDifferences(r serverRow) []string {
	var all []string
	if (c.Form != Ranged) != r.flag("movablekeys") && c.Name != "sort_ro" {
		all = append(all, fmt.Sprintf("key form %d, the server flags it %v", c.Form, r.Flags))
	}
	first, last, step := r.First, r.Last, r.Step
	if c.First != first || c.Last != last || c.Step != step {
		all = append(all, fmt.Sprintf("keys %d %d %d, the server says %d %d %d", c.First, c.Last, c.Step, first, last, step))
	}
	for _, spec := range r.Specs {
		_, spec, _ := strings.Cut(spec, ": ")
		var begin, number, offset, by int
		if _, err := fmt.Sscanf(spec, "index %d, keynum %d %d %d", &begin, &number, &offset, &by); err == nil {
			counts := c.Form == Counted && by == 1 || c.Form == CountedPairs && by == 2
			if !counts || c.Count != begin+number || offset != 1 {
				all = append(all, "the server says "+spec)
			}
		}
		keyword := strings.HasPrefix(spec, "keyword")
		if keyword && c.Form != Streams && c.Form != MigrateKeys && c.Form != GeoStore {
			all = append(all, "the server says "+spec)
		}
	}
	return all
}

func TestRecorded(t *testing.T) {
	files, err := filepath.Glob("testdata/command/*.jsonl")
	if err != nil || len(files) < 3 {
		t.Fatal("recordings are missing", files, err)
	}
	known := map[string]bool{}
	for _, file := range files {
		head, rows := readRecording(t, file)
		if len(rows) < 200 {
			t.Errorf("%s: only %d rows", file, len(rows))
		}
		for _, fault := range faults(rows) {
			t.Errorf("%s: %s", head.Server, fault)
		}
		for _, r := range rows {
			known[r.Name] = true
		}
	}
	for _, c := range allRows() {
		if known[c.Name] == (unrecorded[c.Name] != "") {
			t.Errorf("%s: a server has it: %v; listed as unrecorded: %q", c.Name, known[c.Name], unrecorded[c.Name])
		}
	}
}

// TestFaults: the comparison itself must find differences.
func TestFaults(t *testing.T) {
	_, rows := readRecording(t, "testdata/command/redis-7.4.1.jsonl")
	at := func(name string) *serverRow {
		return &rows[slices.IndexFunc(rows, func(r serverRow) bool { return r.Name == name })]
	}
	cases := []struct {
		name   string
		change func(r *serverRow)
	}{
		{"get", func(r *serverRow) { r.Name = "gett" }},
		{"get", func(r *serverRow) { r.Arity = -2 }},
		{"get", func(r *serverRow) { r.Flags = []string{"write"} }},
		{"get", func(r *serverRow) { r.Flags = append(r.Flags, "blocking") }},
		{"get", func(r *serverRow) { r.Flags = append(r.Flags, "admin") }},
		{"get", func(r *serverRow) { r.Flags = append(r.Flags, "pubsub") }},
		{"set", func(r *serverRow) { r.Flags, r.Specs = []string{"readonly"}, nil }},
		{"pfcount", func(r *serverRow) { r.Specs = nil }},
		{"get", func(r *serverRow) { r.Specs = []string{"RW access: index 1, range 0 1 0"} }},
		{"get", func(r *serverRow) { r.Contains = true }},
		{"mset", func(r *serverRow) { r.Step = 1 }},
		{"object|freq", func(r *serverRow) { r.First = 1 }},
		{"sort", func(r *serverRow) { r.Flags = []string{"write"} }},
		{"eval", func(r *serverRow) { r.Specs = []string{"RW: index 3, keynum 0 1 1"} }},
		{"zunion", func(r *serverRow) { r.Tips = []string{"request_policy:all_shards"} }},
		{"rename", func(r *serverRow) { r.Tips = []string{"request_policy:multi_shard"} }},
		{"get", func(r *serverRow) { r.ACL = []string{"read", "string", "slow"} }},
		{"get", func(r *serverRow) { r.ACL = []string{"read", "string"} }},
		{"acl", func(r *serverRow) { r.ACL = []string{"fast"} }},
		{"get", func(r *serverRow) { r.Specs = []string{"RO: index 1, range 0 1 0"} }},
		{"get", func(r *serverRow) { r.Specs = []string{"RO access variable_flags: index 1, range 0 1 0"} }},
		{"copy", func(r *serverRow) { r.Specs[1] = "RW access update: index 2, range 0 1 0" }},
	}
	for i, c := range cases {
		r := *at(c.name)
		c.change(&r)
		if got := faults([]serverRow{r}); len(got) == 0 {
			t.Errorf("case %d, %s: not noticed", i, c.name)
		}
	}
}

func readRecording(t *testing.T, file string) (recording, []serverRow) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	var head recording
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &head) != nil || head.Server == "" {
		t.Fatal(file, "has no head")
	}
	var rows []serverRow
	for lines.Scan() {
		var r serverRow
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(file, err)
		}
		rows = append(rows, r)
	}
	return head, rows
}

func writeRecording(t *testing.T, head recording, rows []serverRow) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for _, v := range append([]any{head}, anys(rows)...) {
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join("testdata", "command", strings.ReplaceAll(head.Server, " ", "-")+".jsonl")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func anys(rows []serverRow) (all []any) {
	for _, r := range rows {
		all = append(all, r)
	}
	return all
}
