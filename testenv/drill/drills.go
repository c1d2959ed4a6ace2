package drill

import (
	"context"
	"time"

	"evergate/testenv/drill/ledger"
	"evergate/testenv/servers"
)

// drill is one failure that can be staged.
type drill struct {
	name string
	// what describes it in one line.
	what  string
	modes []Mode
	// bar holds the limits that have to be kept; bars overrides it for a mode.
	bar  ledger.Bar
	bars map[Mode]ledger.Bar
	act  func(ctx context.Context, s *stage) error

	// options changes the servers that are started.
	options func(*servers.Options)
	// gateway are settings of the gateway that is started.
	gateway []string
	// relays puts a relay between the gateway and each server, liar a lying Sentinel among the Sentinels.
	// outsiders: the gateway and the observers have a user of their own.
	relays, liar, outsiders bool

	// able reports whether servers of a version support the drill, ableSince names the first that do; nil: all do.
	able      func(servers.Version) bool
	ableSince string

	// For servers that are not the drill's own: needs are the tools that it requires there, and inside is the reason why
	// it cannot run there at all. killsSentinel: its act kills a Sentinel without a tool.
	needs         tools
	inside        string
	killsSentinel bool
}

// tools break and heal servers that the drill did not start.
type tools struct{ kill, freeze, heal bool }

// ownRelays is why a drill cannot run on servers that it did not start.
const ownRelays = "it cuts connections that only its own gateway makes"

const (
	// resumeBar is how long after the new primary accepts writes a client may wait.
	resumeBar = 100 * time.Millisecond
	// readBar is the longest pause of reads that replicas may answer.
	readBar = 300 * time.Millisecond
	// deadFor and silentFor are how long after a kill or a freeze requests may still have been sent there.
	deadFor   = 100 * time.Millisecond
	silentFor = downAfter
	// fencedAfter is how long after a partition the gateway may acknowledge writes with --fence-minority.
	fencedAfter = 5 * time.Second
)

var both = []Mode{Sentinel, Cluster}

// died is the bar of an unplanned failover.
func died(inFlightFor time.Duration) ledger.Bar {
	return ledger.Bar{Uncertain: ledger.InFlight, Lost: ledger.Receipt, Resume: resumeBar, ReadPause: readBar,
		InFlightFor: inFlightFor, Switches: 1, Waits: true}
}

// fullCoverage is a bar in a cluster whose nodes reject reads too while a shard has no primary: the servers decide how
// long that takes.
func fullCoverage(b ledger.Bar) map[Mode]ledger.Bar {
	b.ReadPause = 0
	return map[Mode]ledger.Bar{Cluster: b}
}

// neverStops is the bar of a drill that does not touch the primary.
func neverStops() ledger.Bar {
	return ledger.Bar{Pause: ledger.Hiccup, ReadPause: readBar, Switches: -1}
}

// fenced is died, with nothing lost after the former primary's return.
func fenced() ledger.Bar {
	b := died(deadFor)
	b.Fenced = true
	return b
}

// twice is died with two failovers. When the second primary dies, no replica may have followed it yet: then none is
// known to have what it acknowledged, and reads wait for the next one.
func twice() ledger.Bar {
	b := died(deadFor)
	b.Switches, b.ReadPause = 2, 0
	return b
}

