package sim

import (
	"flag"
	"strings"
	"testing"
	"time"

	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/gateway/worker"
	"evergate/testenv/servers"
	"evergate/testenv/sim/judge"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/network"
	"evergate/testenv/sim/scenario"
)

var (
	seconds = flag.Int("seconds", 30, "how long the simulation looks for failing seeds, in seconds")
	first   = flag.Uint64("seed", 1, "the first seed")
	only    = flag.Bool("only", false, "play the first seed only, and say everything that happened")
)

// worlds are the kinds of worlds that are simulated in turn.
var worlds = func() (all []scenario.Options) {
	for _, cluster := range []bool{false, true} {
		for _, reads := range []session.Reads{session.FromPrimary, session.PreferReplica, session.OnlyReplica} {
			for _, async := range []bool{false, true} {
				all = append(all, scenario.Options{Cluster: cluster, Reads: reads, Async: async})
			}
		}
	}
	for _, reads := range []session.Reads{session.FromPrimary, session.PreferReplica, session.OnlyReplica} {
		all = append(all, scenario.Options{Voice: scenario.Sentinels, Reads: reads},
			scenario.Options{Voice: scenario.Sentinels, Reads: session.FromPrimary},
			scenario.Options{Voice: scenario.Bus, Reads: reads})
		if reads != session.OnlyReplica { // there may be none for a while
			all = append(all, scenario.Options{Voice: scenario.Sentinels, Reads: reads, Planned: true})
		}
	}
	return all
}()

// optionsOf is the kind of world that a seed is played in.
func optionsOf(seed uint64) scenario.Options {
	o := worlds[seed%uint64(len(worlds))]
	o.Seed = seed
	return o
}

// wideOptionsOf is the same, and in two laps of three clients do more; for half of the seeds they are users.
func wideOptionsOf(seed uint64) scenario.Options {
	o := optionsOf(seed)
	lap := seed / uint64(len(worlds)) % 3
	o.Wide = lap > 0 && !o.Planned
	o.Listeners, o.CloseOnGap = lap == 2, seed%2 == 0
	o.Users = seed/2%2 == 1 && !o.Planned
	o.Reloads = seed%5 < 2 && !o.Planned
	o.Notices = !o.Users && seed%3 > 0
	o.BlockingLost = scenario.BlockingLost(seed % uint64(scenario.BlockingLosts))
	switch {
	case o.Reads != session.PreferReplica:
	case lap == 1 && o.RealState():
		o.Consistency, o.Lag = session.Bounded, lagOf(seed)
	case o.RealState() || o.Cluster && o.Async:
		o.Consistency = session.Gateway
	}
	o.Zones = o.RealState() && seed%4 == 0
	o.OwnWait = o.RealState() && !o.Planned && !o.Users && seed%3 == 0
	o.Strands = o.RealState() && !o.Planned && seed%5 == 3
	o.Fence = o.Voice == scenario.Sentinels && !o.Planned && seed%2 == 0
	if seed%3 == 1 && !o.Planned {
		o.Acks = acksOf(seed / 3)
	}
	return o
}

// provenOptionsOf is a world in which a mistake about what replicas have does harm.
func provenOptionsOf(seed uint64, bug scenario.Bug) scenario.Options {
	o := scenario.Options{Seed: seed, Reads: session.PreferReplica, Consistency: session.Gateway,
		Voice: scenario.Sentinels}
	switch bug {
	case scenario.PollEarly:
		o.Voice = scenario.Bus
	case scenario.MoveProof:
		o.Voice, o.Cluster, o.Async = scenario.Oracle, true, true
	}
	return o
}

// bugSeeds is within how many seeds each mistake must be found.
const bugSeeds = 300

// bugFrom are the seeds at which the search for rare ones begins. It is none the narrower for that: where the seed no
// longer shows the mistake, as many follow as for others.
var bugFrom = [scenario.Bugs]uint64{scenario.TrustRole: 228, scenario.NoKill: 1604,
	scenario.WrongDatabase: 162, scenario.RetryUnasked: 278, scenario.FreeInMulti: 32,
	scenario.KeepChannels: 21, scenario.KeepProof: 287, scenario.MoveProof: 975,
	scenario.AttachedOnly: 32, scenario.NoMinority: 9, scenario.LongLag: 5,
	scenario.FarBehind: 74}

