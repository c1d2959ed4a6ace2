package report

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"evergate/testenv/drill/history"
	"evergate/testenv/drill/ledger"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

// ours returns a run through the gateway that keeps every promise.
func ours() *Report {
	m := ledger.Unseen()
	m.Began, m.Struck, m.Detected, m.Elected, m.Promoted = 1000*ms, 3000*ms, 4081*ms, 4306*ms, 5184*ms
	m.Strikes, m.Accepts, m.Ended = []time.Duration{3000 * ms}, []time.Duration{4379 * ms}, 7353*ms+500*time.Microsecond
	entry := func(kind ledger.Kind, at, done time.Duration, o ledger.Outcome, text string) ledger.Entry {
		return ledger.Entry{Kind: kind, Struck: true, Intended: at, Sent: at, Done: done, Outcome: o, Text: text}
	}
	return &Report{Drill: "kill-primary", What: "SIGKILL to the primary", Mode: "sentinel", Path: Gateway, ID: "abcdefgh",
		Started: time.Date(2026, 11, 28, 19, 0, 36, 757e6, time.UTC), Connections: 20, Rate: 1000,
		Versions: []Version{{Gateway, "1.2.3"}, {"Redis", "7.0.15"}},
		Machine:  Machine{OS: "linux", Arch: "amd64", CPU: "Fast <CPU>", CPUs: 2},
		Bar: ledger.Bar{Uncertain: ledger.InFlight, Lost: ledger.Receipt, Resume: 100 * ms, ReadPause: 300 * ms,
			Switches: 1, Waits: true},
		Marks: m,
		Figures: ledger.Figures{Requests: 7535, Errors: map[string]int{}, Uncertain: 2, InFlight: 45, GaveUp: 27,
			WritePause: ledger.Pause{From: 3000 * ms, To: 4379*ms + 100*time.Microsecond},
			ReadPause:  ledger.Pause{From: 3010 * ms, To: 3072 * ms}, Resumed: []time.Duration{100 * time.Microsecond},
			Before: ledger.Latency{Count: 2086, P50: 1144 * time.Microsecond, P99: 6 * ms, P999: 11 * ms, Max: 12 * ms},
			During: ledger.Latency{Count: 1918, P50: 8271 * time.Microsecond, P99: 1354 * ms, P999: 1374 * ms, Max: 1380 * ms},
			After:  ledger.Latency{Count: 2461, P50: 1078 * time.Microsecond, P99: 18 * ms, P999: 22 * ms, Max: 23 * ms}},
		Account: ledger.Account{Acknowledged: 4944, FirstLost: -1, LastLost: -1},
		Gate: ledger.Gate{Known: true, Waiting: 16, Failovers: 1, Uncertain: 2, Retried: 1, Acknowledged: 9000,
			Receipts: []int{38}},
		History: &history.Findings{Reads: 31215, Writes: 10402, Lost: 1},
		Events: []Event{{0, "drill", "the load begins"}, {3000 * ms, "drill", "kill 127.0.0.1:7000"},
			{4081 * ms, "sentinel 127.0.0.1:8000", "+sdown master main 127.0.0.1 7000"},
			{4379 * ms, "server 127.0.0.1:7001", "accepts writes"},
			{4380 * ms, "gateway", "primary promoted: shard=main began=2026-11-28T19:00:37.840Z"}},
		Entries: []ledger.Entry{entry(ledger.Get, 1000*ms, 1001*ms, ledger.Acknowledged, ""),
			entry(ledger.Set, 2999*ms, 3001*ms, ledger.Uncertain, "UNCERTAIN x"),
			entry(ledger.Set, 3100*ms, 4380*ms, ledger.Acknowledged, ""),
			entry(ledger.Push, 3100*ms, 3200*ms, ledger.GaveUp, "")}}
}

