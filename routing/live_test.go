package routing

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

var record = flag.Bool("record", false, "write the server's COMMAND reply into testdata/command")

// TestServer compares the table, Keys and Slot with the server of this machine.
func TestServer(t *testing.T) {
	if _, err := servers.ServerBinary(); err != nil {
		if *record {
			t.Fatal("nothing is recorded: ", err)
		}
		t.Skip(err)
	}
	env := servers.StartCluster(t, servers.Options{Primaries: 3})
	node := env.Nodes()[0]
	reply, err := node.Do("COMMAND")
	if err != nil {
		t.Fatal(err)
	}
	rows := rowsOf(reply)
	if *record {
		how := "COMMAND, of a node of a Cluster, rows sorted by name"
		writeRecording(t, recording{Server: env.Version.String(), How: how}, rows)
	}
	for _, fault := range faults(rows) {
		t.Error(fault)
	}
	t.Run("keys", func(t *testing.T) { serverKeys(t, env, rows) })
	t.Run("slot", func(t *testing.T) { serverSlots(t, node) })
	t.Run("decide", func(t *testing.T) { serverDecides(t, env) })
}

// serverKeys compares every case of the table of keys with COMMAND GETKEYS.
func serverKeys(t *testing.T, env *servers.Env, rows []serverRow) {
	node := env.Nodes()[0]
	precise := env.Version.AtLeast(7, 0)
	asked := 0
	for _, c := range keyCases {
		args := cutLine(t, c.line)
		command := Lookup(args)
		known := slices.ContainsFunc(rows, func(r serverRow) bool { return r.Name == command.Name })
		if !known || c.keys == nil || strings.HasSuffix(command.Name, "subscribe") || command.Name == "spublish" {
			// COMMAND GETKEYS does not report channels, and guesses if the arguments are ambiguous.
			continue
		}
		if !precise && (command.Form == GeoStore || command.Form == MigrateKeys) {
			// Redis 6.2 takes other arguments for keys if an option is repeated, or a word looks like one.
			continue
		}
		if env.Version.Valkey && command.Form == GeoStore && (strings.Count(c.line, "STORE") > 1 ||
			strings.Contains(c.line, "store")) {
			continue // so does Valkey 9: of two destinations the last, and one where no option can be
		}
		question := []any{"COMMAND", "GETKEYS"}
		for _, a := range args {
			question = append(question, a)
		}
		var want []string
		keys, _ := command.Keys(args, nil)
		for _, at := range keys {
			want = append(want, string(args[at]))
		}
		reply, err := node.Do(question...)
		got := texts(reply)
		slices.Sort(want)
		slices.Sort(got)
		if (err != nil && len(want) > 0) || !slices.Equal(got, want) {
			t.Errorf("%s: keys %q, the server says %q %v", c.line, want, got, err)
		}
		asked++
	}
	if asked < 30 {
		t.Errorf("asked about %d requests only", asked)
	}
}

// serverSlots compares random keys with many braces with CLUSTER KEYSLOT.
func serverSlots(t *testing.T, node *servers.Node) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		key := make([]byte, random.IntN(12))
		for i := range key {
			key[i] = "{}{}ab\x00\xff"[random.IntN(8)]
		}
		got, err := node.Do("CLUSTER", "KEYSLOT", key)
		if err != nil || got != int64(Slot(key)) {
			t.Fatalf("%q: slot %d, the server says %v %v", key, Slot(key), got, err)
		}
	}
}

