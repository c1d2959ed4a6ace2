package report

import (
	"fmt"
	"strings"
)

// IndexName is the file name of an Index.
const IndexName = "index.html"

// Index returns one HTML page for all rounds of a command, with a link to the page of each. It counts only runs through
// the gateway, which alone promises anything.
func Index(rounds [][]*Report) []byte {
	var b strings.Builder
	played, kept := 0, 0
	for _, round := range rounds {
		for _, r := range round {
			if r.Promised() {
				played++
				if r.Verdict.Kept() {
					kept++
				}
			}
		}
	}
	b.WriteString(head("Drills"))
	fmt.Fprintf(&b, "<h1>Drills</h1>\n<p>Every promise was kept in %d of %s.</p>\n", kept, count(played, "run"))
	if len(rounds) > 0 {
		facts(&b, rounds[0])
	}
	b.WriteString("<ol class=runs>\n")
	for _, round := range rounds {
		first := round[0]
		fmt.Fprintf(&b, "<li>\n<h3><a href=\"%s\">%s, %s</a></h3>\n<p class=faint>%s</p>\n", esc(PageName(round)),
			esc(first.Drill), esc(first.Mode), esc(first.What))
		for _, r := range round {
			r.card(&b)
		}
	}
	b.WriteString("</ol>\n</html>\n")
	return []byte(b.String())
}
