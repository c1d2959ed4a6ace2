package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// Allowance is how many uncertain or lost writes a drill may leave behind.
type Allowance uint8

const (
	// None at all.
	None Allowance = iota
	// InFlight: as many as were in flight.
	InFlight
	// Receipt: as many as the gateway's receipts report.
	Receipt
	// Reported: any number, reported and not judged.
	Reported
)

// Bar holds the limits that a drill has to keep.
type Bar struct {
	// Uncertain and Lost bound what may be left behind. Errors, double and late executions are never allowed.
	Uncertain, Lost Allowance
	// Pause bounds the longest time without an acknowledged write; 0: not judged.
	Pause time.Duration
	// Resume bounds the time from the moment when a new primary accepts to the first acknowledged write; 0: not judged.
	Resume time.Duration
	// ReadPause bounds the longest time without a read; 0: not judged.
	ReadPause time.Duration
	// InFlightFor is how long after the strike a write may still have been sent to the former primary.
	InFlightFor time.Duration
	// LostFor is how long after the strike an acknowledged write may be lost; 0: not judged.
	LostFor time.Duration
	// Switches is how many failovers there must be, or the drill is vacuous; -1: there must be none.
	Switches int
	// Waits demands that a client had to wait, or the drill is vacuous.
	Waits bool
	// MayLackReplicas permits writes that the gateway rejects because too few replicas could confirm them.
	MayLackReplicas bool
	// Fenced demands that no write is lost that was acknowledged after Marks.Healed.
	Fenced bool
}

// Gate holds what the gateway reports in INFO.
type Gate struct {
	// Known reports whether the path is a gateway that answers INFO.
	Known bool
	// Waiting is the highest number of clients that waited at once.
	Waiting int
	// Failovers is how many failovers it began to buffer requests for.
	Failovers int
	// Uncertain is how many requests it answered with -UNCERTAIN, Retried how many it retried.
	Uncertain, Retried int
	// Acknowledged is how many writes the former primaries had acknowledged, as the receipts report.
	Acknowledged int
	// Receipts bound the lost writes of each failover; -1: unknown.
	Receipts []int
}

// Receipt returns how many writes are lost at most by all receipts, and whether there was one.
func (g *Gate) Receipt() (int, bool) {
	sum, known := 0, false
	for _, n := range g.Receipts {
		if n >= 0 {
			sum, known = sum+n, true
		}
	}
	return sum, known
}

// Verdict is the judgement. Broken has each promise that was not kept; Vacuous is the reason why the drill proves
// nothing, empty if it does.
type Verdict struct {
	Broken  []Breach
	Vacuous string
}

// Breach is one promise that was not kept: the finding, and the promise, empty if that is plain.
type Breach struct{ Found, Promised string }

// String returns both as a sentence.
func (b Breach) String() string {
	if b.Promised == "" {
		return b.Found
	}
	return b.Found + ", " + b.Promised
}

// Sentences returns a sentence for each broken promise.
func (v *Verdict) Sentences() []string {
	all := make([]string, 0, len(v.Broken))
	for _, b := range v.Broken {
		all = append(all, b.String())
	}
	return all
}

// Kept reports whether the drill was not vacuous and all promises were kept.
func (v *Verdict) Kept() bool { return len(v.Broken) == 0 && v.Vacuous == "" }

// Break adds a promise that was not kept.
func (v *Verdict) Break(b Breach) { v.Broken = append(v.Broken, b) }

// ProvesNothing records why the drill proves nothing, unless there is a reason already.
func (v *Verdict) ProvesNothing(why string) { v.Vacuous = cmp.Or(v.Vacuous, why) }

func (v *Verdict) breaks(promised, format string, args ...any) {
	v.Break(Breach{Found: fmt.Sprintf(format, args...), Promised: promised})
}

