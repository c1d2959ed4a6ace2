package metrics

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const page = "../../docs/reference/metrics.md"

// TestPageHasEveryMetric: the table of the page has a row for each metric, as it is.
func TestPageHasEveryMetric(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile("(?m)^\\| `evergate_.*$").FindAllString(string(text), -1)
	f := facts(func(string, uint64) {})
	f.Reloads.At = f.Overview.Started
	families, err := New(func() Facts { return f }).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), prefix) {
			continue
		}
		var labels []string
		for _, l := range family.Metric[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		kind := strings.ToLower(family.GetType().String())
		want = append(want, fmt.Sprintf("| `%s` | %s | %s | %s |", family.GetName(), kind, strings.Join(labels, ", "),
			strings.TrimSuffix(family.GetHelp(), ".")))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rows of %s are to be\n%s", page, strings.Join(want, "\n"))
	}
}
