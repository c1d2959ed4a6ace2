package drill

import (
	"strings"
	"testing"

	"evergate/testenv/drill/report"
	"evergate/testenv/servers"
)

// provingTries is how often a drill is run until it proves something: servers of a busy machine fail over by
// themselves, or not in time.
const provingTries = 3

// patient has the gateway wait for more elections than by default: Sentinels of a busy machine have needed nine, which
// took them 27 s.
var patient = []string{"--hold", "60s"}

// TestDrills runs every drill once, short. Times are reported and not judged: `make drills` does that, on a machine
// that has nothing else to do. Under the race detector one drill is enough: it is there for the code of the drills.
func TestDrills(t *testing.T) {
	servers.SkipShort(t)
	for _, d := range drills {
		for _, mode := range d.modes {
			if servers.RaceEnabled && d.name != "kill-primary" {
				continue
			}
			t.Run(d.name+"/"+string(mode), func(t *testing.T) {
				t.Parallel()
				plan := Plan{Name: d.name, Mode: mode, Connections: 20, Rate: 500, Quick: true, Untimed: true,
					Consistency: true, GatewayArgs: patient}
				if lack := plan.Lacks(); lack != "" {
					t.Skip(lack)
				}
				prove(t, plan)
			})
		}
	}
}

// TestDrillsWithTLS runs two drills with TLS on all legs: a primary that dies, and one that comes back. Under the race
// detector it runs the first one.
func TestDrillsWithTLS(t *testing.T) {
	servers.NeedsTLS(t)
	for _, name := range []string{"kill-primary", "freeze-primary"} {
		for _, mode := range []Mode{Sentinel, Cluster} {
			if servers.RaceEnabled && name != "kill-primary" {
				continue
			}
			t.Run(name+"/"+string(mode), func(t *testing.T) {
				t.Parallel()
				prove(t, Plan{Name: name, Mode: mode, Connections: 20, Rate: 500, Quick: true, Untimed: true,
					GatewayArgs: patient, TLS: true})
			})
		}
	}
}

// TestDrillsWithAcks: no acknowledged write is lost where all replicas have confirmed it.
func TestDrillsWithAcks(t *testing.T) {
	servers.SkipShort(t)
	for _, plan := range []Plan{
		{Name: "kill-primary", Acks: "1", Replicas: 1}, {Name: "primary-returns", Acks: "all"},
	} {
		t.Run(plan.Name, func(t *testing.T) {
			t.Parallel()
			plan.Mode, plan.Connections, plan.Rate, plan.Quick, plan.Untimed = Sentinel, 20, 2000, true, true
			plan.GatewayArgs = patient
			prove(t, plan)
		})
	}
}

// prove runs a drill until it proves something, and fails the test if a promise was broken.
func prove(t *testing.T, plan Plan) {
	t.Helper()
	var judged *report.Report
	for range provingTries {
		var err error
		if judged, err = Run(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		if t.Log(judged.Text()); judged.Verdict.Vacuous == "" {
			break
		}
	}
	if v := judged.Verdict; !v.Kept() {
		t.Errorf("%s\n%s\n%s", strings.Join(v.Sentences(), "\n"), v.Vacuous, judged.Timeline())
	}
}
