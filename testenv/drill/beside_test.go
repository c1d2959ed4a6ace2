package drill

import (
	"strings"
	"testing"

	"evergate/testenv/drill/report"
	"evergate/testenv/servers"
)

// TestAPathThatPromisesNothingIsSeen runs a drill without a gateway: a verdict that finds nothing there would find
// nothing anywhere.
func TestAPathThatPromisesNothingIsSeen(t *testing.T) {
	servers.SkipShort(t)
	judged, err := Run(t.Context(), Plan{Name: "kill-primary", Mode: Sentinel, Connections: 20, Rate: 500, Quick: true,
		Untimed: true, Beside: Direct})
	if err != nil {
		t.Fatal(err)
	}
	if judged.Path != Direct || judged.Figures.Errors["closed"] == 0 || judged.Verdict.Kept() {
		t.Error(judged.Text())
	}
	table := report.Table([]*report.Report{judged, judged})
	if !strings.Contains(table, "kill-primary, sentinel, direct: not promised\n") {
		t.Error(table)
	}
}

func TestOtherPathsNameWhatTheyLack(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, c := range []struct {
		mode       Mode
		name, want string
	}{{Sentinel, HAProxy, "not on the path"}, {Cluster, HAProxy, "in front of a cluster"},
		{Cluster, Direct, "in front of a cluster"}} {
		err := (&site{mode: c.mode}).startBeside(t.Context(), c.name)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: %v", c.name, c.mode, err)
		}
	}
}
