package report

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
	"time"

	"evergate/testenv/drill/ledger"
)

// The page's drawing, in pixels.
const (
	plotWidth  = 1000
	plotLeft   = 190
	plotHeight = 180
	laneHeight = 26
)

const pageStyle = `body{font:14px/1.45 system-ui,sans-serif;margin:2em auto;max-width:1240px;padding:0 1em;color:#222}
pre{background:#f5f5f2;padding:1em;overflow-x:auto}svg{background:#fff;border:1px solid #ddd}
text{font:11px system-ui,sans-serif;fill:#444}.kept{color:#1a7f37}.broken{color:#b3261e}
td{padding:0 1em 0 0;vertical-align:top;font:12px ui-monospace,monospace}`

// Page is the report as one HTML page that needs nothing else.
func (r *Report) Page() string {
	var b strings.Builder
	title := fmt.Sprintf("%s, %s, through %s", r.Drill, r.Mode, r.Path)
	class, word := "kept", "every promise was kept"
	if !r.Verdict.Kept() {
		class, word = "broken", strings.Join(append(r.Verdict.Broken, r.Verdict.Vacuous), "; ")
	}
	fmt.Fprintf(&b, "<!doctype html><html lang=en><meta charset=utf-8><title>%s</title><style>%s</style>\n<h1>%s</h1>"+
		"<p class=%s>%s</p>\n<pre>%s</pre>\n", esc(title), pageStyle, esc(title), class, esc(word), esc(r.Text()))
	b.WriteString("<h2>Latency</h2><p>Each point is a request at the time when it should have been sent: " +
		"<span style=color:#1f6feb>reads</span>, <span style=color:#8250df>writes</span>, <span style=color:#d4a72c>" +
		"uncertain</span>, <span style=color:#b3261e>errors</span>. The scale is logarithmic.</p>\n")
	b.WriteString(r.latencyPlot())
	b.WriteString("<h2>Who saw what</h2><p>The red line is the strike, green ones are new primaries that accept writes." +
		" Point at a mark to read it.</p>\n")
	b.WriteString(r.lanePlot())
	b.WriteString("<table>")
	for _, e := range r.Events {
		fmt.Fprintf(&b, "<tr><td>%.3f s<td>%s<td>%s\n", e.At.Seconds(), esc(e.Lane), esc(e.Text))
	}
	b.WriteString("</table></html>\n")
	return b.String()
}

func esc(text string) string { return html.EscapeString(text) }

// end is the time at the right edge of the plots.
func (r *Report) end() time.Duration {
	end := max(r.Marks.Ended, time.Second)
	for i := range r.Entries {
		end = max(end, r.Entries[i].Done)
	}
	return end
}

func (r *Report) x(at time.Duration) float64 {
	return plotLeft + (plotWidth-plotLeft-10)*float64(at)/float64(r.end())
}

// frame draws the marks that both plots share.
func (r *Report) frame(b *strings.Builder, height int) {
	fmt.Fprintf(b, "<svg viewBox='0 0 %d %d' width='100%%'>\n", plotWidth, height+18)
	for second := time.Duration(0); second <= r.end(); second += time.Second {
		x := r.x(second)
		fmt.Fprintf(b, "<line x1=%.1f y1=0 x2=%.1f y2=%d stroke=#eee /><text x=%.1f y=%d>%v</text>\n", x, x, height, x+2,
			height+13, second)
	}
	line := func(at time.Duration, colour string) {
		if at >= 0 {
			fmt.Fprintf(b, "<line x1=%.1f y1=0 x2=%.1f y2=%d stroke=%s />\n", r.x(at), r.x(at), height, colour)
		}
	}
	for _, at := range r.Marks.Strikes {
		line(at, "#b3261e")
	}
	for _, at := range r.Marks.Accepts {
		line(at, "#1a7f37")
	}
}

// decades are the powers of ten that the latency plot shows, from 0.1 ms to 100 s.
const decades = 6

func (r *Report) latencyPlot() string {
	var b strings.Builder
	r.frame(&b, plotHeight)
	y := func(d time.Duration) float64 {
		level := math.Log10(float64(max(d.Microseconds(), 100)) / 100)
		return plotHeight - plotHeight*min(level, decades)/decades
	}
	for i, name := range []string{"0.1 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s"} {
		at := plotHeight - plotHeight*float64(i)/decades
		fmt.Fprintf(&b, "<line x1=%d y1=%.1f x2=%d y2=%.1f stroke=#eee /><text x=%d y=%.1f>%s</text>\n", plotLeft, at,
			plotWidth-10, at, plotLeft-45, at, name)
	}
	for i := range r.Entries {
		e := &r.Entries[i]
		colour, radius := "#1f6feb", 1.2
		switch {
		case e.Outcome == ledger.GaveUp:
			continue
		case e.Outcome == ledger.Uncertain:
			colour, radius = "#d4a72c", 3
		case e.Outcome != ledger.Acknowledged:
			colour, radius = "#b3261e", 3
		case e.Kind.Writes():
			colour = "#8250df"
		}
		fmt.Fprintf(&b, "<circle cx=%.1f cy=%.1f r=%.1f fill=%s />\n", r.x(e.Intended), y(e.Done-e.Intended), radius, colour)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (r *Report) lanePlot() string {
	lanes := []string{}
	for _, e := range r.Events {
		if !slices.Contains(lanes, e.Lane) {
			lanes = append(lanes, e.Lane)
		}
	}
	order := []string{"drill", "server", "node", "sentinel", "gateway"}
	slices.SortFunc(lanes, func(a, b string) int {
		rank := func(lane string) int { return slices.Index(order, strings.Fields(lane)[0]) }
		return rank(a)*1000 - rank(b)*1000 + strings.Compare(a, b)
	})
	lanes = append(lanes, "clients: writes", "clients: reads")
	var b strings.Builder
	r.frame(&b, laneHeight*len(lanes))
	for i, lane := range lanes {
		y := i*laneHeight + laneHeight/2
		fmt.Fprintf(&b, "<text x=4 y=%d>%s</text><line x1=%d y1=%d x2=%d y2=%d stroke=#ccc />\n", y+4, esc(lane), plotLeft,
			y, plotWidth-10, y)
		for _, e := range r.Events {
			if e.Lane == lane {
				fmt.Fprintf(&b, "<circle cx=%.1f cy=%d r=4 fill=%s><title>%.3f s: %s</title></circle>\n", r.x(e.At), y,
					laneColour(lane), e.At.Seconds(), esc(e.Text))
			}
		}
		pause := r.Figures.WritePause
		if lane == "clients: reads" {
			pause = r.Figures.ReadPause
		}
		if strings.HasPrefix(lane, "clients") {
			fmt.Fprintf(&b, "<rect x=%.1f y=%d width=%.1f height=10 fill=#f2c1bd><title>nothing acknowledged for %v</title>"+
				"</rect>\n", r.x(pause.From), y-5, r.x(pause.To)-r.x(pause.From), ledger.Round(pause.Length()))
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func laneColour(lane string) string {
	switch strings.Fields(lane)[0] {
	case "server", "node":
		return "#8250df"
	case "sentinel":
		return "#1f6feb"
	case "gateway":
		return "#1a7f37"
	}
	return "#b3261e"
}
