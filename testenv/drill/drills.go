package drill

import (
	"context"
	"time"

	"evergate/testenv"
)

// drill is one failure that can be staged.
type drill struct {
	name string
	// what it does, in one line.
	what  string
	modes []Mode
	// bar is what must be reached; bars overrides it for a mode.
	bar  Bar
	bars map[Mode]Bar
	act  func(ctx context.Context, s *stage) error

	// options changes the servers that are started.
	options func(*testenv.Options)
}

const (
	// resumeBar is how long after the new primary accepts writes a client may wait.
	resumeBar = 100 * time.Millisecond
	// readBar is the longest pause of reads that replicas may answer.
	readBar = 300 * time.Millisecond
	// goesOn is the longest pause of what never stops: a hiccup of a busy machine.
	goesOn = 300 * time.Millisecond
	// deadFor and silentFor are how long after a kill or a freeze requests may still have been sent there.
	deadFor   = 100 * time.Millisecond
	silentFor = downAfter
)

var both = []Mode{Sentinel, Cluster}

// died is the bar of an unplanned switch.
func died(inFlightFor time.Duration) Bar {
	return Bar{Uncertain: InFlight, Lost: Receipt, Resume: resumeBar, ReadPause: readBar, InFlightFor: inFlightFor,
		Switches: 1, Holds: true}
}

// fullCoverage is a bar in a cluster in which every node refuses reads too while a shard has no primary: how long is
// the servers' affair.
func fullCoverage(b Bar) map[Mode]Bar {
	b.ReadPause = 0
	return map[Mode]Bar{Cluster: b}
}

// drills are all of them, in the order in which `all` plays them.
var drills = []*drill{
	{name: "kill-primary", what: "SIGKILL to the primary", modes: both, act: killPrimary,
		bar: died(deadFor), bars: fullCoverage(died(deadFor))},
	{name: "freeze-primary", what: "SIGSTOP to the primary, SIGCONT after the switch", modes: both, act: freezePrimary,
		bar: died(silentFor), bars: fullCoverage(died(silentFor))},
	{name: "planned", what: "SENTINEL FAILOVER or CLUSTER FAILOVER", modes: both, act: planned,
		bar:  Bar{Pause: 500 * time.Millisecond, ReadPause: readBar, Switches: 1, Holds: true},
		bars: map[Mode]Bar{Cluster: {Pause: time.Second, ReadPause: readBar, Switches: 1}}},
}

// Names are the names of all drills with what they do and in which modes they can be played.
func Names() [][3]string {
	var all [][3]string
	for _, d := range drills {
		modes := string(d.modes[0])
		for _, m := range d.modes[1:] {
			modes += ", " + string(m)
		}
		all = append(all, [3]string{d.name, d.what, modes})
	}
	return all
}

func find(name string) *drill {
	for _, d := range drills {
		if d.name == name {
			return d
		}
	}
	return nil
}

// in is the bar for a mode.
func (d *drill) in(mode Mode) Bar {
	if b, special := d.bars[mode]; special {
		return b
	}
	return d.bar
}
