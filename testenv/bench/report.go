//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// distribution is a figure over the rounds.
type distribution struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// summaryOf needs at least one value.
func summaryOf(values []float64) distribution {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return distribution{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1]}
}

// measure is one of the figures, with its name.
type measure struct {
	name string
	of   func(figures) float64
}

var (
	cpu      = measure{"CPU a request", func(f figures) float64 { return f.CPU }}
	requests = measure{"requests a second", func(f figures) float64 { return f.Requests }}
	p50      = measure{"p50", func(f figures) float64 { return f.P50 }}
	p99      = measure{"p99", func(f figures) float64 { return f.P99 }}
	measures = []measure{cpu, requests, p50, p99}
)

func (m measure) over(rounds []figures) []float64 {
	var values []float64
	for _, f := range rounds {
		values = append(values, m.of(f))
	}
	return values
}

// subject is the target with goals against the others.
const subject = "evergate"

// secured is the subject with TLS in front.
const secured = "evergate-tls"

// limited is the subject with users, patterns and limits.
const limited = "evergate-users"

// goal is a bound on the ratio of one target's figure to another's, at one pipeline depth.
type goal struct {
	of       string
	measure  measure
	pipeline int // 0: without pipelining, for each size of larger values
	against  string
	bound    float64
	atLeast  bool // otherwise at most
}

// goals are the figures to reach, one worker against one thread of the others.
var goals = []goal{
	{subject, cpu, 1, "nutcracker", 0.80, false},
	{subject, cpu, 1, "haproxy", 0.65, false},
	{subject, cpu, 1, "relay", 1.20, false},
	{subject, cpu, 16, "nutcracker", 0.30, false},
	{subject, cpu, 16, "haproxy", 0.80, false},
	{subject, cpu, 16, "relay", 1.20, false},
	{subject, requests, 16, "nutcracker", 2.0, true},
	{subject, requests, 16, "haproxy", 1.5, true},
	{subject, p99, 1, "nutcracker", 1.1, false},
	{subject, p99, 1, "haproxy", 1.1, false},
	{subject, cpu, 0, "haproxy", 1.0, false},
	{subject, p99, 0, "haproxy", 1.0, false},
	{"cluster", cpu, 1, "sentinel", 1.25, false},
	{secured, cpu, 1, "haproxy-tls", 0.75, false},
	{secured, cpu, 16, "haproxy-tls", 0.9, false},
	{secured, requests, 1, "haproxy-tls", 1.3, true},
	{secured, requests, 16, "haproxy-tls", 1.1, true},
	{secured, p99, 1, "haproxy-tls", 0.7, false},
	{secured, cpu, 1, subject, 1.3, false},
	{subject, cpu, 1, limited, 1 / 1.05, true},
	{subject, cpu, 16, limited, 1 / 1.15, true},
	{observed, cpu, 1, bare, 1.05, false},
	{observed, cpu, 16, bare, 1.15, false},
}

// concerns reports whether the goal applies to a scenario.
func (g goal) concerns(s scenario) bool {
	if s.Bytes > 0 {
		return g.pipeline == 0 && s.Pipeline == 1
	}
	return g.pipeline == s.Pipeline
}

func (g goal) met(ratio float64) bool {
	if g.atLeast {
		return ratio >= g.bound
	}
	return ratio <= g.bound
}

func (g goal) String() string {
	if g.atLeast {
		return fmt.Sprintf(">= %.2f", g.bound)
	}
	return fmt.Sprintf("<= %.2f", g.bound)
}

// comparedTo is the ratio of one target's figure to another's, round by round.
type comparedTo struct {
	Scenario scenario `json:"scenario"`
	Measure  string   `json:"measure"`
	Of       string   `json:"of"`
	Against  string   `json:"against"`
	// Ratio is over the rounds' own ratios; OfMedians is the ratio of the two medians.
	Ratio     distribution `json:"ratio"`
	OfMedians float64      `json:"ratio_of_medians"`
	Goal      string       `json:"goal,omitempty"`
	Met       *bool        `json:"met,omitempty"`
}