// drills lists all drills, in the order in which `all` runs them.
var drills = []*drill{
	{name: "kill-primary", what: "SIGKILL to the primary", modes: both, act: killPrimary,
		needs: tools{kill: true}, bar: died(deadFor), bars: fullCoverage(died(deadFor))},
	{name: "freeze-primary", what: "SIGSTOP to the primary, SIGCONT after the switch", modes: both, act: freezePrimary,
		needs: tools{freeze: true, heal: true}, bar: died(silentFor), bars: fullCoverage(died(silentFor))},
	{name: "planned", what: "a planned failover: SENTINEL FAILOVER or CLUSTER FAILOVER", modes: both, act: planned,
		bar:  ledger.Bar{Pause: 500 * time.Millisecond, ReadPause: readBar, Switches: 1, Waits: true},
		bars: map[Mode]ledger.Bar{Cluster: {Pause: time.Second, ReadPause: readBar, Switches: 1}}},
	{name: "planned-lagging", what: "SENTINEL FAILOVER while the replicas are busy", modes: []Mode{Sentinel},
		act: plannedLagging, bar: ledger.Bar{Uncertain: ledger.Reported, Lost: ledger.Receipt, Resume: resumeBar,
			ReadPause: readBar, Switches: 1, Waits: true}},
	{name: "server-failover", what: "FAILOVER sent to the primary, without the Sentinels' knowledge",
		modes: []Mode{Sentinel}, act: serverFailover, bar: ledger.Bar{Pause: time.Second, ReadPause: readBar, Switches: 1}},
	{name: "leader-dies", what: "the leading Sentinel crashes after it has promoted a replica", modes: []Mode{Sentinel},
		act: leaderDies, killsSentinel: true,
		bar: ledger.Bar{Uncertain: ledger.InFlight, Lost: ledger.Receipt, ReadPause: readBar, InFlightFor: silentFor,
			Switches: 1, Waits: true}},
	{name: "primary-returns", what: "the killed primary comes back with its old data", modes: both, act: primaryReturns,
		needs: tools{kill: true, heal: true}, bar: fenced(), bars: fullCoverage(fenced())},
	{name: "two-in-a-row", what: "the new primary is killed too", modes: both, act: twoInARow,
		needs: tools{kill: true, heal: true}, bar: twice()},
	{name: "kill-replica", what: "SIGKILL to a replica, which comes back", modes: both, act: killReplica,
		needs: tools{kill: true, heal: true}, bar: neverStops()},
	{name: "freeze-replica", what: "SIGSTOP to a replica, SIGCONT later", modes: both, act: freezeReplica,
		needs: tools{freeze: true, heal: true}, bar: neverStops()},
	{name: "sentinel-lies", what: "one Sentinel reports a failover that never happened, then an outdated primary",
		modes: []Mode{Sentinel}, act: sentinelLies, bar: died(deadFor), liar: true,
		inside: "the gateway has to be configured with a Sentinel that lies"},
	{name: "sentinels-gone", what: "SIGKILL to all Sentinels, which come back", modes: []Mode{Sentinel},
		act: sentinelsGone, needs: tools{kill: true, heal: true}, bar: neverStops()},
	{name: "partition-gateway", what: "gateway and primary are partitioned for a while", modes: both,
		act: partitionGateway, relays: true, inside: ownRelays,
		bar: ledger.Bar{Uncertain: ledger.InFlight, Lost: ledger.Receipt, ReadPause: readBar, InFlightFor: silentFor,
			Switches: -1}},
	{name: "split-brain", what: "gateway and primary are partitioned from all other servers", modes: []Mode{Sentinel},
		act: splitBrain, relays: true, options: withOutsiders, outsiders: true, inside: ownRelays,
		bar: ledger.Bar{Uncertain: ledger.Reported, Lost: ledger.Receipt, InFlightFor: silentFor, Switches: 1}},
	{name: "split-brain-fenced", what: "the same for 7 s and longer, with --fence-minority", modes: []Mode{Sentinel},
		act: splitBrainFenced, relays: true, options: withOutsiders, outsiders: true, inside: ownRelays,
		gateway: []string{"--fence-minority"},
		bar: ledger.Bar{Uncertain: ledger.Reported, Lost: ledger.Receipt, InFlightFor: silentFor, LostFor: fencedAfter,
			Switches: 1, Waits: true}},
	{name: "reshard", what: "slots move to another shard", modes: []Mode{Cluster}, act: reshard, bar: neverStops(),
		inside: "the slots that it moves may hold keys of others"},
	{name: "reshard-atomic", what: "slots move to another shard, all keys at once", modes: []Mode{Cluster},
		act: reshardAtomic, bar: neverStops(), inside: "the slots that it moves may hold keys of others",
		able: servers.Version.MovesAtOnce, ableSince: "Valkey 9.0 or Redis 8.4"},
	{name: "rolling-restart", what: "the replicas are restarted one by one", modes: both, act: rollingRestart,
		needs: tools{kill: true, heal: true}, bar: neverStops()},
	{name: "stutter-replica", what: "a replica stops and goes on many times a second: it lags", modes: both,
		act: stutterReplica, needs: tools{freeze: true, heal: true}, bar: neverStops()},
	{name: "old-replica", what: "SIGKILL to a replica, which comes back with data from before the load", modes: both,
		act: oldReplica, needs: tools{kill: true, heal: true}, bar: neverStops(),
		inside: "it saves the data of a replica, and loads it again later"},
	{name: "steady", what: "nothing is broken", modes: both, act: steady, bar: neverStops()},
	{name: "slow-command", what: "DEBUG SLEEP on the primary, below the servers' own limits", modes: both,
		act: slowCommand, bar: ledger.Bar{Pause: slow + ledger.Hiccup, ReadPause: readBar, Switches: -1}},
}

// About is what a drill does and where it can be run.
type About struct {
	Name, What string
	Modes      []Mode
}

// ModeNames returns the modes as words.
func (a About) ModeNames() []string {
	var names []string
	for _, m := range a.Modes {
		names = append(names, string(m))
	}
	return names
}

// Names lists all drills, in the order in which they are run.
func Names() []About {
	var all []About
	for _, d := range drills {
		all = append(all, About{d.name, d.what, d.modes})
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

// in returns the bar for a mode.
func (d *drill) in(mode Mode) ledger.Bar {
	if b, special := d.bars[mode]; special {
		return b
	}
	return d.bar
}