// serverDecides sends the requests that the sharded script rejects or forwards to the shard of the decision: a
// forwarded request never gets MOVED or CROSSSLOT, and one that was rejected for keys in several slots gets CROSSSLOT.
func serverDecides(t *testing.T, env *servers.Env) {
	ranges := []string{"0-5460", "5461-10922", "10923-16383"}
	view := shardedView(t, ranges...)
	owners := make([]*servers.Node, len(ranges))
	for i, group := range env.Groups {
		owners[i] = group.Primary()
	}
	lines := scriptLines(t, "testdata/sharded.txt")
	lines = append(lines, "GET a", "SORT a STORE {a}d", "GEOSEARCH a FROMMEMBER m BYRADIUS 1 m")
	forwarded, crossed := 0, 0
	for _, line := range lines {
		args := cutLine(t, line)
		c := Lookup(args)
		d := decideBy(Request{Command: c, Args: args}, view)
		if c == nil || d.Kind != Forward && d.Reason != CrossSlot {
			continue
		}
		request := make([]any, len(args))
		for i, a := range args {
			request[i] = a
		}
		_, err := owners[max(d.Shard, 0)].Do(request...)
		text := fmt.Sprint(err)
		if strings.Contains(text, "unknown command") {
			continue
		}
		_, positions := c.Keys(args, nil)
		switch {
		case d.Kind == Forward && !positions:
			// A server may still find a key in an invalid request; its MOVED is followed.
			if err == nil {
				t.Errorf("%s: keys are not told, and the server does not mind", line)
			}
		case d.Kind == Forward:
			forwarded++
			if strings.HasPrefix(text, "MOVED") || strings.HasPrefix(text, "CROSSSLOT") {
				t.Errorf("%s: forwarded to shard %d, the server says %s", line, d.Shard, text)
			}
		default:
			crossed++
			anywhere := env.Version.Valkey && c.Name == "msetex" // Valkey 9.1 executes it at any node
			if !anywhere && !strings.HasPrefix(text, "CROSSSLOT") && !strings.HasPrefix(text, "MOVED") {
				t.Errorf("%s: refused, the server says %s", line, text)
			}
		}
	}
	if forwarded < 40 || crossed < 10 {
		t.Errorf("only %d forwarded and %d crossing requests", forwarded, crossed)
	}
}

// rowsOf parses a COMMAND reply of Redis 6.2 (seven fields and no subcommands) and later, in RESP2 or RESP3.
func rowsOf(reply any) []serverRow {
	var rows []serverRow
	for _, one := range list(reply) {
		fields := list(one)
		r := serverRow{Flags: texts(fields[2]), Name: strings.ToLower(fields[0].(string))}
		numbers := []*int{nil, &r.Arity, nil, &r.First, &r.Last, &r.Step}
		for i, n := range numbers {
			if n != nil {
				*n = int(fields[i].(int64))
			}
		}
		for _, category := range texts(fields[6]) {
			r.ACL = append(r.ACL, strings.TrimPrefix(category, "@"))
		}
		if len(fields) >= 10 {
			r.Tips = texts(fields[7])
			for _, spec := range list(fields[8]) {
				r.Specs = append(r.Specs, specText(spec))
			}
			below := rowsOf(fields[9])
			r.Contains = len(below) > 0
			rows = append(rows, below...)
		}
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b serverRow) int { return strings.Compare(a.Name, b.Name) })
	return rows
}

// specText returns a key specification as a line, like "RO access: index 2, keynum 0 1 1".
func specText(spec any) string {
	all := pairs(spec)
	begin, find := pairs(all["begin_search"]), pairs(all["find_keys"])
	from, to := pairs(begin["spec"]), pairs(find["spec"])
	out := fmt.Sprint(strings.Join(texts(all["flags"]), " "), ": ", begin["type"])
	switch begin["type"] {
	case "index":
		out += fmt.Sprint(" ", from["index"])
	case "keyword":
		out += fmt.Sprint(" ", from["keyword"], " ", from["startfrom"])
	}
	out += ", " + fmt.Sprint(find["type"])
	switch find["type"] {
	case "range":
		out += fmt.Sprintf(" %v %v %v", to["lastkey"], to["keystep"], to["limit"])
	case "keynum":
		out += fmt.Sprintf(" %v %v %v", to["keynumidx"], to["firstkey"], to["keystep"])
	}
	return out
}

// pairs parses a map, or its flat array in RESP2.
func pairs(v any) map[string]any {
	all := map[string]any{}
	if m, ok := v.(map[any]any); ok {
		for k, value := range m {
			all[k.(string)] = value
		}
		return all
	}
	flat := list(v)
	for i := 0; i+1 < len(flat); i += 2 {
		all[flat[i].(string)] = flat[i+1]
	}
	return all
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func texts(v any) []string {
	var all []string
	for _, one := range list(v) {
		all = append(all, fmt.Sprint(one))
	}
	slices.Sort(all)
	return all
}
