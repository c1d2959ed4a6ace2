package report

import (
	"fmt"
	"html"
	"strings"
	"time"

	"evergate/testenv/drill/ledger"
)

// Page returns one self-contained HTML page for the same drill on one path or several, the gateway's first.
func Page(round []*Report) []byte {
	var b strings.Builder
	first := round[0]
	b.WriteString(head(first.Drill + ", " + first.Mode))
	fmt.Fprintf(&b, "<h1>%s, %s</h1>\n<p class=faint>%s</p>\n", esc(first.Drill), esc(first.Mode), esc(first.What))
	for _, r := range round {
		r.card(&b)
	}
	facts(&b, round)
	pauseBars(&b, round)
	figureTable(&b, round)
	latencyTable(&b, round)
	drawings(&b, round)
	for _, r := range round {
		r.eventTable(&b)
	}
	b.WriteString("<p class=faint>The same for programs:")
	for _, r := range round {
		fmt.Fprintf(&b, " <a href=\"%s\">%[1]s</a>", esc(r.DataName()))
	}
	b.WriteString("</p>\n</html>\n")
	return []byte(b.String())
}

// PageName returns the file name of a Page.
func PageName(round []*Report) string {
	return fmt.Sprintf("%s-%s-%s.html", round[0].Drill, round[0].Mode, round[0].ID)
}

// DataName returns the file name of the report's JSON.
func (r *Report) DataName() string {
	path := strings.NewReplacer(":", "-", "/", "-").Replace(r.Path)
	return fmt.Sprintf("%s-%s-%s-%s.json", r.Drill, r.Mode, path, r.ID)
}

// head returns the head of a page.
func head(title string) string {
	return fmt.Sprintf("<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"+
		"<meta name=viewport content=\"width=device-width,initial-scale=1\">\n<title>%s</title>\n<style>%s</style>\n",
		esc(title), style)
}

func esc(text string) string { return html.EscapeString(text) }

// span returns a duration that does not wrap.
func span(d time.Duration) string { return "<span class=t>" + ledger.Spell(d) + "</span>" }

// mark returns the verdict in a word, with the class of its colour.
func (r *Report) mark() (class, text string) {
	switch n := len(r.Verdict.Broken); {
	case r.Verdict.Vacuous != "":
		return "", "no result"
	case !r.Promised():
		return "", "promises nothing"
	case n > 0:
		return "broken", count(n, "promise") + " broken"
	default:
		return "kept", "every promise kept"
	}
}

// nobr keeps figures and their units in one line.
var nobr = strings.NewReplacer(" ms", "\u00a0ms", " s,", "\u00a0s,", " s;", "\u00a0s;")

// card writes a path's headline and verdict.
func (r *Report) card(b *strings.Builder) {
	class, mark := r.mark()
	fmt.Fprintf(b, "<section class=\"card %s\">\n<p><b>%s</b> <span class=mark>%s</span></p>\n<p class=headline>%s</p>\n",
		class, esc(r.Path), mark, esc(nobr.Replace(r.Headline())))
	if len(r.Verdict.Broken)+len(r.Left) > 0 {
		b.WriteString("<ul>\n")
		for _, breach := range r.Verdict.Broken {
			if r.Promised() {
				fmt.Fprintf(b, "<li>%s\n", esc(breach.String()))
			} else {
				fmt.Fprintf(b, "<li>not promised: %s\n", esc(breach.Found))
			}
		}
		for _, text := range r.Left {
			fmt.Fprintf(b, "<li>%s\n", esc(text))
		}
		b.WriteString("</ul>\n")
	}
	b.WriteString("</section>\n")
}

// facts writes the date, the versions and the machine of the drill.
func facts(b *strings.Builder, round []*Report) {
	r := round[0]
	b.WriteString("<dl>\n")
	fact := func(name, text string) {
		if text != "" {
			fmt.Fprintf(b, "<dt>%s<dd>%s\n", name, esc(text))
		}
	}
	fact("date", r.Started.UTC().Format("2 January 2006, 15:04:05 UTC"))
	fact("versions", versionText(round))
	fact("machine", r.Machine.String())
	fact("load", fmt.Sprintf("%d clients, %d requests/s on each path", r.Connections, r.Rate))
	if len(round) > 1 {
		fact("paths", "one run each, one after the other")
	}
	b.WriteString("</dl>\n")
}

// versionText returns the versions, each program once.
func versionText(round []*Report) string {
	var all []string
	seen := map[Version]bool{}
	for _, r := range round {
		for _, v := range r.Versions {
			if !seen[v] {
				all = append(all, v.Name+" "+v.Version)
			}
			seen[v] = true
		}
	}
	return strings.Join(all, ", ")
}

// String returns "2 CPUs (model), linux/amd64"; empty if nothing is known.
func (m Machine) String() string {
	if m.CPUs == 0 {
		return ""
	}
	text := count(m.CPUs, "CPU")
	if m.CPU != "" {
		text += " (" + m.CPU + ")"
	}
	return text + ", " + m.OS + "/" + m.Arch
}

// pauseBars draws the pauses of writes as bars of one scale, each divided into the servers' and the path's share.
func pauseBars(b *strings.Builder, round []*Report) {
	longest := time.Millisecond
	for _, r := range round {
		longest = max(longest, r.Figures.WritePause.Length())
	}
	b.WriteString("<h2>Pause of writes</h2>\n<p><span class=key style=background:var(--servers)></span>the servers " +
		"had no primary that accepts writes <span class=key style=background:var(--bad)></span>the path added</p>\n")
	for _, r := range round {
		pause := r.Figures.WritePause
		servers, added := time.Duration(0), pause.Length()
		text := "longest time without an acknowledged write: " + span(pause.Length())
		if i, found := r.failoverIn(pause); found {
			added = max(pause.To-r.Marks.Accepts[i], 0)
			servers = pause.Length() - added
			text = fmt.Sprintf("%s: %s until a new primary accepted writes, then %s", span(pause.Length()), span(servers),
				span(added))
		}
		share := func(d time.Duration) float64 { return 100 * d.Seconds() / longest.Seconds() }
		fmt.Fprintf(b, "<h3>%s</h3>\n<div class=bar><i class=servers style=width:%.2f%%></i>"+
			"<i class=added style=width:%.2f%%></i></div>\n<p>%s</p>\n", esc(r.Path), share(servers), share(added), text)
	}
}

// eventTable writes all events of the observers, folded, with times since the strike.
func (r *Report) eventTable(b *strings.Builder) {
	fmt.Fprintf(b, "<details>\n<summary>%s: %s</summary>\n<table class=events>\n", esc(r.Path),
		count(len(r.Events), "event"))
	for _, e := range r.Events {
		fmt.Fprintf(b, "<tr><td class=t>%+.3f s<td class=t>%s<td>%s\n", (e.At - r.zero()).Seconds(),
			esc(e.Source), unbroken(e.Text))
	}
	b.WriteString("</table>\n</details>\n")
}

// wordMax is the longest word that fits into a line of a narrow window, in bytes.
const wordMax = 48

// unbroken keeps words with a hyphen in one line: times, and names with their values.
func unbroken(text string) string {
	words := strings.Split(text, " ")
	for i, word := range words {
		words[i] = esc(word)
		if strings.Contains(word, "-") && len(word) <= wordMax {
			words[i] = "<span class=t>" + words[i] + "</span>"
		}
	}
	return strings.Join(words, " ")
}