// tellsOfMany leaves out what looks at many seeds: the race detector finds nothing in a simulation, which is one
// goroutine, and makes it eight times slower.
func tellsOfMany(t *testing.T) {
	t.Helper()
	if servers.RaceEnabled {
		t.Skip("played by the round without race detector")
	}
}

// playRight plays a world in which nothing may be wrong.
func playRight(t *testing.T, o scenario.Options) *world {
	t.Helper()
	w := playWorld(o)
	if w.Ledger.Fault != "" {
		t.Fatalf("%v\nagain: go test ./testenv/sim -run '^%s$' -seed %d", w.failure(), t.Name(), o.Seed)
	}
	return w
}

func TestSimulation(t *testing.T) {
	end := time.Now().Add(time.Duration(*seconds) * time.Second)
	if testing.Short() || servers.RaceEnabled {
		end = time.Now().Add(2 * time.Second)
	}
	played := 0
	for seed := *first; time.Now().Before(end); seed++ {
		w := playWorld(wideOptionsOf(seed))
		if w.Ledger.Fault != "" {
			t.Fatalf("%v\nagain: go test ./testenv/sim -run TestSimulation -seed %d -only", w.failure(), seed)
		}
		played++
		if *only {
			t.Log(strings.Join(w.Trace, "\n"))
			break
		}
	}
	t.Logf("%d seeds", played)
}

// TestRunIsRepeatable plays seeds twice: a failure would be worth little otherwise.
func TestRunIsRepeatable(t *testing.T) {
	tellsOfMany(t)
	for seed := range uint64(len(worlds)) {
		a, b := playWorld(optionsOf(seed)), playWorld(optionsOf(seed))
		for i := range a.Trace {
			if i >= len(b.Trace) || a.Trace[i] != b.Trace[i] {
				t.Fatalf("seed %d went two ways:\n%s", seed, strings.Join(a.Trace[max(0, i-10):i+1], "\n"))
			}
		}
	}
}

// TestEverythingHappens looks that the worlds are wild enough: whatever the worker counts must have happened.
func TestEverythingHappens(t *testing.T) {
	tellsOfMany(t)
	var sum worker.Stats
	var seen judge.Judge
	lost := 0
	answers := map[string]int{}
	for seed := range uint64(3 * len(worlds)) {
		w := playWorld(optionsOf(seed))
		if w.Ledger.Fault != "" {
			t.Fatalf("seed %d: %s", seed, w.Ledger.Fault)
		}
		for _, g := range w.gates {
			sum.Add(g.Worker.Stats())
		}
		if j := w.judge; j != nil {
			seen.Switches, seen.Holds, seen.Withheld = seen.Switches+j.Switches, seen.Holds+j.Holds, seen.Withheld+j.Withheld
			lost += j.Lost()
		}
		for _, r := range w.Ledger.Requests {
			answers[ledger.StateNames[r.State]]++
		}
	}
	t.Logf("requests: %v; %+v; %d switches, %d holds, %d released, %d lost", answers, sum, seen.Switches, seen.Holds,
		seen.Withheld, lost)
	for name, n := range map[string]uint64{
		"acknowledged": uint64(answers["acknowledged"]), "refused": uint64(answers["refused"]),
		"uncertain": sum.Uncertain, "out of order": sum.OutOfOrder, "done again": sum.Retried,
		"holds": sum.HoldsEnded, "protocol errors": sum.ProtocolErrors, "reads of replicas": sum.Requests[upstream.Replica],
		"clients that left": sum.ClientsClosed[session.ClientLeft], "quit": sum.ClientsClosed[session.Quit],
		"half replies": sum.ClientsClosed[session.HalfReply], "output limits": sum.ClientsClosed[session.OutputLimit],
		"parked without primary": sum.BlockedFor[wait.NoPrimary], "parked for a flight": sum.BlockedFor[wait.InFlight],
		"drained":          sum.ClientsClosed[session.Drained],
		"connections lost": sum.ConnsLost[upstream.PeerClosed], "failed dials": sum.ConnsLost[upstream.DialFailed],
		"retired lanes": sum.ConnsLost[upstream.Retired],
		"MOVED":         sum.RefusedByServer[retry.Moved], "ASK": sum.RefusedByServer[retry.Ask],
		"queued": sum.Queued, "on private lanes": sum.Requests[upstream.Dedicated], "EXEC nil": uint64(answers["void"]),
		"switches": uint64(seen.Switches), "primaries left": uint64(seen.Holds), "lost writes": uint64(lost),
		"withheld": sum.Withheld, "released": sum.WithheldReleased, "released and in the new primary": uint64(seen.Withheld),
		"TRYAGAIN": sum.RefusedByServer[retry.TryAgain], "other refusals": sum.RefusedByServer[retry.Unable],
	} {
		if n == 0 {
			t.Errorf("%s: none", name)
		}
	}
	if sum.ConnsLost[upstream.Poisoned] > 0 {
		t.Errorf("%d lanes were poisoned by honest servers", sum.ConnsLost[upstream.Poisoned])
	}
}