// Judge compares figures with a bar.
func Judge(f Figures, a Account, g Gate, m Marks, bar Bar) Verdict {
	var v Verdict
	v.Vacuous = vacuous(f, g, m, bar)
	for _, word := range slices.Sorted(maps.Keys(f.Errors)) {
		if bar.MayLackReplicas && word == "NOREPLICAS" {
			continue
		}
		noun := "errors"
		if f.Errors[word] == 1 {
			noun = "error"
		}
		v.breaks("", "%d %s %s, for example %q", f.Errors[word], noun, word, f.Example[word])
	}
	v.judgeWrites(f, a, g, m, bar)
	if p := f.WritePause.Length(); bar.Pause > 0 && p > bar.Pause {
		v.breaks(atMost(bar.Pause), "no write for %s", Spell(p))
	}
	if p := f.ReadPause.Length(); bar.ReadPause > 0 && p > bar.ReadPause {
		v.breaks(atMost(bar.ReadPause), "no read for %s", Spell(p))
	}
	for i, lag := range f.Resumed {
		switch {
		case bar.Resume == 0:
		case lag < 0:
			v.breaks("", "no write was acknowledged after failover %d", i+1)
		case lag > bar.Resume:
			v.breaks(atMost(bar.Resume), "writes resumed %s after the new primary accepted them", Spell(lag))
		}
	}
	return v
}

func (v *Verdict) judgeWrites(f Figures, a Account, g Gate, m Marks, bar Bar) {
	switch {
	case bar.Uncertain == None && f.Uncertain > 0:
		v.breaks("none is promised", "%s answered UNCERTAIN", writesWere(f.Uncertain))
	case bar.Uncertain == InFlight && f.Uncertain > f.InFlight:
		v.breaks(fmt.Sprintf("at most %d were in flight", f.InFlight), "%s answered UNCERTAIN", writesWere(f.Uncertain))
	}
	if a.Lost > 0 {
		const lost = "%d of %d acknowledged writes lost"
		receipt, known := g.Receipt()
		switch {
		case bar.Lost == None:
			v.breaks("", lost, a.Lost, a.Acknowledged)
		case bar.Lost == Receipt && !known:
			v.breaks("without a receipt", lost, a.Lost, a.Acknowledged)
		case bar.Lost == Receipt && a.Lost > receipt:
			v.breaks(fmt.Sprintf("at most %d by the receipts", receipt), lost, a.Lost, a.Acknowledged)
		}
	}
	if bar.Fenced && m.Healed >= 0 && a.LastLost > m.Healed {
		v.breaks("", "a write that was acknowledged %s after the old primary's return is lost", Spell(a.LastLost-m.Healed))
	}
	if bar.LostFor > 0 && a.LastLost > m.Struck+bar.LostFor {
		v.breaks(atMost(bar.LostFor), "a write that was acknowledged %s after the strike is lost", Spell(a.LastLost-m.Struck))
	}
	if a.Twice > 0 {
		v.breaks("", "%s executed twice", writesWere(a.Twice))
	}
	if a.Late > 0 {
		v.breaks("", "%s executed after the client had left", writesWere(a.Late))
	}
	if a.RefusedRun > 0 {
		v.breaks("", "%s executed although rejected", writesWere(a.RefusedRun))
	}
}

// vacuous returns the reason why a drill proves nothing; empty if it does.
func vacuous(f Figures, g Gate, m Marks, bar Bar) string {
	switch {
	case f.Before.Count == 0:
		return "no request succeeded before the strike"
	case m.Struck < 0:
		return "nothing was broken"
	case bar.Switches > 0 && len(m.Accepts) < bar.Switches:
		return fmt.Sprintf("%d of %d expected failovers observed", len(m.Accepts), bar.Switches)
	case bar.Switches < 0 && len(m.Accepts) > 0:
		return "an unexpected failover happened"
	case bar.Waits && g.Known && g.Waiting+g.Failovers == 0:
		return "no client had to wait"
	}
	return ""
}

// writesWere returns "1 write was" or "2 writes were".
func writesWere(n int) string {
	if n == 1 {
		return "1 write was"
	}
	return fmt.Sprintf("%d writes were", n)
}

func atMost(d time.Duration) string { return "at most " + Spell(d) + " is promised" }

// Spell formats a duration with as many digits as matter to a reader: 40 µs as "0.04 ms", then "5.96 ms", "62 ms",
// "1.385 s".
func Spell(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return decimal(d.Round(10*time.Microsecond).Seconds()*1000) + " ms"
	case d.Round(time.Millisecond) < time.Second:
		return decimal(float64(d.Round(time.Millisecond).Milliseconds())) + " ms"
	default:
		return decimal(d.Round(time.Millisecond).Seconds()) + " s"
	}
}

func decimal(x float64) string { return strconv.FormatFloat(math.Round(x*1000)/1000, 'f', -1, 64) }
