package top

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"evergate/gateway/api"
	"evergate/testenv/golden"
)

// compare compares a text with a file of testdata.
func compare(t *testing.T, name, got string) {
	t.Helper()
	golden.File(t, filepath.Join("testdata", name+".txt"), got)
}

func press(t *testing.T, s *Screen, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if s.Key(k, noon) {
			t.Fatalf("%s ends the program", k)
		}
	}
}

func TestScreens(t *testing.T) {
	for name, s := range map[string]*Screen{
		"two_80x24":   fixture(80, 24),
		"two_160x40":  fixture(160, 40),
		"alone_80x24": alone(80, 24),
		"large_80x24": large(10, 6),
		"connecting":  New([]string{"127.0.0.1:9121"}),
	} {
		s.Use(Bare)
		compare(t, name, s.Frame(noon)+"\n")
	}
	for key, name := range map[string]string{"2": "nodes", "3": "failovers", "4": "slow", "5": "keys", "6": "clients",
		"?": "help"} {
		for _, size := range []struct {
			width int
			name  string
		}{{80, name}, {140, name + "_wide"}} {
			s := fixture(size.width, 24)
			s.Use(Bare)
			press(t, s, key)
			compare(t, size.name, s.Frame(noon)+"\n")
		}
	}
}

func TestPlainTables(t *testing.T) {
	compare(t, "plain", fixture(80, 24).Plain(0))
	compare(t, "plain_80", fixture(80, 24).Plain(80))
}

// TestFramesFit: a frame has the lines of the screen, and none is too wide, whatever the size and the view.
func TestFramesFit(t *testing.T) {
	for _, columns := range []int{20, 40, 60, 79, 80, 81, 120, 200, 400} {
		for _, rows := range []int{6, 10, 24, 60} {
			for _, s := range []*Screen{fixture(columns, rows), alone(columns, rows), large(10, 6)} {
				s.Resize(columns, rows)
				s.Use(Bare)
				for _, keys := range []string{"1", "2", "3", "4", "5", "6", "?", "x", "/", "a", "enter", "p"} {
					press(t, s, keys)
					lines := strings.Split(s.Frame(noon), "\n")
					if len(lines) != rows {
						t.Fatalf("%dx%d after %s: %d lines", columns, rows, keys, len(lines))
					}
					for _, l := range lines {
						if width(l) > columns {
							t.Fatalf("%dx%d after %s: %d columns: %s", columns, rows, keys, width(l), l)
						}
					}
				}
			}
		}
	}
}

// TestNamesAreShownAndNotObeyed: the only escape sequences of a frame are those of styles.
func TestNamesAreShownAndNotObeyed(t *testing.T) {
	s := fixture(200, 40)
	hostile := "\x1b[2J\x1b]0;owned\x07\u202e\u009b31m\xff\r\n\tabc"
	services := fixtureServices(3)
	services.Services[0].Name, services.Services[0].Nodes[0].Addr = hostile, hostile
	services.Services[0].Nodes[0].Busy, services.Services[0].Sentinels[0].Why = hostile, hostile
	failover := fixtureFailover()
	failover.ID, failover.From, failover.Steps[0].Why = hostile, hostile, hostile
	failover.Receipt = &api.Receipt{Text: hostile}
	failover.Steps = append(failover.Steps, api.Step{Kind: api.StepReceipt},
		api.Step{Kind: api.StepOther, Subject: hostile})
	slow, keys := fixtureSlowlog(), fixtureHotKeys()
	slow.Commands[0].Keys, slow.Commands[0].Name, slow.Commands[0].Command = []string{hostile}, hostile, hostile
	keys.Hot[0].Key, keys.Big[0].Command = hostile, hostile
	overview := fixtureOverview()
	overview.Version = hostile
	s.Take(0, News{At: noon, Overview: overview, Services: services, Failover: failover, Slowlog: slow, HotKeys: keys})
	s.Take(1, News{At: noon, Lost: errHostile(hostile)})
	press(t, s, "/", "\x1b", "\u202e", "esc")
	for _, key := range []string{"1", "2", "3", "4", "5", "6"} {
		press(t, s, key)
		onlyStyles(t, "view "+key, s.Frame(noon))
	}
	onlyStyles(t, "plain", s.Plain(0))
	press(t, s, "6")
	s.Use(Bare)
	if frame := s.Frame(noon); !strings.Contains(frame, `\x1b[2J\x1b]0;owned\x07\u{202e}abc`) {
		t.Errorf("the client's name is not shown:\n%s", frame)
	}
}

type errHostile string

func (e errHostile) Error() string { return string(e) }

