package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"evergate/testenv/drill/ledger"
)

// The drawings' heights, in pixels. Their width is that of the page: positions are percentages.
const (
	latencyHeight = 200
	rowHeight     = 34
	axisHeight    = 18
)

// ticksMax is the number of times below a drawing: as many as fit into a narrow window.
const ticksMax = 8

// scale is the range of time of all drawings of a page, since the first strike of each path.
type scale struct{ from, to time.Duration }

// x returns the position of a time in percent, with a margin at both ends.
func (s scale) x(at time.Duration) float64 { return 1 + 98*float64(at-s.from)/float64(s.to-s.from) }

// drawings draws latency and timeline of each path, on one scale.
func drawings(b *strings.Builder, round []*Report) {
	s := scale{to: time.Second}
	for _, r := range round {
		s.from, s.to = min(s.from, -r.zero()), max(s.to, r.end()-r.zero())
	}
	b.WriteString("<p>Each point is a request at the time when it should have been sent: " +
		"<span class=\"key r\"></span>read <span class=\"key w\"></span>write " +
		"<span class=\"key u\"></span>uncertain <span class=\"key e\"></span>error. " +
		"The scale is logarithmic; times are since the strike.</p>\n")
	for _, r := range round {
		fmt.Fprintf(b, "<h3>%s</h3>\n", esc(r.Path))
		r.latencyPlot(b, s)
	}
	b.WriteString("<h2>Timeline</h2>\n<p>A red line marks a strike, a green line a new primary that accepts writes. The " +
		"pointer on a mark shows its event.</p>\n")
	for _, r := range round {
		fmt.Fprintf(b, "<h3>%s</h3>\n", esc(r.Path))
		r.timelinePlot(b, s)
	}
}

// end returns the time of the last event or reply.
func (r *Report) end() time.Duration {
	end := r.Marks.Ended
	for i := range r.Entries {
		end = max(end, r.Entries[i].Done)
	}
	return end
}

// zero returns the origin of the drawings: the first strike.
func (r *Report) zero() time.Duration { return max(r.Marks.Struck, 0) }

// axis draws the frame of both drawings: seconds, strikes and new primaries.
func (r *Report) axis(b *strings.Builder, label string, height int, s scale) {
	fmt.Fprintf(b, "<svg height=%d role=img aria-label=\"%s\">\n", height+axisHeight, label)
	step := tickStep(s.to - s.from)
	for at := s.from.Truncate(step); at <= s.to; at += step {
		place := s.x(at)
		anchor := "middle"
		switch {
		case place < 5:
			anchor = "start"
		case place > 95:
			anchor = "end"
		}
		fmt.Fprintf(b, "<line x1=%.2f%% y1=0 x2=%.2f%% y2=%d /><text x=%.2f%% y=%d text-anchor=%s>%.0f s</text>\n", place,
			place, height, place, height+13, anchor, at.Seconds())
	}
	line := func(at time.Duration, class string) {
		if at >= 0 {
			place := s.x(at - r.zero())
			fmt.Fprintf(b, "<line class=%s x1=%.2f%% y1=0 x2=%.2f%% y2=%d />\n", class, place, place, height)
		}
	}
	for _, at := range r.Marks.Strikes {
		line(at, "strike")
	}
	for _, at := range r.Marks.Accepts {
		line(at, "accepts")
	}
}

// tickStep returns the time between two ticks.
func tickStep(length time.Duration) time.Duration {
	for _, step := range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
		20 * time.Second, time.Minute} {
		if length/step <= ticksMax {
			return step
		}
	}
	return (length / ticksMax).Round(time.Minute) + time.Minute
}

// decades is the number of powers of ten in the latency plot, from 0.1 ms to 100 s.
const decades = 6

func (r *Report) latencyPlot(b *strings.Builder, s scale) {
	r.axis(b, "latency of each request", latencyHeight, s)
	y := func(d time.Duration) float64 {
		level := math.Log10(float64(max(d.Microseconds(), 100)) / 100)
		return latencyHeight - latencyHeight*min(level, decades)/decades
	}
	for i, name := range []string{"0.1 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s"} {
		at := latencyHeight - latencyHeight*float64(i)/decades
		fmt.Fprintf(b, "<line x1=0 y1=%.1f x2=100%% y2=%.1f /><text x=3 y=%.1f>%s</text>\n", at, at, at-3, name)
	}
	for i := range r.Entries {
		e := &r.Entries[i]
		class, radius := "r", 1.2
		switch {
		case e.Outcome == ledger.GaveUp:
			continue
		case e.Outcome == ledger.Uncertain:
			class, radius = "u", 3
		case e.Outcome != ledger.Acknowledged:
			class, radius = "e", 2
		case e.Kind.Writes():
			class = "w"
		}
		fmt.Fprintf(b, "<circle class=%s cx=%.2f%% cy=%.1f r=%.1f />\n", class, s.x(e.Intended-r.zero()),
			y(e.Done-e.Intended), radius)
	}
	b.WriteString("</svg>\n")
}

// sources are the first words of the timeline's rows, in their order.
var sources = []string{"drill", "server", "node", "sentinel", "gateway"}

// kind returns the first word of a source.
func kind(source string) string {
	word, _, _ := strings.Cut(source, " ")
	return word
}

func (r *Report) timelinePlot(b *strings.Builder, s scale) {
	var rows []string
	for _, e := range r.Events {
		if !slices.Contains(rows, e.Source) {
			rows = append(rows, e.Source)
		}
	}
	slices.SortFunc(rows, func(a, b string) int {
		order := slices.Index(sources, kind(a)) - slices.Index(sources, kind(b))
		if order == 0 {
			return strings.Compare(a, b)
		}
		return order
	})
	r.axis(b, "events of the drill", rowHeight*(len(rows)+2), s)
	top := 0
	row := func(name string) (y int) {
		y = top + rowHeight - 10
		fmt.Fprintf(b, "<text x=3 y=%d>%s</text><line x1=0 y1=%d x2=100%% y2=%d />\n", y-9, esc(name), y, y)
		top += rowHeight
		return y
	}
	for _, source := range rows {
		y := row(source)
		for _, e := range r.Events {
			if e.Source == source {
				fmt.Fprintf(b, "<circle class=%s cx=%.2f%% cy=%d r=4><title>%+.3f s: %s</title></circle>\n", markClass(source),
					s.x(e.At-r.zero()), y, (e.At - r.zero()).Seconds(), esc(e.Text))
			}
		}
	}
	for _, c := range []struct {
		name  string
		pause ledger.Pause
	}{{"clients: longest time without a write", r.Figures.WritePause},
		{"clients: longest time without a read", r.Figures.ReadPause}} {
		y := row(fmt.Sprintf("%s: %s", c.name, ledger.Spell(c.pause.Length())))
		from, to := s.x(c.pause.From-r.zero()), s.x(c.pause.To-r.zero())
		fmt.Fprintf(b, "<rect class=pause x=%.2f%% y=%d width=%.2f%% height=10 />\n", from, y-5, to-from)
	}
	b.WriteString("</svg>\n")
}

// markClass returns the class of the colour of a row's marks.
func markClass(source string) string {
	switch kind(source) {
	case "server", "node":
		return "w"
	case "sentinel":
		return "r"
	case "gateway":
		return "g"
	default:
		return "e"
	}
}
