package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"evergate/testenv/drill/ledger"
)

// row is the worst of several runs of one drill on one path.
type row struct {
	name                                    string
	promised                                bool
	runs, kept                              int
	errors, uncertain, inFlight, lost       int
	receipt, twice                          int
	known                                   bool
	writePause, readPause, resumed, accepts time.Duration
	broken                                  map[string]int
}

// Table returns the worst case of reports of the same drill, mode and path, in their order: a title, a row of figures,
// and how often each promise was broken; for a terminal of 80 columns. Runs in which an election failed have rows of
// their own: they last longer, by what the servers waited until the next.
func Table(reports []*Report) string {
	var rows []*row
	byName := map[string]*row{}
	for _, r := range reports {
		name := fmt.Sprintf("%s, %s, %s", r.Drill, r.Mode, r.Path)
		if r.Marks.FailedElections > 0 {
			name += ", after a failed election"
		}
		if byName[name] == nil {
			byName[name] = &row{name: name, promised: r.Promised(), resumed: -1, broken: map[string]int{}}
			rows = append(rows, byName[name])
		}
		byName[name].add(r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, tableRow, "errors", "uncertain", "lost", "receipt", "twice", "no write", "no read", "accepts",
		"resumes")
	for _, w := range rows {
		receipt := "none"
		if w.known {
			receipt = fmt.Sprint(w.receipt)
		}
		kept := fmt.Sprintf("kept in %d of %s", w.kept, count(w.runs, "run"))
		if !w.promised {
			kept = "not promised"
		}
		fmt.Fprintf(&b, "%s: %s\n"+tableRow, w.name, kept, fmt.Sprint(w.errors),
			fmt.Sprintf("%d of %d", w.uncertain, w.inFlight), fmt.Sprint(w.lost), receipt, fmt.Sprint(w.twice),
			ledger.Spell(w.writePause), ledger.Spell(w.readPause), dash(w.accepts), dash(w.resumed))
		for _, text := range slices.Sorted(maps.Keys(w.broken)) {
			if n := w.broken[text]; n > 1 {
				text += fmt.Sprintf(" (%d times)", n)
			}
			fmt.Fprintf(&b, "  %s\n", folded(text, 2))
		}
	}
	return b.String()
}

// tableRow has a column of texts for each figure.
const tableRow = "%8s%11s%6s%9s%7s%10s%9s%9s%9s\n"

func dash(d time.Duration) string {
	if d < 0 {
		return "-"
	}
	return ledger.Spell(d)
}

func (w *row) add(r *Report) {
	f := &r.Figures
	w.runs++
	if r.Verdict.Kept() {
		w.kept++
	}
	w.errors, w.uncertain = max(w.errors, f.Failed()), max(w.uncertain, f.Uncertain)
	w.inFlight = max(w.inFlight, f.InFlight)
	w.lost, w.twice = max(w.lost, r.Account.Lost), max(w.twice, r.Account.Twice+r.Account.Late+r.Account.RefusedRun)
	if n, known := r.Gate.Receipt(); known {
		w.known, w.receipt = true, max(w.receipt, n)
	}
	w.writePause = max(w.writePause, f.WritePause.Length())
	w.readPause = max(w.readPause, f.ReadPause.Length())
	for i, lag := range f.Resumed {
		w.resumed = max(w.resumed, lag)
		w.accepts = max(w.accepts, r.Marks.Accepts[i]-r.Marks.Strikes[min(i, len(r.Marks.Strikes)-1)])
	}
	if len(f.Resumed) == 0 {
		w.accepts = -1
	}
	for _, breach := range r.Verdict.Broken {
		text := breach.Found
		if r.Promised() {
			text = breach.String()
		}
		w.broken[text]++
	}
	if r.Verdict.Vacuous != "" {
		w.broken["vacuous: "+r.Verdict.Vacuous]++
	}
}