// compare compares one target with every other. A goal applies to the median of the rounds' ratios: a disturbance of
// the machine affects both sides of a ratio.
func compare(all []*series, of string) []comparedTo {
	var out []comparedTo
	for _, s := range all {
		i := slices.IndexFunc(all, func(o *series) bool { return o.Scenario == s.Scenario && o.Target == of })
		if i < 0 || s.Target == of {
			continue
		}
		for _, m := range measures {
			out = append(out, compareOne(m, all[i], s))
		}
	}
	return out
}

func compareOne(m measure, ours, other *series) comparedTo {
	over, under := m.over(ours.Rounds), m.over(other.Rounds)
	var ratios []float64
	for i := range over {
		ratios = append(ratios, over[i]/under[i])
	}
	c := comparedTo{Scenario: other.Scenario, Measure: m.name, Of: ours.Target, Against: other.Target,
		Ratio: summaryOf(ratios), OfMedians: summaryOf(over).Median / summaryOf(under).Median}
	for _, g := range goals {
		if g.of == c.Of && g.against == c.Against && g.measure.name == m.name && g.concerns(c.Scenario) {
			met := g.met(c.Ratio.Median)
			c.Goal, c.Met = g.String(), &met
		}
	}
	return c
}

func columns(w io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
}

func judged(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

func megabytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// writeFigures prints the median of each figure over the rounds.
func writeFigures(w io.Writer, all []*series) {
	tw := columns(w)
	fmt.Fprintln(tw, "medians\ttarget\trequests/s\tp50 us\tp99 us\tCPU us/request\tmin-max\tserver CPU us/request\t")
	for _, s := range all {
		c := summaryOf(cpu.over(s.Rounds))
		server := "-"
		if of := summaryOf(measure{of: func(f figures) float64 { return f.ServerCPU }}.over(s.Rounds)); of.Max > 0 {
			server = fmt.Sprintf("%.2f", of.Median/1e3)
		}
		fmt.Fprintf(tw, "%s\t%s\t%.0f\t%.0f\t%.0f\t%.2f\t%.2f-%.2f\t%s\t\n", s.Scenario, s.Target,
			summaryOf(requests.over(s.Rounds)).Median,
			summaryOf(p50.over(s.Rounds)).Median/1e3, summaryOf(p99.over(s.Rounds)).Median/1e3,
			c.Median/1e3, c.Min/1e3, c.Max/1e3, server)
	}
	tw.Flush()
}

// writeRatios prints the ratios, a line for each scenario and other target: the median and the extremes of the rounds.
func writeRatios(w io.Writer, ratios []comparedTo) {
	tw := columns(w)
	fmt.Fprintf(tw, "ratios\t%s against\t", ratios[0].Of)
	for _, m := range measures {
		fmt.Fprintf(tw, "%s\t", m.name)
	}
	for i, c := range ratios {
		if i%len(measures) == 0 {
			fmt.Fprintf(tw, "\n%s\t%s\t", c.Scenario, c.Against)
		}
		fmt.Fprintf(tw, "%.2f (%.2f-%.2f)\t", c.Ratio.Median, c.Ratio.Min, c.Ratio.Max)
	}
	fmt.Fprintln(tw)
	tw.Flush()
}

// writeGoals prints the result for each goal.
func writeGoals(w io.Writer, ratios []comparedTo) {
	tw := columns(w)
	fmt.Fprintln(tw, "goals\tof\tagainst\tgoal\tmedian of ratios\tratio of medians\t\t")
	for _, c := range ratios {
		if c.Met != nil {
			fmt.Fprintf(tw, "%s\t%s\t%s / %s\t%s\t%.2f\t%.2f\t%s\t\n", c.Scenario, c.Measure, c.Of, c.Against, c.Goal,
				c.Ratio.Median, c.OfMedians, judged(*c.Met))
		}
	}
	tw.Flush()
}
