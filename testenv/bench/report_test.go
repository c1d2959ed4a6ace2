//go:build linux

package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestDistribution(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   distribution
	}{
		{[]float64{3}, distribution{3, 3, 3}},
		{[]float64{4, 1}, distribution{2.5, 1, 4}},
		{[]float64{9, 1, 5}, distribution{5, 1, 9}},
	} {
		if got := summaryOf(test.values); got != test.want {
			t.Errorf("spreadOf(%v) = %v, want %v", test.values, got, test.want)
		}
	}
}

// TestOrder: every round has each target once; each is in each place; neighbours change.
func TestOrder(t *testing.T) {
	const n = 5
	places := map[[2]int]int{}
	for round := range 2 * n {
		at := order(n, round)
		for place, target := range at {
			places[[2]int{target, place}]++
		}
		slices.Sort(at)
		if !reflect.DeepEqual(at, []int{0, 1, 2, 3, 4}) {
			t.Fatalf("round %d measures %v", round, at)
		}
	}
	for place, times := range places {
		if times != 2 {
			t.Errorf("target %d is measured %d times at place %d of 10 rounds, want 2", place[0], times, place[1])
		}
	}
	if reflect.DeepEqual(order(n, 0), order(n, n)) {
		t.Error("the sixth round has the order of the first")
	}
}

func TestCompareJudgesByPairedRounds(t *testing.T) {
	get := scenario{Command: "GET", Pipeline: 16}
	ours := &series{get, subject, []figures{{CPU: 1, Requests: 40}, {CPU: 10, Requests: 400}, {CPU: 2, Requests: 90}}}
	theirs := &series{get, "nutcracker",
		[]figures{{CPU: 4, Requests: 10}, {CPU: 20, Requests: 250}, {CPU: 8, Requests: 30}}}
	ratios := compare([]*series{theirs, ours}, subject)
	if len(ratios) != len(measures) {
		t.Fatalf("%d ratios, want one for each of %d measures", len(ratios), len(measures))
	}
	c := ratios[0]
	if c.Measure != cpu.name || c.Ratio != (distribution{0.25, 0.25, 0.5}) || c.OfMedians != 0.25 {
		t.Errorf("CPU: %+v", c)
	}
	if c.Goal != "<= 0.30" || !*c.Met {
		t.Errorf("CPU: goal %s met %v", c.Goal, *c.Met)
	}
	r := ratios[1]
	if r.Measure != requests.name || r.Ratio.Median != 3 || r.Goal != ">= 2.00" || !*r.Met {
		t.Errorf("requests: %+v", r)
	}
	if ratios[3].Met != nil {
		t.Errorf("p99 at pipeline 16 has no goal, yet %+v", ratios[3])
	}
	theirs.Rounds[0].CPU, theirs.Rounds[2].CPU = 2, 4
	ratios = compare([]*series{theirs, ours}, subject)
	if *ratios[0].Met {
		t.Errorf("a ratio of 0.5 meets %s", ratios[0].Goal)
	}
	values := scenario{Command: "GET", Pipeline: 1, Bytes: 16 << 10}
	ours.Scenario, theirs.Scenario, theirs.Target = values, values, "haproxy"
	of := compare([]*series{ours, theirs}, subject)
	if of[0].Goal != "<= 1.00" || of[1].Goal != "" || of[3].Goal != "<= 1.00" {
		t.Errorf("goals of larger values: %+v", of)
	}
	ours.Scenario, theirs.Scenario = get, get
	var text strings.Builder
	writeFigures(&text, []*series{ours, theirs})
	writeRatios(&text, ratios)
	writeGoals(&text, ratios)
	for _, want := range []string{"MISSED", "met", "0.50 (0.50-0.50)", "evergate / nutcracker"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the tables lack %q:\n%s", want, text.String())
		}
	}
}
