package history

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// set and get are operations of session s on key k that took from a to b.
func set(s, k int, v int64, a, b time.Duration) Op {
	return Op{Session: s, Key: k, Write: true, Value: v, Sent: a, Ended: b}
}

func get(s, k int, v int64, a, b time.Duration) Op {
	return Op{Session: s, Key: k, Value: v, Sent: a, Ended: b}
}

func ends(o Outcome, op Op) Op {
	op.Outcome = o
	return op
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		ops       []Op
		failovers []Failover
		want      [Kinds]int
		lost      int
	}{
		"own write":               {ops: []Op{set(1, 1, 7, 0, 10), get(1, 1, 7, 11, 12)}},
		"own write missing":       {ops: []Op{set(1, 1, 7, 0, 10), get(1, 1, 0, 11, 12)}, want: [Kinds]int{Stale: 1}},
		"another session's write": {ops: []Op{set(1, 1, 7, 0, 10), get(2, 1, 0, 11, 12)}, want: [Kinds]int{Stale: 1}},
		"under way at the same time": {ops: []Op{set(1, 1, 7, 0, 10), get(2, 1, 0, 9, 12),
			get(3, 1, 7, 1, 3)}},
		"older than the last": {ops: []Op{set(1, 1, 7, 0, 10), set(1, 1, 8, 11, 12), get(2, 1, 7, 13, 14)},
			want: [Kinds]int{Stale: 1}},
		"concurrent writes in any order": {ops: []Op{set(1, 1, 7, 0, 10), set(2, 1, 8, 5, 12), get(3, 1, 7, 13, 14),
			get(4, 1, 8, 13, 14)}},
		"written behind another that is still under way": {ops: []Op{set(1, 1, 7, 0, 100), set(2, 1, 8, 5, 12),
			get(3, 1, 7, 50, 51)}},
		"unknown writes may happen late": {ops: []Op{ends(Unknown, set(1, 1, 7, 0, 1)), set(2, 1, 8, 5, 12),
			get(3, 1, 7, 50, 51)}},
		"unknown writes may never happen": {ops: []Op{ends(Unknown, set(1, 1, 7, 0, 1)), get(3, 1, 0, 50, 51)}},
		"seen and gone": {ops: []Op{ends(Unknown, set(1, 1, 7, 10, 11)), get(3, 1, 7, 50, 51), get(3, 1, 0, 60, 61)},
			want: [Kinds]int{Backwards: 1}},
		"seen and gone, by another session": {ops: []Op{ends(Unknown, set(1, 1, 7, 10, 11)), get(3, 1, 7, 50, 51),
			get(4, 1, 0, 60, 61)}},
		"backwards while the write is under way": {ops: []Op{set(1, 1, 7, 10, 100), get(3, 1, 7, 50, 51),
			get(3, 1, 0, 60, 61)}, want: [Kinds]int{Backwards: 1}},
		"backwards over two keys": {ops: []Op{set(1, 1, 7, 0, 40), set(1, 2, 8, 41, 100), get(3, 2, 8, 50, 51),
			get(3, 1, 0, 39, 60)}, want: [Kinds]int{}}, // the second read was sent before the first one: no session does
		"backwards over two keys, later": {ops: []Op{set(1, 1, 7, 0, 40), set(1, 2, 8, 41, 100), get(3, 2, 8, 50, 51),
			get(3, 1, 0, 52, 60)}, want: [Kinds]int{Stale: 1}},
		"never written":   {ops: []Op{get(3, 1, 7, 50, 51)}, want: [Kinds]int{Phantom: 1}},
		"of another key":  {ops: []Op{set(1, 2, 7, 0, 1), get(3, 1, 7, 50, 51)}, want: [Kinds]int{Phantom: 1}},
		"rejected":        {ops: []Op{ends(Failed, set(1, 1, 7, 0, 1)), get(3, 1, 7, 50, 51)}, want: [Kinds]int{Phantom: 1}},
		"from the future": {ops: []Op{set(1, 1, 7, 60, 61), get(3, 1, 7, 50, 51)}, want: [Kinds]int{Phantom: 1}},
		"lost by a failover": {ops: []Op{set(1, 1, 6, 0, 1), set(1, 1, 7, 2, 3), get(2, 1, 7, 4, 5), get(2, 1, 6, 20, 21),
			get(3, 1, 6, 22, 23)}, failovers: []Failover{{15, 16}}, lost: 1},
		"stale before the failover": {ops: []Op{set(1, 1, 6, 0, 1), set(1, 1, 7, 2, 3), get(2, 1, 6, 4, 5)},
			failovers: []Failover{{15, 16}}, want: [Kinds]int{Stale: 1}},
		"survived the failover": {ops: []Op{set(1, 1, 6, 0, 1), set(1, 1, 7, 2, 3), get(2, 1, 7, 20, 21),
			get(2, 1, 6, 22, 23)}, failovers: []Failover{{15, 16}}, want: [Kinds]int{Stale: 1}},
		"written after the failover": {ops: []Op{set(1, 1, 6, 0, 1), set(1, 1, 7, 20, 21), get(2, 1, 6, 22, 23)},
			failovers: []Failover{{15, 16}}, want: [Kinds]int{Stale: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			f := Check(c.ops, c.failovers)
			if f.Counts != c.want || f.Lost != c.lost {
				t.Errorf("found %v, lost %d: %v", f.Counts, f.Lost, f.Examples)
			}
			if f.Kept() != (c.want == [Kinds]int{}) {
				t.Errorf("Kept is %t", f.Kept())
			}
		})
	}
}

