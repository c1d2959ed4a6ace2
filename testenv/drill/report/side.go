package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"evergate/testenv/drill/ledger"
)

// Side returns the results of the same drill on one path or several, a column each, for a person who has just watched
// it.
func Side(reports []*Report) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	row := func(name string, cell func(*Report) string) {
		fmt.Fprintf(w, "  %s", name)
		for _, r := range reports {
			fmt.Fprintf(w, "\t%s", cell(r))
		}
		fmt.Fprintln(w)
	}
	if len(reports) > 1 {
		row("", func(r *Report) string { return r.Path })
	}
	row("errors", func(r *Report) string {
		return fmt.Sprintf("%d of %d requests", r.Figures.Failed(), r.Figures.Requests)
	})
	kinds := map[string]bool{}
	for _, r := range reports {
		for word := range r.Figures.Errors {
			kinds[word] = true
		}
	}
	for _, word := range slices.Sorted(maps.Keys(kinds)) {
		row("  "+word, func(r *Report) string { return fmt.Sprint(r.Figures.Errors[word]) })
	}
	row("uncertain", func(r *Report) string {
		return fmt.Sprintf("%d (%d in flight)", r.Figures.Uncertain, r.Figures.InFlight)
	})
	row("no write for", func(r *Report) string { return ledger.Spell(r.Figures.WritePause.Length()) })
	row("no read for", func(r *Report) string { return ledger.Spell(r.Figures.ReadPause.Length()) })
	row("the servers needed", (*Report).needed)
	row("clients write", (*Report).recovered)
	row("receipt", (*Report).promised)
	row("read back", func(r *Report) string {
		return fmt.Sprintf("%d of %d lost", r.Account.Lost, r.Account.Acknowledged)
	})
	_ = w.Flush() // a strings.Builder takes everything
	for _, r := range reports {
		if r.Verdict.Vacuous != "" {
			fmt.Fprintf(&b, "  %s proves nothing: %s\n", r.Path, r.Verdict.Vacuous)
		}
		if !r.Promised() {
			continue
		}
		for _, breach := range r.Verdict.Broken {
			fmt.Fprintf(&b, "  BROKEN: %s\n", breach)
		}
	}
	return b.String()
}

// needed returns how long the servers had no primary that accepted writes.
func (r *Report) needed() string {
	if len(r.Marks.Accepts) == 0 {
		return "-"
	}
	return ledger.Spell(r.Marks.Accepts[0] - r.Marks.Struck)
}

// recovered returns how long after that a write was acknowledged.
func (r *Report) recovered() string {
	if len(r.Figures.Resumed) == 0 || r.Figures.Resumed[0] < 0 {
		return "-"
	}
	return ledger.Spell(r.Figures.Resumed[0]) + " later"
}

// promised returns the gateway's receipt.
func (r *Report) promised() string {
	switch n, known := r.Gate.Receipt(); {
	case known:
		return fmt.Sprintf("at most %d of %d lost", n, r.Gate.Acknowledged)
	case r.Gate.Known:
		return "loss unknown"
	}
	return "none"
}
