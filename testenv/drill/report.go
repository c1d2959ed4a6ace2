package drill

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// reportVersion is raised when a field of Report changes its meaning.
const reportVersion = 1

// Report is all that is known of one drill. As JSON its times are nanoseconds.
type Report struct {
	Version           int       `json:"version"`
	Drill             string    `json:"drill"`
	Mode              Mode      `json:"mode"`
	Path              string    `json:"path"`
	ID                string    `json:"id"`
	Started           time.Time `json:"started"`
	Connections, Rate int
	Bar               Bar
	Marks             Marks
	Figures           Figures
	Account           Account
	Gate              Gate
	Verdict           Verdict
	Events            []Event
	// Left says of each server of a Target that stayed broken why.
	Left []string `json:",omitempty"`

	entries []Entry
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
	if n, told := r.Gate.receipt(); told {
		row("receipt", "at most %d lost", n)
	}
	row("twice", "%d; after their client left: %d; although refused: %d", a.Twice, a.Late, a.Ghosts)
	row("no write for", "%v", round(f.WritePause.Length()))
	row("no read for", "%v", round(f.ReadPause.Length()))
	row("servers", "%s", r.serverTimes())
	if m.Unelected > 0 {
		row("elections", "%d in which no Sentinel got enough votes, before the one that counted", m.Unelected)
	}
	for i, lag := range f.Resumed {
		if lag < 0 {
			row("resumed", "never after the new primary accepted (+%v)", round(m.Accepts[i]-m.Struck))
		} else {
			row("resumed", "%v after the new primary accepted (+%v)", round(lag), round(m.Accepts[i]-m.Struck))
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
			parts = append(parts, fmt.Sprintf("%s +%v", step.name, round(step.at-m.Struck)))
		}
	}
	for _, at := range m.Accepts {
		parts = append(parts, fmt.Sprintf("accepts +%v", round(at-m.Struck)))
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

// String is "p50/p99/p99.9 of n".
func (l Latency) String() string {
	if l.Count == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%v/%v/%v", round(l.P50), round(l.P99), round(l.P999))
}