// theirs returns the same drill on a path that promises nothing.
func theirs() *Report {
	r := ours()
	r.Path, r.ID, r.Gate = "10.0.0.8:6379", "stuvwxyz", ledger.Gate{}
	r.Versions = []Version{{"Redis", "7.0.15"}, {"HAProxy", "2.6.12"}}
	f := &r.Figures
	f.Errors, f.Example = map[string]int{"closed": 72}, map[string]string{"closed": "closed EOF"}
	f.Uncertain, f.WritePause.To, f.Resumed[0] = 0, 5870*ms, 1441*ms
	f.ReadPause.To = 5870 * ms
	r.History = &history.Findings{Reads: 31000, Writes: 10200, Counts: [history.Kinds]int{history.Stale: 55,
		history.Backwards: 2}}
	r.Account.Lost, r.Account.FirstLost, r.Account.LastLost = 3, 3001*ms, 3002*ms
	r.Verdict.Broken = []ledger.Breach{{Found: "72 errors closed, for example \"closed EOF\""},
		{Found: "3 of 4944 acknowledged writes lost", Promised: "without a receipt"}}
	r.Left = []string{"127.0.0.1:7000 was killed and is not healed: no --heal-cmd is given"}
	r.Entries[2].Outcome = ledger.Broken
	return r
}