// TestProvenReplicasServeReads looks that replicas serve reads where they must have what was acknowledged.
func TestProvenReplicasServeReads(t *testing.T) {
	tellsOfMany(t)
	for bug := scenario.PollEarly; needsProof(bug); bug++ {
		var served uint64
		for seed := range uint64(5) {
			w := playWorld(provenOptionsOf(seed, bug))
			if w.Ledger.Fault != "" {
				t.Fatal(w.failure())
			}
			for _, g := range w.gates {
				s := g.Worker.Stats()
				served += s.Requests[upstream.Replica]
			}
		}
		if served < 10 {
			t.Errorf("%+v: replicas served %d reads", provenOptionsOf(0, bug), served)
		}
	}
}

// symptoms are what each mistake must be found by.
var symptoms = [scenario.Bugs]string{
	scenario.ResendSent: "executed twice", scenario.WroteAll: "", scenario.WrongLane: "was answered",
	scenario.WrongClient: "", scenario.NoLaneClosed: "", scenario.WriteTwice: "", scenario.Overtake: "behind",
	scenario.ChangeLanes: "behind", scenario.RedoLate: "behind", scenario.TrustOne: "planned switch",
	scenario.TrustRole: "no majority named it", scenario.NoFence: "nobody noticed", scenario.NoBarrier: "switch",
	scenario.NoWithholding: "while its shard was held", scenario.NoKill: "after its client was told",
	scenario.KeepWatching: "is served on it", scenario.RunUnqueued: "",
	scenario.ForgetLoaded: "NOSCRIPT", scenario.WrongDatabase: "missed the acknowledged",
	scenario.LoseAnswer: "was never answered", scenario.RetryAnswered: "gave to nobody",
	scenario.RetryUnasked: "was executed twice", scenario.TrustCursor: "which were there all the time",
	scenario.LeaveHalfClosed: "closed its half and was not answered", scenario.KeepOnGap: "and was not closed",
	scenario.StopUnread: "was never answered", scenario.NoReplica: "had come to a replica",
	scenario.NoClusterNode: "CLUSTER SLOTS",
	scenario.OldUsers:      "may not do", scenario.KeepUser: "gone", scenario.KeepPassword: "its password is right",
	scenario.KeepChannels:  "heard",
	scenario.FreeAfterAuth: "may not do", scenario.FreeInMulti: "EXEC", scenario.FreeParts: "may not do",
	scenario.FreeScripts: "EVAL", scenario.FreeChannels: "may not", scenario.FreeWrites: "may not do",
	scenario.NoSelectors: "which its user may do", scenario.DenyRetried: "which its user may do",
	scenario.PollEarly: "acknowledged before", scenario.KeepProof: "before", scenario.MoveProof: "missed the acknowledged",
	scenario.WaitElsewhere: "must confirm that", scenario.ReleaseEarly: "must confirm that",
	scenario.AttachedOnly: "must confirm that",
	scenario.NoMinority:   "without a majority", scenario.LongLag: "longer ago", scenario.FarBehind: "longer ago",
	scenario.OwnWaitAlone: "had what",
	scenario.NoKillBefore: "after its client was told that it may have",
	scenario.NoEnd:        "no FAILED_OVER", scenario.NotifyAll: "did not ask", scenario.NotifyWithin: "",
}

