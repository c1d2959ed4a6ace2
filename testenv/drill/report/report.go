// Package report presents the findings of a drill, to people and programs. It is pure: a report goes in, text, a page
// or JSON comes out.
package report

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"evergate/testenv/drill/history"
	"evergate/testenv/drill/ledger"
)

// Gateway is the gateway's own name in reports.
const Gateway = "evergate"

// Report has all findings of one run of a drill on one path. Its times are since Started.
type Report struct {
	// Drill is the drill's name, What its description, Mode the topology of the servers, Path the name or address of the
	// path between clients and servers, ID a word that no other run has.
	Drill, What, Mode, Path, ID string
	Started                     time.Time
	// Connections is the number of patient clients, Rate the requests per second of all of them.
	Connections, Rate int
	// Versions are those of the programs that took part, if they report one; Machine is that of the clients.
	Versions []Version
	Machine  Machine
	Bar      ledger.Bar
	Marks    ledger.Marks
	Figures  ledger.Figures
	Account  ledger.Account
	Gate     ledger.Gate
	Verdict  ledger.Verdict
	// History is what was found in the reads of clients with keys in common; nil if that was not checked.
	History *history.Findings
	Events  []Event
	// Left has a sentence for each server of a running system that stayed broken.
	Left []string
	// Entries are the requests, for the drawings.
	Entries []ledger.Entry
}

// Version is that of one program: "Redis", "7.0.15".
type Version struct{ Name, Version string }

// Machine describes the machine of a drill.
type Machine struct {
	// OS and Arch are GOOS and GOARCH: "linux", "amd64".
	OS, Arch string
	// CPU is the model's name, empty if unknown; CPUs is their number.
	CPU  string
	CPUs int
}

// Event is one event that an observer saw.
type Event struct {
	At time.Duration
	// Source is "server 127.0.0.1:7000", "sentinel ...", "gateway", "drill".
	Source string
	Text   string
}

// Promised reports whether the path promises anything: only the gateway does.
func (r *Report) Promised() bool { return r.Path == Gateway }

// Text returns the report for a terminal.
func (r *Report) Text() string {
	var b strings.Builder
	f, a, m := &r.Figures, &r.Account, &r.Marks
	fmt.Fprintf(&b, "%s, %s, through %s: %d clients, %d requests/s\n  %s\n", r.Drill, r.Mode, r.Path, r.Connections,
		r.Rate, folded(r.Headline(), 2))
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-14s %s\n", name, folded(fmt.Sprintf(format, args...), 17))
	}
	row("errors", "%s", errorText(f.Errors))
	row("uncertain", "%d of at most %d in flight; impatient clients gave up %s", f.Uncertain, f.InFlight,
		count(f.GaveUp, "request"))
	row("lost", "%d of %d acknowledged writes", a.Lost, a.Acknowledged)
	if n, known := r.Gate.Receipt(); known {
		row("receipt", "at most %d lost", n)
	}
	row("twice", "%d; after their client left: %d; although rejected: %d", a.Twice, a.Late, a.RefusedRun)
	row("no write for", "%s", ledger.Spell(f.WritePause.Length()))
	row("no read for", "%s", ledger.Spell(f.ReadPause.Length()))
	row("servers", "%s", r.serverTimes())
	if m.FailedElections > 0 {
		row("elections", "%d in which no Sentinel got enough votes, before the one that counted", m.FailedElections)
	}
	for i, lag := range f.Resumed {
		accepted := ledger.Spell(m.Accepts[i] - m.Struck)
		if lag < 0 {
			row("resumed", "never after the new primary accepted (+%s)", accepted)
		} else {
			row("resumed", "%s after the new primary accepted (+%s)", ledger.Spell(lag), accepted)
		}
	}
	for _, p := range f.Phases() {
		row("latency", "%s: %s", p.Name, latencyText(p.Latency))
	}
	if r.Gate.Known {
		row("gateway", "%s waited at once, %s uncertain, %s retried", count(r.Gate.Waiting, "client"),
			count(r.Gate.Uncertain, "write"), count(r.Gate.Retried, "request"))
	}
	if h := r.History; h != nil {
		row("consistency", "%s", historyText(h))
	}
	for _, text := range r.Left {
		row("left", "%s", text)
	}
	switch {
	case r.Verdict.Vacuous != "":
		row("VACUOUS", "%s", r.Verdict.Vacuous)
	case r.Verdict.Kept() && r.Promised():
		row("kept", "every promise")
	}
	for _, breach := range r.Verdict.Broken {
		if r.Promised() {
			row("BROKEN", "%s", breach)
		} else {
			row("not promised", "%s", breach.Found)
		}
	}
	return b.String()
}

// textColumns is the width of a terminal.
const textColumns = 80

// phrase matches the words that stay in one line: a figure with its name and its unit, or a single word.
var phrase = regexp.MustCompile(`(\S+ )?\(?\+?[\d.]+ \S+|\S+`)

// folded returns a text that begins in column indent, broken into lines that fit the terminal.
func folded(text string, indent int) string {
	var b strings.Builder
	column := indent
	for _, word := range phrase.FindAllString(text, -1) {
		switch {
		case column == indent:
		case column+1+len(word) > textColumns:
			fmt.Fprintf(&b, "\n%*s", indent, "")
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

// Timeline returns all events of the observers, a line each.
func (r *Report) Timeline() string {
	var b strings.Builder
	for _, e := range r.Events {
		fmt.Fprintf(&b, "%9.3f s  %-26s %s\n", e.At.Seconds(), e.Source, e.Text)
	}
	return b.String()
}

// serverTimes returns the servers' own times since the strike.
func (r *Report) serverTimes() string {
	m := &r.Marks
	var parts []string
	for _, step := range []struct {
		name string
		at   time.Duration
	}{{"detected", m.Detected}, {"elected", m.Elected}, {"promoted", m.Promoted}} {
		if step.at >= 0 {
			parts = append(parts, fmt.Sprintf("%s +%s", step.name, ledger.Spell(step.at-m.Struck)))
		}
	}
	for _, at := range m.Accepts {
		parts = append(parts, "accepts +"+ledger.Spell(at-m.Struck))
	}
	if len(parts) == 0 {
		return "no switch"
	}
	return strings.Join(parts, ", ")
}

// historyText returns what the clients with keys in common have read, in a line.
func historyText(h *history.Findings) string {
	text := fmt.Sprintf("%s of %s: %d stale, %d backwards, %d phantom", count(h.Reads, "read"), count(h.Writes, "write"),
		h.Counts[history.Stale], h.Counts[history.Backwards], h.Counts[history.Phantom])
	if h.Lost > 0 {
		text += fmt.Sprintf("; the failover lost %d", h.Lost)
	}
	return text
}

func errorText(errors map[string]int) string {
	if len(errors) == 0 {
		return "0"
	}
	var parts []string
	for _, word := range slices.Sorted(maps.Keys(errors)) {
		parts = append(parts, fmt.Sprintf("%d %s", errors[word], word))
	}
	return strings.Join(parts, ", ")
}

func latencyText(l ledger.Latency) string {
	if l.Count == 0 {
		return "nothing"
	}
	return fmt.Sprintf("median %s, p99 %s, p99.9 %s, maximum %s", ledger.Spell(l.P50), ledger.Spell(l.P99),
		ledger.Spell(l.P999), ledger.Spell(l.Max))
}