// TestGolden compares page, index, JSON and texts with the golden files, which -rewrite writes.
func TestGolden(t *testing.T) {
	round := []*Report{ours(), theirs()}
	broken := ours()
	broken.ID, broken.Verdict.Broken = "brokenid", []ledger.Breach{{Found: "no read for 310 ms",
		Promised: "at most 300 ms is promised"}}
	for name, text := range map[string][]byte{"page.html": Page(round), "alone.html": Page(round[:1]),
		"index.html": Index([][]*Report{round, {broken}}), "ours.json": data(t, round[0]), "theirs.json": data(t, round[1]),
		"ours.txt": []byte(round[0].Text()), "theirs.txt": []byte(round[1].Text()), "broken.txt": []byte(broken.Text()),
		"table.txt": []byte(Table([]*Report{round[0], broken, round[1]}))} {
		path := filepath.Join("testdata", name)
		if *rewrite {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, wanted := firstDifference(string(text), string(want)); got != wanted {
			t.Errorf("%s has another line (-rewrite takes it):\ngot  %s\nwant %s", path, got, wanted)
		}
	}
}

// TestTextsFitATerminal checks all lines of the texts, with the times of a slow failover.
func TestTextsFitATerminal(t *testing.T) {
	slow := ours()
	slow.Figures.WritePause.To, slow.Figures.ReadPause.To = 30000*ms, 31234*ms
	slow.Marks.Accepts[0], slow.Figures.Resumed[0] = 29876*ms, 12345*ms
	for _, text := range []string{slow.Text(), theirs().Text(), Table([]*Report{slow, theirs()})} {
		for line := range strings.Lines(text) {
			if len(strings.TrimRight(line, "\n")) > textColumns {
				t.Errorf("wider than %d columns: %s", textColumns, line)
			}
		}
	}
}

// firstDifference returns the first line in which two texts differ; both are empty if none does.
func firstDifference(got, want string) (gotLine, wantLine string) {
	wanted := strings.SplitAfter(want, "\n")
	for i, line := range strings.SplitAfter(got, "\n") {
		if i >= len(wanted) {
			return line, ""
		}
		if line != wanted[i] {
			return line, wanted[i]
		}
	}
	if n := strings.Count(got, "\n") + 1; n < len(wanted) {
		return "", wanted[n]
	}
	return "", ""
}

func data(t *testing.T, r *Report) []byte {
	t.Helper()
	text, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestHeadlines(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Report)
		want   string
	}{
		{"kept", func(r *Report) { r.Figures.Uncertain = 0 },
			"0 errors; writes paused for 1.4 s, of which the gateway added 0.1 ms; nothing lost"},
		{"uncertain", func(*Report) {},
			"0 errors; 2 writes uncertain; writes paused for 1.4 s, of which the gateway added 0.1 ms; nothing lost"},
		{"at once", func(r *Report) { r.Figures.WritePause.To = 4379*ms + 40*time.Microsecond },
			"0 errors; 2 writes uncertain; writes paused for 1.4 s, of which the gateway added less than 0.1 ms; nothing lost"},
		{"faster than the observer", func(r *Report) { r.Figures.WritePause.To = 4375 * ms },
			"0 errors; 2 writes uncertain; writes paused for 1.4 s, of which the gateway added nothing measurable; " +
				"nothing lost"},
		{"a failover outside the pause", func(r *Report) { r.Marks.Accepts[0] = 6000 * ms },
			"0 errors; 2 writes uncertain; writes paused for 1.4 s; nothing lost"},
		{"no pause", func(r *Report) { r.Figures.WritePause.To = 3062 * ms },
			"0 errors; 2 writes uncertain; writes never paused for more than 62 ms; nothing lost"},
		{"a pause without a switch", func(r *Report) { r.Marks.Accepts, r.Figures.Resumed = nil, nil },
			"0 errors; 2 writes uncertain; writes paused for 1.4 s; nothing lost"},
		{"never resumed", func(r *Report) { r.Figures.WritePause.To, r.Figures.Resumed[0] = 7353*ms, -1 },
			"0 errors; 2 writes uncertain; writes paused for 4.4 s, to the end of the drill; nothing lost"},
		{"wrongs", func(r *Report) { r.Account.Lost, r.Account.Twice, r.Account.RefusedRun, r.Account.Late = 1, 1, 2, 1 },
			"0 errors; 2 writes uncertain; writes paused for 1.4 s, of which the gateway added 0.1 ms; " +
				"1 of 4944 acknowledged writes lost (the gateway reported at most 38); 1 write executed twice; " +
				"1 write executed after its client had left; 2 writes executed although rejected"},
		{"lost and not reported", func(r *Report) {
			r.Figures.Uncertain, r.Account.Lost, r.Gate.Receipts = 0, 2, []int{-1}
		}, "0 errors; writes paused for 1.4 s, of which the gateway added 0.1 ms; " +
			"2 of 4944 acknowledged writes lost (the gateway reported none)"},
		{"nothing proven", func(r *Report) { r.Verdict.Vacuous = "nothing was broken" },
			"this run proves nothing: nothing was broken"},
	} {
		r := ours()
		c.change(r)
		if got := r.Headline(); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// keys collects the keys of a JSON value and of all values in it, each with its value or the first of its list.
func keys(value any, all map[string]any) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if list, ok := inner.([]any); ok && len(list) > 0 {
				all[key] = list[0]
			} else {
				all[key] = inner
			}
			keys(inner, all)
		}
	case []any:
		for _, inner := range v {
			keys(inner, all)
		}
	}
}

// TestKeysAreOfOneCaseWithUnits checks that the key of every number ends in its unit, and that the documentation names
// every key.
func TestKeysAreOfOneCaseWithUnits(t *testing.T) {
	all := map[string]any{}
	for _, r := range []*Report{ours(), theirs()} {
		var value any
		if err := json.Unmarshal(data(t, r), &value); err != nil {
			t.Fatal(err)
		}
		keys(value, all)
	}
	docs, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operations", "drills.md"))
	if err != nil {
		t.Fatal(err)
	}
	snake := regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)
	for key, value := range all {
		if !snake.MatchString(key) {
			t.Errorf("%s is not in snake case", key)
		}
		if _, number := value.(float64); number && key != "format_version" &&
			!regexp.MustCompile(`(^|_)(ms|s|count)$`).MatchString(key) {
			t.Errorf("%s does not say its unit", key)
		}
		if !strings.Contains(string(docs), "`"+key+"`") {
			t.Errorf("drills.md does not name %s", key)
		}
	}
}
