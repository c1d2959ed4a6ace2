package report

import (
	"fmt"
	"strings"
	"time"

	"evergate/testenv/drill/ledger"
)

// Headline returns the result of the drill in one line of words and figures, for a reader of nothing else.
func (r *Report) Headline() string {
	if r.Verdict.Vacuous != "" {
		return "this run proves nothing: " + r.Verdict.Vacuous
	}
	f := &r.Figures
	parts := []string{count(f.Failed(), "error")}
	if f.Uncertain > 0 {
		parts = append(parts, count(f.Uncertain, "write")+" uncertain")
	}
	parts = append(parts, r.pauses())
	if p := f.ReadPause.Length(); p > ledger.Hiccup {
		parts = append(parts, "reads paused for "+rough(p))
	}
	return strings.Join(append(parts, r.losses()...), "; ")
}

// pauses returns how long writes paused, and how much of that the path has added to the servers' own time.
func (r *Report) pauses() string {
	pause := r.Figures.WritePause
	if pause.Length() <= ledger.Hiccup {
		return "writes never paused for more than " + rough(pause.Length())
	}
	text := "writes paused for " + rough(pause.Length())
	i, found := r.failoverIn(pause)
	if !found {
		return text
	}
	if r.Figures.Resumed[i] < 0 {
		return text + ", to the end of the drill"
	}
	name, added := "this path", "nothing measurable"
	if r.Promised() {
		name = "the gateway"
	}
	if lag := pause.To - r.Marks.Accepts[i]; lag > 0 {
		added = rough(lag)
	}
	return text + ", of which " + name + " added " + added
}

// observerLag is how much later than a client an observer may notice that a primary accepts writes.
const observerLag = 50 * time.Millisecond

// failoverIn returns the index of the failover that ended a pause: its new primary accepted writes within the pause, or
// so soon after it that a client's write was faster than the observer's.
func (r *Report) failoverIn(pause ledger.Pause) (i int, found bool) {
	for i, at := range r.Marks.Accepts {
		if i < len(r.Figures.Resumed) && pause.From <= at && at <= pause.To+observerLag {
			return i, true
		}
	}
	return 0, false
}

func (r *Report) losses() (parts []string) {
	a := &r.Account
	if a.Lost == 0 {
		parts = append(parts, "nothing lost")
	} else {
		parts = append(parts, fmt.Sprintf("%d of %s lost", a.Lost, count(a.Acknowledged, "acknowledged write"))+
			r.reported())
	}
	for _, c := range []struct {
		n    int
		what string
	}{{a.Twice, "executed twice"}, {a.Late, "executed after its client had left"},
		{a.RefusedRun, "executed although rejected"}} {
		if c.n > 0 {
			parts = append(parts, count(c.n, "write")+" "+c.what)
		}
	}
	return parts
}

// reported returns how many lost writes the gateway's receipts admit; empty for another path.
func (r *Report) reported() string {
	if !r.Promised() {
		return ""
	}
	if n, known := r.Gate.Receipt(); known {
		return fmt.Sprintf(" (the gateway reported at most %d)", n)
	}
	return " (the gateway reported none)"
}

// count returns "1 error" or "2 errors".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// rough formats a duration with about two digits: "0.1 ms", "62 ms", "1.4 s".
func rough(d time.Duration) string {
	ms := float64(d.Microseconds()) / 1000
	switch {
	case d > 0 && ms < 0.1:
		return "less than 0.1 ms"
	case ms < 9.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 59950:
		return fmt.Sprintf("%.1f s", ms/1000)
	default:
		return fmt.Sprintf("%.0f s", ms/1000)
	}
}
