package hotkeys

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func noSlot([]byte) int { return 0 }

// play sends n requests of a service at one time, every fourth with the hot key.
func play(s *Sampler, service, n int, now time.Duration, hot string, rnd *rand.Rand) {
	for range n {
		key := []byte(hot)
		if rnd.IntN(4) > 0 {
			key = fmt.Appendf(nil, "cold:%d", rnd.IntN(10_000))
		}
		if s.Due(40) {
			if want := s.Request(service, now, 40); want != 0 {
				s.Note(service, want, now, Use{Command: "get", Keys: [][]byte{key}, Bytes: 40}, false)
			}
		}
	}
}

// TestSampleEstimates: the share and the rate of a hot key are found within 10 percent, of each service alone.
func TestSampleEstimates(t *testing.T) {
	s, rnd := NewSampler(2, true, 3, noSlot), rand.New(rand.NewPCG(5, 6))
	for second := range 60 {
		now := time.Duration(second) * time.Second
		play(s, 0, 10_000, now, "hot", rnd)
		play(s, 1, 5_000, now, "other", rnd)
	}
	for service, hot := range []string{"hot", "other"} {
		seen := Join(10, []Seen{s.Seen([]int{service}, 60*time.Second)})
		top := seen.Keys[0]
		if share := float64(top.AtLeast()) / float64(seen.Requests); top.Key != hot || math.Abs(share-0.25) > 0.025 {
			t.Errorf("service %d: %q with a share of %v", service, top.Key, share)
		}
		want := []float64{2500, 1250}[service]
		if rate := float64(top.AtLeast()) * OneIn / seen.For.Seconds(); math.Abs(rate-want) > 0.15*want {
			t.Errorf("service %d: %v a second, over %v", service, rate, seen.For)
		}
	}
}

// TestWindowSlides: what is older than a minute is forgotten, also when nothing happens.
func TestWindowSlides(t *testing.T) {
	s, rnd := NewSampler(1, true, 3, noSlot), rand.New(rand.NewPCG(5, 6))
	top := func(now time.Duration) (string, uint64, time.Duration) {
		seen := s.Seen([]int{0}, now)
		if len(seen.Keys) == 0 {
			return "", seen.Requests, seen.For
		}
		return seen.Keys[0].Key, seen.Requests, seen.For
	}
	play(s, 0, 50_000, 0, "old", rnd)
	play(s, 0, 20_000, 35*time.Second, "new", rnd)
	if key, _, covered := top(40 * time.Second); key != "old" || covered != 40*time.Second {
		t.Errorf("at 40 s: %q over %v", key, covered)
	}
	if key, _, covered := top(65 * time.Second); key != "new" || covered != 55*time.Second {
		t.Errorf("at 65 s: %q over %v", key, covered)
	}
	if key, n, _ := top(200 * time.Second); key != "" || n != 0 {
		t.Errorf("at 200 s: %q of %d", key, n)
	}
}

// TestBigKeysAreFound: each of them, of requests as of replies, the largest first and each once.
func TestBigKeysAreFound(t *testing.T) {
	s := NewSampler(1, true, 3, noSlot)
	at := time.Unix(1000, 0)
	note := func(size int, reply bool, keys ...string) {
		use := Use{Command: "get", Bytes: size, At: at}
		for _, key := range keys {
			use.Keys = append(use.Keys, []byte(key))
		}
		var want Want
		if reply && s.DueReply(size) {
			want = s.Reply(0, 0, size)
		} else if !reply && s.Due(size) {
			want = s.Request(0, 0, size)
		}
		if size > BigFrom && !want.NeedsTime() {
			t.Errorf("%d bytes are not noticed", size)
		}
		s.Note(0, want, 0, use, reply)
	}
	note(BigFrom, true, "small")
	note(50_000, true, "a")
	note(100_000, false, "b")
	note(70_000, true, "a")
	note(3*BigFrom, true, "in", "three", "keys") // each one's part is small
	for i := range 100 {
		note(20_000+i, true, fmt.Sprint("many", i))
	}
	big := Join(32, []Seen{s.Seen([]int{0}, 0)}).Big
	var names []string
	for _, b := range big {
		names = append(names, b.Key)
	}
	if got := strings.Join(names[:3], " "); got != "b a many99" || big[1].Bytes != 70_000 || len(big) != bigKeys {
		t.Errorf("%d keys: %v", len(big), names)
	}
}

// TestOffLooksAtNothing: nor at large ones.
func TestOffLooksAtNothing(t *testing.T) {
	s := NewSampler(1, false, 3, noSlot)
	for range 10_000 {
		if s.Due(1<<30) || s.DueReply(1<<30) {
			t.Fatal("a request is due")
		}
	}
	s.Switch(true)
	play(s, 0, 1000, 0, "hot", rand.New(rand.NewPCG(5, 6)))
	if n := s.Seen([]int{0}, 0).Requests; n == 0 {
		t.Error("switched on, it samples nothing")
	}
	s.Switch(false)
	if n := s.Seen([]int{0}, 0).Requests; n != 0 || s.Due(1<<30) {
		t.Errorf("switched off, it has %d requests", n)
	}
}

// TestSamplingDoesNotAllocate once the window has its room.
func TestSamplingDoesNotAllocate(t *testing.T) {
	s := NewSampler(1, true, 3, noSlot)
	keys := make([][]byte, 1000)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "key:%d", i)
	}
	use, n := Use{Command: "get", Bytes: 40}, 0
	round := func() {
		n++
		use.Keys = keys[n%len(keys) : n%len(keys)+1]
		s.Note(0, forWindow, 0, use, false)
	}
	for range 10_000 {
		round()
	}
	if n := testing.AllocsPerRun(1000, round); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
