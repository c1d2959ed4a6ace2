package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"evergate/testenv/drill/history"
	"evergate/testenv/drill/ledger"
)

// figureTable writes a row for each figure, with a column for each path, and the gateway's promise in the last one.
func figureTable(b *strings.Builder, round []*Report) {
	b.WriteString("<h2>Figures</h2>\n<div class=wide><table>\n<thead><tr><th>")
	for _, r := range round {
		fmt.Fprintf(b, "<th>%s", esc(r.Path))
	}
	b.WriteString("<th>the gateway promises\n<tbody>\n")
	bar := &round[0].Bar
	row := func(name, promised string, cell func(*Report) string) {
		fmt.Fprintf(b, "<tr><td>%s", name)
		for _, r := range round {
			fmt.Fprintf(b, "<td>%s", cell(r))
		}
		fmt.Fprintf(b, "<td>%s\n", promised)
	}
	row("requests", "", func(r *Report) string { return fmt.Sprint(r.Figures.Requests) })
	row("errors", "none", func(r *Report) string { return fmt.Sprint(r.Figures.Failed()) })
	for _, word := range errorWords(round) {
		row("&emsp;"+esc(word), "", func(r *Report) string { return fmt.Sprint(r.Figures.Errors[word]) })
	}
	row("writes in flight at the strike", "", func(r *Report) string { return fmt.Sprint(r.Figures.InFlight) })
	row("writes answered UNCERTAIN", allowed(bar.Uncertain), func(r *Report) string {
		return fmt.Sprint(r.Figures.Uncertain)
	})
	row("longest time without a write", limit(bar.Pause), func(r *Report) string {
		return span(r.Figures.WritePause.Length())
	})
	row("longest time without a read", limit(bar.ReadPause), func(r *Report) string {
		return span(r.Figures.ReadPause.Length())
	})
	row("a new primary accepted writes after", "", func(r *Report) string { return r.spans(r.acceptLags()) })
	row("then the first client wrote after", limit(bar.Resume), func(r *Report) string {
		return r.spans(r.Figures.Resumed)
	})
	row("acknowledged writes", "", func(r *Report) string { return fmt.Sprint(r.Account.Acknowledged) })
	row("of them lost", allowed(bar.Lost), func(r *Report) string { return fmt.Sprint(r.Account.Lost) })
	row("lost at most, by the receipt", "", (*Report).receiptCell)
	row("writes executed twice", "none", func(r *Report) string { return fmt.Sprint(r.Account.Twice) })
	row("writes executed after their client had left", "none", func(r *Report) string {
		return fmt.Sprint(r.Account.Late)
	})
	row("writes executed although rejected", "none", func(r *Report) string { return fmt.Sprint(r.Account.RefusedRun) })
	historyRows(round, row)
	row("requests that impatient clients gave up", "", func(r *Report) string { return fmt.Sprint(r.Figures.GaveUp) })
	row("most clients that waited at once", "", func(r *Report) string {
		if !r.Gate.Known {
			return "–"
		}
		return fmt.Sprint(r.Gate.Waiting)
	})
	b.WriteString("</table></div>\n<p class=faint>A new primary accepts writes from the first direct write that " +
		"succeeds: an observer tries one every 5&nbsp;ms. Other paths than the gateway promise nothing.</p>\n")
}

// historyRows writes the rows about clients with keys in common, if there were such.
func historyRows(round []*Report, row func(name, promised string, cell func(*Report) string)) {
	if round[0].History == nil {
		return
	}
	row("reads of keys in common", "", func(r *Report) string { return fmt.Sprint(r.History.Reads) })
	for kind, name := range historyNames {
		row(name, "none", func(r *Report) string { return fmt.Sprint(r.History.Counts[kind]) })
	}
}

// historyNames are the rows for what a history may have.
var historyNames = [history.Kinds]string{
	history.Stale:     "&emsp;that missed an acknowledged write",
	history.Backwards: "&emsp;older than what their connection had read",
	history.Phantom:   "&emsp;of what was not written",
}

// errorWords returns the first words of the errors on all paths.
func errorWords(round []*Report) []string {
	all := map[string]bool{}
	for _, r := range round {
		for word := range r.Figures.Errors {
			all[word] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// allowed returns a text for an allowance.
func allowed(a ledger.Allowance) string {
	switch a {
	case ledger.None:
		return "none"
	case ledger.InFlight:
		return "at most those in flight"
	case ledger.Receipt:
		return "at most the number of the receipt"
	default:
		return "any number, but reported"
	}
}

func limit(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return "at most " + span(d)
}

// acceptLags returns the times from each strike until a new primary accepted writes.
func (r *Report) acceptLags() (lags []time.Duration) {
	for i, at := range r.Marks.Accepts {
		if len(r.Marks.Strikes) > 0 {
			lags = append(lags, at-r.Marks.Strikes[min(i, len(r.Marks.Strikes)-1)])
		}
	}
	return lags
}

func (r *Report) spans(all []time.Duration) string {
	if len(all) == 0 {
		return "–"
	}
	var parts []string
	for _, d := range all {
		if d < 0 {
			parts = append(parts, "never")
		} else {
			parts = append(parts, span(d))
		}
	}
	return strings.Join(parts, ", ")
}

func (r *Report) receiptCell() string {
	switch n, known := r.Gate.Receipt(); {
	case known:
		return fmt.Sprint(n)
	case len(r.Gate.Receipts) > 0:
		return "unknown"
	}
	return "–"
}

// latencyTable writes a table of the percentiles.
func latencyTable(b *strings.Builder, round []*Report) {
	b.WriteString("<h2>Latency</h2>\n<p>Of acknowledged requests, from the moment when each should have been sent.</p>\n" +
		"<div class=wide><table>\n<thead><tr><th><th>requests<th>median<th>99th percentile<th>99.9th percentile" +
		"<th>maximum\n<tbody>\n")
	for _, r := range round {
		if len(round) > 1 {
			fmt.Fprintf(b, "<tr><th colspan=6>%s\n", esc(r.Path))
		}
		for _, p := range r.Figures.Phases() {
			l := p.Latency
			fmt.Fprintf(b, "<tr><td>%s<td>%d<td>%s<td>%s<td>%s<td>%s\n", p.Name, l.Count, span(l.P50), span(l.P99),
				span(l.P999), span(l.Max))
		}
	}
	b.WriteString("</table></div>\n")
}