// needsSentinels says that a mistake is made about who is primary.
func needsSentinels(b scenario.Bug) bool {
	return b >= scenario.TrustOne && b <= scenario.NoKill || b == scenario.KeepOnGap
}

// needsWide says that a mistake is made in what only the clients of wide worlds do.
func needsWide(b scenario.Bug) bool { return b >= scenario.ForgetLoaded && b < scenario.NoEnd }

// needsUsers says that a mistake is made about what users may do.
func needsUsers(b scenario.Bug) bool { return b >= scenario.OldUsers && b < scenario.NoEnd }

// needsNotices says that a mistake is made about notifications.
func needsNotices(b scenario.Bug) bool { return b >= scenario.NoEnd && b < scenario.PollEarly }

// needsProof says that a mistake is made about what replicas have.
func needsProof(b scenario.Bug) bool { return b >= scenario.PollEarly && b < scenario.WaitElsewhere }

// needsAcks says that a mistake is made about what replicas have confirmed.
func needsAcks(b scenario.Bug) bool { return b >= scenario.WaitElsewhere && b < scenario.NoMinority }

// listensFor says that a mistake is made about who listens.
func listensFor(b scenario.Bug) bool {
	return b == scenario.KeepOnGap || b == scenario.FreeChannels || b == scenario.KeepChannels
}

// needsCalm says that a mistake does harm where nothing happens but planned switches.
func needsCalm(b scenario.Bug) bool { return b == scenario.TrustOne || b == scenario.NoBarrier }

// needsOracle says that a mistake is found by connections that break at a certain byte, which are an oracle's business.
func needsOracle(b scenario.Bug) bool { return b == scenario.RetryUnasked }

// TestBugsAreFound makes each mistake: it must be found, by its own symptom, within some seeds.
func TestBugsAreFound(t *testing.T) {
	tellsOfMany(t)
	if testing.Short() {
		t.Skip("it searches for many seconds")
	}
	for bug := scenario.NoBug + 1; bug < scenario.Bugs; bug++ {
		t.Run(bug.String(), func(t *testing.T) {
			played := 0
			for seed := bugFrom[bug]; played < bugSeeds; seed++ {
				o := optionsOf(seed)
				if needsProof(bug) {
					o = provenOptionsOf(seed, bug)
				}
				switch {
				case needsAcks(bug):
					o = ackedOptionsOf(seed)
				case bug == scenario.NoMinority:
					o = fencedOptionsOf(seed)
				case bug == scenario.LongLag:
					o = boundedOptionsOf(seed)
				case bug == scenario.FarBehind:
					o = boundedOptionsOf(seed)
					o.Lag = bytesOf(seed)
				case bug == scenario.OwnWaitAlone:
					o = waitingOptionsOf(seed)
				case bug == scenario.NoKillBefore:
					o = lateOptionsOf(seed)
				}
				if o.Bug = bug; needsSentinels(bug) && o.Voice != scenario.Sentinels ||
					needsCalm(bug) != o.Planned && o.Voice == scenario.Sentinels || needsOracle(bug) && o.RealState() {
					continue
				}
				o.Notices = needsNotices(bug)
				o.Wide, o.Users = needsWide(bug), needsUsers(bug) && !o.Planned
				o.Listeners, o.CloseOnGap = listensFor(bug), bug == scenario.KeepOnGap
				if bug == scenario.RetryUnasked {
					o.BlockingLost = scenario.AnswerUncertain
				}
				played++
				if f := Run(o); f != nil && strings.Contains(f.Fault, symptoms[bug]) {
					t.Logf("seed %d, world %d: %s", seed, played, network.Clip(f.Fault))
					return
				}
			}
			t.Errorf("not found in %d seeds", bugSeeds)
		})
	}
}