func TestExamplesSpeak(t *testing.T) {
	f := Check([]Op{set(1, 1, 7, 0, time.Millisecond), get(2, 1, 0, 2*time.Millisecond, 3*time.Millisecond)}, nil)
	want := "a read of key 1 sent at 2ms saw nothing, although value 7 had been acknowledged at 1ms"
	if len(f.Examples) != 1 || f.Examples[0].String() != want {
		t.Errorf("%v", f.Examples)
	}
	for range 10 {
		f.Counts[Stale]++
	}
	if text := f.Examples[0].Kind.String(); !strings.Contains(text, "stale") {
		t.Error(text)
	}
}

// register is what servers do with a history: each operation happens at one moment between its two times.
type register struct {
	rnd  *rand.Rand
	lag  time.Duration // of the replica that serves half of the reads; 0: all reads see the latest value
	last map[int][]applied
}

type applied struct {
	at    time.Duration
	value int64
}

// play makes a history of sessions over keys.
func (r *register) play(sessions, keys, steps int) []Op {
	var ops []Op
	value := int64(0)
	clock := make([]time.Duration, sessions)
	for range steps {
		s := r.rnd.IntN(sessions)
		at := clock[s] + time.Duration(r.rnd.IntN(50))
		op := Op{Session: s, Key: r.rnd.IntN(keys), Sent: at, Ended: at + 1 + time.Duration(r.rnd.IntN(40))}
		clock[s] = op.Ended + 1
		if op.Write = r.rnd.IntN(3) == 0; op.Write {
			value++
			op.Value = value
			if r.rnd.IntN(10) == 0 {
				op.Outcome = Unknown
			}
		}
		ops = append(ops, op)
	}
	r.apply(ops)
	return ops
}

// apply chooses the moment of each operation, and what the reads see.
func (r *register) apply(ops []Op) {
	moment := make([]time.Duration, len(ops))
	order := make([]int, len(ops))
	for i := range ops {
		order[i] = i
		moment[i] = ops[i].Sent + time.Duration(r.rnd.Int64N(int64(ops[i].Ended-ops[i].Sent)+1))
		if ops[i].Outcome == Unknown && r.rnd.IntN(2) == 0 {
			moment[i] += 200
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(moment[a] - moment[b]) })
	for _, i := range order {
		op := &ops[i]
		if op.Write {
			r.last[op.Key] = append(r.last[op.Key], applied{moment[i], op.Value})
			continue
		}
		at := moment[i]
		if r.rnd.IntN(2) == 0 {
			at -= r.lag
		}
		for _, a := range r.last[op.Key] {
			if a.at <= at {
				op.Value = a.value
			}
		}
	}
}

// TestNoFalseAlarm plays servers without a fault: no order of events may look like one.
func TestNoFalseAlarm(t *testing.T) {
	for seed := range uint64(300) {
		r := register{rnd: rand.New(rand.NewPCG(seed, 1)), last: map[int][]applied{}}
		ops := r.play(1+int(seed%6), 1+int(seed%3), 200)
		if f := Check(ops, nil); !f.Kept() || f.Reads == 0 || f.Writes == 0 {
			t.Fatalf("seed %d: %v %v", seed, f.Counts, f.Examples)
		}
	}
}

// TestFindsLag plays a replica that lags: the check must find what its definition says, read by read.
func TestFindsLag(t *testing.T) {
	stale, backwards := 0, 0
	for seed := range uint64(300) {
		r := register{rnd: rand.New(rand.NewPCG(seed, 2)), lag: 120, last: map[int][]applied{}}
		ops := r.play(1+int(seed%6), 1+int(seed%3), 200)
		f := Check(ops, nil)
		if want := byDefinition(ops); f.Counts[Stale] != want {
			t.Fatalf("seed %d: %d stale reads found, %d by definition: %v", seed, f.Counts[Stale], want, f.Examples)
		}
		stale, backwards = stale+f.Counts[Stale], backwards+f.Counts[Backwards]
	}
	if stale < 1000 || backwards == 0 {
		t.Errorf("%d stale, %d backwards: the test proves little", stale, backwards)
	}
}

// byDefinition counts the stale reads by the definition: some acknowledged write began after the one that was seen had
// ended, and ended before the read began.
func byDefinition(ops []Op) (n int) {
	ended := func(value int64) time.Duration {
		for _, w := range ops {
			switch {
			case !w.Write || w.Value != value:
			case w.Outcome != Done:
				return never
			default:
				return w.Ended
			}
		}
		return -1
	}
	for _, r := range ops {
		if r.Write {
			continue
		}
		done := ended(r.Value)
		if slices.ContainsFunc(ops, func(w Op) bool {
			return w.Write && w.Key == r.Key && w.Outcome == Done && w.Ended < r.Sent && w.Sent > done
		}) {
			n++
		}
	}
	return n
}
