package top

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"evergate/gateway/api"
)

// failoverRow is a failover as one gateway saw it.
type failoverRow struct {
	gw       *gateway
	failover *api.Failover
	now      time.Time
}

// failoverRows are the failovers of all gateways, newest first.
func (s *Screen) failoverRows(now time.Time) (rows []failoverRow) {
	for i := range s.shown() {
		g := &s.shown()[i]
		for j := range g.failovers {
			rows = append(rows, failoverRow{gw: g, failover: &g.failovers[j], now: g.now(now)})
		}
	}
	slices.SortStableFunc(rows, func(a, b failoverRow) int { return b.failover.Began.Compare(a.failover.Began) })
	return rows
}

func (r *failoverRow) isRunning() bool { return r.failover.Outcome == api.OutcomeRunning }

// age is since a failover began.
func (r *failoverRow) age() time.Duration { return r.now.Sub(r.failover.Began) }

func (r *failoverRow) outcome() span {
	switch r.failover.Outcome {
	case api.OutcomeRunning:
		return span{"running", bad}
	case api.OutcomeSwitched:
		return span{"switched", good}
	default:
		return span{r.failover.Outcome, plain}
	}
}

// paused is for how long requests waited, so far if they still do, in milliseconds; nil if they never did.
func (r *failoverRow) paused() *float64 {
	f := r.failover
	switch {
	case f.Held == nil:
		return nil
	case f.Resumed != nil:
		ms := max(*f.Resumed-*f.Held, 0)
		return &ms
	case r.isRunning():
		ms := max(api.Ms(r.age())-*f.Held, 0)
		return &ms
	default:
		return nil
	}
}

func (r *failoverRow) pausedText() span {
	ms := r.paused()
	if ms == nil {
		return span{"-", faint}
	}
	return span{short(millis(*ms)), plain}
}

// lost is the receipt in few words.
func (r *failoverRow) lost() span {
	receipt := r.failover.Receipt
	switch {
	case receipt == nil:
		return span{"-", faint}
	case receipt.LostAtMost == nil:
		return span{"unknown", warn}
	case *receipt.LostAtMost == 0:
		return span{"none", good}
	default:
		return span{"at most " + number(*receipt.LostAtMost), warn}
	}
}

// servers are the old and the new primary.
func (r *failoverRow) servers() string {
	f := r.failover
	switch {
	case f.To == "":
		return f.From + " → ?"
	case f.To == f.From:
		return f.From + " stayed"
	default:
		return f.From + " → " + f.To
	}
}

func (s *Screen) failoverTable() *table[failoverRow] {
	type row = failoverRow
	columns := []column[row]{
		{title: " began", least: 9, cell: func(r *row) span {
			if s.isOpen(r) {
				return span{"▸" + clock(r.failover.Began), strong}
			}
			return span{" " + clock(r.failover.Began), plain}
		}},
	}
	if len(s.gateways) > 1 {
		columns = append(columns, first("gateway", func(r *row) *gateway { return r.gw }))
	}
	columns = append(columns,
		column[row]{title: "failover", cell: func(r *row) span { return span{r.failover.ID, strong} }},
		column[row]{title: "shard", rank: 3, cell: func(r *row) span { return span{cut(r.failover.Shard, 24), plain} }},
		column[row]{title: "outcome", least: 8, cell: (*row).outcome,
			by: func(a, b *row) int { return cmp.Compare(a.failover.Outcome, b.failover.Outcome) }},
		column[row]{title: "paused", right: true, least: 6, cell: (*row).pausedText,
			by: func(a, b *row) int { return compareTimes(b.paused(), a.paused()) }},
		column[row]{title: "lost", cell: (*row).lost},
		column[row]{title: "uncertain", right: true, rank: 2, cell: func(r *row) span {
			if r.failover.Effect == nil {
				return span{"-", faint}
			}
			n := r.failover.Effect.Uncertain
			return ifAny(number(n), n > 0, warn)
		}},
		column[row]{title: "servers", flex: true, cell: func(r *row) span { return span{r.servers(), plain} }},
	)
	return &table[row]{columns: columns}
}

// isOpen reports whether a failover is the one whose steps are shown.
func (s *Screen) isOpen(r *failoverRow) bool {
	return s.opened == [2]string{r.gw.addr, r.failover.ID}
}

// details are the steps, the receipt and the effect of a failover.
func (s *Screen) details(r *failoverRow) []line {
	f := r.failover
	name := f.ID
	if len(s.gateways) > 1 {
		name = r.gw.label + "  " + name
	}
	head := line{{"failover ", plain}, {name, strong}, {"  ", plain}, r.outcome(), {"  " + r.servers(), plain}}
	all := []line{append(head, span{"  " + ago(r.age()) + " ago", faint})}
	for _, step := range f.Steps {
		all = append(all, r.stepLine(step))
	}
	if f.Effect != nil {
		for i, e := range effect(f.Effect) {
			title := []string{"buffered", "clients"}[i]
			all = append(all, line{{pad(title, 14, true) + "  ", faint}, e})
		}
	}
	return all
}

// stepLine is what happened, at which server, and why. The receipt has a text of its own.
func (r *failoverRow) stepLine(step api.Step) line {
	look, text := plain, step.Event
	switch step.Kind {
	case api.StepSuspected, api.StepHeld:
		look, text = warn, joined(text, step.From)
	case api.StepPromoted, api.StepResumed, api.StepConfirmed:
		look, text = good, joined(text, step.To)
	case api.StepReceipt:
		if r.failover.Receipt != nil {
			look, text = r.lost().style, joined("receipt:", r.failover.Receipt.Text)
		}
	case api.StepOther:
		look = faint
		text = joined(text, step.Subject, joined(step.From, "→", step.To))
	default:
		text = joined(text, step.To)
	}
	if step.Why != "" {
		text += " (" + step.Why + ")"
	}
	return line{{pad("+"+millisText(step.After), 14, true) + "  ", faint}, {text, look}}
}

// joined joins words with spaces; empty ones, and an arrow without a beginning or an end, are left out.
func joined(words ...string) string {
	if len(words) == 3 && words[1] == "→" && (words[0] == "" || words[2] == "") {
		words = []string{words[0], words[2]}
	}
	return strings.Join(slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "" }), " ")
}

// millisText is a time in a failover: whole milliseconds.
func millisText(ms float64) string { return number(ms) + " ms" }

// effect is what a failover did to requests that waited, and to others.
func effect(e *api.Effect) [2]span {
	waited := span{fmt.Sprintf("%s: %s resumed, %s timed out, %s abandoned", plural(int(e.Buffered), "request"),
		number(e.Resumed), number(e.TimedOut), number(e.Abandoned)), plain}
	if e.LongestWait != nil {
		waited.text += "; longest wait " + millisText(*e.LongestWait)
	}
	if e.TimedOut > 0 {
		waited.style = warn
	}
	others := span{fmt.Sprintf("%s uncertain, %s retried, %s", number(e.Uncertain), number(e.Retried),
		plural(int(e.Errors), "error")), plain}
	if !e.Complete {
		others.text += " so far"
	}
	if e.Uncertain > 0 || e.Errors > 0 {
		others.style = warn
	}
	return [2]span{waited, others}
}