func onlyStyles(t *testing.T, what, text string) {
	t.Helper()
	for _, p := range []Palette{Dark, Light} {
		for s := plain; s <= reversed; s++ {
			if begin := p.begin(s); begin != "" {
				text = strings.ReplaceAll(text, begin, "")
			}
		}
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, resetStyle, ""), "\n", "")
	for _, r := range text {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			t.Fatalf("%s has %q:\n%q", what, r, text)
		}
	}
}

func TestPrintableTextsStay(t *testing.T) {
	for text, want := range map[string]string{
		"plain":      "plain",
		"日本語":        "日本語",
		"é":          "é",
		"a\x00b":     `a\x00b`,
		"\u00a0":     `\u{a0}`,
		"\u200b":     `\u{200b}`,
		"\xc3(":      `\xc3(`,
		"\ufffd":     `\u{fffd}`,
		"\x7f\u0085": `\x7f\u{85}`,
	} {
		if got := printable(text); got != want && text != "\ufffd" {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
		if once := printable(text); printable(once) != once {
			t.Errorf("%q changes once more, to %q", once, printable(once))
		}
	}
}

func TestSortAndReverse(t *testing.T) {
	s := alone(80, 24)
	s.Use(Bare)
	first := func() string {
		t.Helper()
		for l := range strings.Lines(s.Frame(noon)) {
			if word := strings.Fields(l); len(word) > 0 && (word[0] == "main" || word[0] == "cache") {
				return word[0]
			}
		}
		return ""
	}
	if got := first(); got != "main" {
		t.Errorf("in their own order %s is first", got)
	}
	press(t, s, "s")
	if got := first(); got != "cache" {
		t.Errorf("by name %s is first", got)
	}
	press(t, s, "s")
	if got := first(); got != "main" {
		t.Errorf("by requests %s is first", got)
	}
	press(t, s, "r")
	if got, frame := first(), s.Frame(noon); got != "cache" || !strings.Contains(frame, "req/s▲") {
		t.Errorf("by requests, reversed, %s is first:\n%s", got, frame)
	}
	press(t, s, "S", "S")
	if o := s.orders[overviewView]; o != (order{column: natural}) {
		t.Errorf("back at %+v", o)
	}
	press(t, s, "S", "s")
	if o := s.orders[overviewView]; o != (order{column: natural}) {
		t.Errorf("around the end at %+v", o)
	}
}

func TestEachViewSortsByEachColumn(t *testing.T) {
	s := fixture(200, 40)
	for v := range views {
		press(t, s, string(rune('1'+v)))
		seen := 0
		for press(t, s, "s"); s.orders[v].column != natural; press(t, s, "s") {
			seen++
			s.Frame(noon)
			if want := s.Wants(); v == clientsView && !strings.Contains(want.Query, "?sort=") {
				t.Errorf("clients are asked for with %v", want)
			}
		}
		if seen < 3 {
			t.Errorf("%s sorts by %d columns", viewNames[v], seen)
		}
	}
}

func TestClientsAreSortedByTheGateway(t *testing.T) {
	s := alone(80, 24)
	if want := s.Wants(); want != (Want{}) {
		t.Errorf("the overview wants %v", want)
	}
	press(t, s, "6")
	if want := (Want{api.PathClients, "?sort=-memory_bytes&limit=500"}); s.Wants() != want {
		t.Errorf("wants %v", s.Wants())
	}
	for s.Wants().Query != "?sort=-idle_seconds&limit=500" {
		press(t, s, "s")
		if s.orders[clientsView].column == natural {
			t.Fatal("no column makes the gateway sort by idle time")
		}
	}
	press(t, s, "r")
	if want := "?sort=idle_seconds&limit=500"; s.Wants().Query != want {
		t.Errorf("wants %v", s.Wants())
	}
}

func TestFilter(t *testing.T) {
	s := fixture(120, 24)
	s.Use(Bare)
	press(t, s, "2", "/", "B", "u", "x", "backspace", "s", "y")
	if frame := s.Frame(noon); !strings.Contains(frame, "show rows with: Busy") || !strings.Contains(frame, "10.1.0.2") ||
		strings.Contains(frame, "10.1.0.1") {
		t.Errorf("while typing:\n%s", frame)
	}
	press(t, s, "enter", "1")
	if frame := s.Frame(noon); !strings.Contains(frame, "rows with Busy") {
		t.Errorf("afterwards:\n%s", frame)
	}
	press(t, s, "esc")
	if frame := s.Frame(noon); !strings.Contains(frame, "10.1.0.1") || strings.Contains(frame, "Busy") {
		t.Errorf("without it:\n%s", frame)
	}
	press(t, s, "/", "q", "space", "backspace", "backspace", "backspace")
	if s.typing || s.filter != "" {
		t.Errorf("typing %v, filter %q", s.typing, s.filter)
	}
}

// TestPauseFreezes: what arrives is shown after the pause, not during it.
func TestPauseFreezes(t *testing.T) {
	s := alone(120, 24)
	before := s.Frame(noon)
	press(t, s, "p")
	frozen := s.Frame(noon.Add(time.Minute))
	sample := fixtureSample()
	sample.Services[0].Requests = 99_999
	s.Take(0, News{At: noon.Add(time.Minute), Sample: sample})
	s.Take(0, News{At: noon.Add(time.Minute), Services: fixtureServices(40)})
	s.Take(0, News{At: noon.Add(time.Minute), Failover: &api.Failover{ID: "main/4", Began: noon}})
	if s.Frame(noon.Add(2*time.Minute)) != frozen {
		t.Error("a paused screen changes")
	}
	if strings.Contains(before, "paused at") || !strings.Contains(frozen, "paused at 12:00:00") {
		t.Errorf("the pause is not shown:\n%s", frozen)
	}
	press(t, s, "p")
	if frame := s.Frame(noon.Add(time.Minute)); !strings.Contains(frame, "99,999") || !strings.Contains(frame, "main/4") {
		t.Errorf("after the pause:\n%s", frame)
	}
}

func TestScrolling(t *testing.T) {
	s := large(10, 6)
	s.Use(Bare)
	press(t, s, "2")
	s.Frame(noon)
	press(t, s, "pgdown", "down")
	if frame := s.Frame(noon); !strings.Contains(frame, "rows 20 to 38 of 60") {
		t.Errorf("after a page and a row:\n%s", frame)
	}
	press(t, s, "end")
	if frame := s.Frame(noon); !strings.Contains(frame, "10.9.0.5:6379") ||
		!strings.Contains(frame, "rows 42 to 60 of 60") {
		t.Errorf("at the end:\n%s", frame)
	}
	press(t, s, "up")
	if frame := s.Frame(noon); !strings.Contains(frame, "rows 41 to 59 of 60") {
		t.Errorf("a row before it:\n%s", frame)
	}
	press(t, s, "home")
	if frame := s.Frame(noon); !strings.Contains(frame, "10.0.0.0:6379") {
		t.Errorf("at the start:\n%s", frame)
	}
}

func TestFailoversOpenAndFollowTheNewest(t *testing.T) {
	s := alone(100, 30)
	s.Use(Bare)
	press(t, s, "3")
	if frame := s.Frame(noon); !strings.Contains(frame, "failover main/3  running") {
		t.Errorf("the newest is not open:\n%s", frame)
	}
	press(t, s, "down")
	if frame := s.Frame(noon); !strings.Contains(frame, "failover main/2  switched") ||
		!strings.Contains(frame, "at most 16 of 4826") || !strings.Contains(frame, "640 requests: 640 resumed") {
		t.Errorf("the one before is not open:\n%s", frame)
	}
	newer := fixtureFailover()
	newer.ID, newer.Began = "main/4", noon
	s.Take(0, News{At: noon, Failover: newer})
	if frame := s.Frame(noon); !strings.Contains(frame, "failover main/2  switched") {
		t.Errorf("an opened one is replaced by news:\n%s", frame)
	}
	press(t, s, "home")
	newer.ID, newer.Began = "main/5", noon.Add(time.Second)
	s.Take(0, News{At: noon, Failover: newer})
	if frame := s.Frame(noon.Add(time.Second)); !strings.Contains(frame, "failover main/5  running") {
		t.Errorf("the newest is not followed:\n%s", frame)
	}
}

func TestOlderNewsOfAFailoverIsSkipped(t *testing.T) {
	s := alone(100, 30)
	s.Use(Bare)
	newer := fixtureFailover()
	newer.Steps = append(newer.Steps, api.Step{After: 1431, Kind: api.StepPromoted, To: "10.9.9.9:1"})
	s.Take(0, News{At: noon, Failovers: &api.Failovers{Failovers: []api.Failover{*newer}}})
	s.Take(0, News{At: noon, Failover: fixtureFailover()})
	if frame := s.Frame(noon); !strings.Contains(frame, "10.9.9.9:1") {
		t.Errorf("a step is gone:\n%s", frame)
	}
}

func TestAGatewayIsLostAndFound(t *testing.T) {
	s := alone(100, 30)
	s.Use(Bare)
	s.Take(0, News{At: noon, Lost: errRefused})
	s.Take(0, News{At: noon.Add(5 * time.Second), Lost: errRefused})
	if frame := s.Frame(noon.Add(7 * time.Second)); !strings.Contains(frame, "unreachable for 7s: connection refused") ||
		strings.Contains(frame, "11,321") {
		t.Errorf("a lost gateway:\n%s", frame)
	}
	if reached, asked := s.Reached(); reached != 0 || asked != 1 {
		t.Errorf("%d of %d are reached", reached, asked)
	}
	s.Take(0, News{At: noon, Overview: fixtureOverview(), Services: fixtureServices(9), Series: fixtureSeries()})
	if frame := s.Frame(noon); strings.Contains(frame, "unreachable for") || !strings.Contains(frame, "steady") {
		t.Errorf("a gateway that is back:\n%s", frame)
	}
}

func TestStates(t *testing.T) {
	for want, change := range map[string]func(*api.Service){
		"failover":          func(*api.Service) {},
		"no primary":        func(s *api.Service) { s.Shards[0].Condition = api.Orphan },
		"suspect":           func(s *api.Service) { s.Shards[0].Condition = api.Suspect },
		"unsteady":          func(s *api.Service) { s.Shards[0].Condition = api.Steady },
		"steady":            func(s *api.Service) { s.Shards[0].Condition, s.Steady = api.Steady, true },
		"starting":          func(s *api.Service) { s.Epoch = 0 },
		"12 slots unserved": func(s *api.Service) { s.Shards[0].Condition, s.Unserved = api.Steady, 12 },
		"failover 1/2":      func(s *api.Service) { s.Shards = append(s.Shards, api.Shard{Condition: api.Steady}) },
	} {
		service := fixtureServices(0).Services[0]
		change(&service)
		if got := (&serviceRow{gw: &gateway{}, service: &service}).state().text; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	service := fixtureServices(0).Services[1]
	draining := serviceRow{gw: &gateway{draining: true}, service: &service}
	if got := draining.state().text; got != "draining" {
		t.Errorf("got %q", got)
	}
}

// TestRatesOfNodesAreOverTheTimeBetweenCounts: the first two answers come at once after each other, and an event with a
// service between two answers has newer counts than the answer before.
func TestRatesOfNodesAreOverTheTimeBetweenCounts(t *testing.T) {
	g, primary, late := gateway{}, [2]string{"main", "10.0.0.1:6379"}, noon.Add(time.Hour)
	g.take(News{At: late, Services: fixtureServices(0)})
	second := fixtureServices(0)
	second.Now = second.Now.Add(time.Millisecond)
	second.Services[0].Nodes[0].Requests += 300
	if g.take(News{At: late, Services: second}); len(g.nodeRates) != 0 {
		t.Errorf("after a millisecond: %v", g.nodeRates)
	}
	g.take(News{At: late, Service: &fixtureServices(3).Services[0]})
	if g.take(News{At: late, Services: fixtureServices(4)}); g.nodeRates[primary] != 5000 {
		t.Errorf("%v", g.nodeRates)
	}
	g.take(News{At: late, Services: fixtureServices(2)}) // its clock was set back
	if g.take(News{At: late, Services: fixtureServices(4)}); g.nodeRates[primary] != 5000 {
		t.Errorf("after its clock was set back: %v", g.nodeRates)
	}
}

func TestQuit(t *testing.T) {
	s := alone(80, 24)
	press(t, s, "?", "x", "/", "q", "esc")
	if !s.Key("q", noon) || !s.Key("ctrl+c", noon) {
		t.Error("q and ctrl+c do not end the program")
	}
	press(t, s, "?")
	if !s.Key("q", noon) {
		t.Error("q does not end the help's program")
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{number(0), "0"}, {number(999), "999"}, {number(1000), "1,000"}, {number(uint64(9_999_999)), "9,999,999"},
		{number(12_345_678), "12.3M"}, {number(2e10), "20.0G"}, {number(-1234), "-1,234"},
		{rate(0), "0"}, {rate(0.25), "0.2"}, {rate(3), "3"}, {rate(12.3), "12"},
		{size(512), "512"}, {size(1536), "1.5K"}, {size(73_400_320), "70M"}, {size(1 << 40), "1.0T"},
		{short(nil), "-"}, {short(micros(93.4)), "93µs"}, {short(micros(1430)), "1.43ms"}, {short(micros(15_600)), "15.6ms"},
		{short(millis(150)), "150ms"}, {short(millis(2100)), "2.10s"},
		{ago(12 * time.Second), "12s"}, {ago(200 * time.Second), "3m20s"}, {ago(26 * time.Hour), "1d2h"},
		{ago(5*time.Hour + 12*time.Minute), "5h12m"}, {ago(-time.Second), "0s"},
		{plural(1, "slot"), "1 slot"}, {plural(1234, "slot"), "1,234 slots"},
		{sparkline([]float64{0, 1, 8}, 5), "   ▁█"}, {sparkline([]float64{9, 4, 8}, 2), "▄█"}, {sparkline(nil, 2), "  "},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// BenchmarkFrame is a screen of 10 services, 60 nodes and 500 clients, once a second or at each key.
func BenchmarkFrame(b *testing.B) {
	s := large(10, 6)
	s.Resize(200, 60)
	s.Key("6", noon)
	for b.Loop() {
		s.Frame(noon)
	}
}
