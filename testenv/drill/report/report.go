// Package report shows what a drill has found, to a person and to a program.
package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"evergate/testenv/drill/ledger"
)

// Version is raised when a field of Report changes its meaning.
const Version = 1

// Gateway is the gateway's own name in reports.
const Gateway = "evergate"

// Report is all that is known of one drill. As JSON its times are nanoseconds.
type Report struct {
	Version           int       `json:"version"`
	Drill             string    `json:"drill"`
	Mode              string    `json:"mode"`
	Path              string    `json:"path"`
	ID                string    `json:"id"`
	Started           time.Time `json:"started"`
	Connections, Rate int
	Bar               ledger.Bar
	Marks             ledger.Marks
	Figures           ledger.Figures
	Account           ledger.Account
	Gate              ledger.Gate
	Verdict           ledger.Verdict
	Events            []Event
	// Left says of each server of a Target that stayed broken why.
	Left []string `json:",omitempty"`

	// Entries are the requests, for the drawings.
	Entries []ledger.Entry `json:"-"`
}

// Event is one thing that an observer saw.
type Event struct {
	At time.Duration `json:"at"`
	// Lane is who it is about: "server 127.0.0.1:7000", "sentinel ...", "gateway", "drill".
	Lane string `json:"lane"`
	Text string `json:"text"`
}

// Text is the report for a terminal.
func (r *Report) Text() string {
	var b strings.Builder
	f, a, m := &r.Figures, &r.Account, &r.Marks
	fmt.Fprintf(&b, "%s, %s, through %s: %d clients, %d requests/s\n", r.Drill, r.Mode, r.Path, r.Connections, r.Rate)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-14s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("errors", "%s", errorText(f.Errors))
	row("uncertain", "%d of at most %d in flight; %d requests of impatient clients were given up", f.Uncertain, f.InFlight,
		f.GaveUp)
	row("lost", "%d of %d acknowledged writes", a.Lost, a.Acknowledged)
	if n, told := r.Gate.Receipt(); told {
		row("receipt", "at most %d lost", n)
	}
	row("twice", "%d; after their client left: %d; although refused: %d", a.Twice, a.Late, a.Ghosts)
	row("no write for", "%v", ledger.Round(f.WritePause.Length()))
	row("no read for", "%v", ledger.Round(f.ReadPause.Length()))
	row("servers", "%s", r.serverTimes())
	if m.Unelected > 0 {
		row("elections", "%d in which no Sentinel got enough votes, before the one that counted", m.Unelected)
	}
	for i, lag := range f.Resumed {
		if lag < 0 {
			row("resumed", "never after the new primary accepted (+%v)", ledger.Round(m.Accepts[i]-m.Struck))
		} else {
			row("resumed", "%v after the new primary accepted (+%v)", ledger.Round(lag), ledger.Round(m.Accepts[i]-m.Struck))
		}
	}
	row("latency", "before %s; during %s; after %s", f.Before, f.During, f.After)
	if r.Gate.Known {
		row("gateway", "held %d clients at once, %d uncertain, %d done again", r.Gate.Held, r.Gate.Uncertain,
			r.Gate.DoneAgain)
	}
	for _, text := range r.Left {
		row("left", "%s", text)
	}
	switch {
	case r.Verdict.Vacuous != "":
		row("VACUOUS", "%s", r.Verdict.Vacuous)
	case r.Verdict.Kept():
		row("kept", "every promise")
	}
	for _, text := range r.Verdict.Broken {
		row("BROKEN", "%s", text)
	}
	return b.String()
}

// Timeline is all that the observers saw, a line each.
func (r *Report) Timeline() string {
	var b strings.Builder
	for _, e := range r.Events {
		fmt.Fprintf(&b, "%9.3f s  %-26s %s\n", e.At.Seconds(), e.Lane, e.Text)
	}
	return b.String()
}

// serverTimes are the servers' own times since the strike.
func (r *Report) serverTimes() string {
	m := &r.Marks
	var parts []string
	for _, step := range []struct {
		name string
		at   time.Duration
	}{{"detected", m.Detected}, {"elected", m.Elected}, {"promoted", m.Promoted}} {
		if step.at >= 0 {
			parts = append(parts, fmt.Sprintf("%s +%v", step.name, ledger.Round(step.at-m.Struck)))
		}
	}
	for _, at := range m.Accepts {
		parts = append(parts, fmt.Sprintf("accepts +%v", ledger.Round(at-m.Struck)))
	}
	if len(parts) == 0 {
		return "no switch"
	}
	return strings.Join(parts, ", ")
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
