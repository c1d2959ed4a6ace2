package hotkeys

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"METRICS 1 NET": "{10 0s 1 []}",
		"metrics 1 net count 5 duration 3 sample 7": "{5 3s 7 []}",
		"METRICS 1 NET SLOTS 3 5 1 2":               "{10 0s 1 [1 2 5]}",
		"METRICS 2 NET LATER COUNT 64":              "{64 0s 1 []}",
		"":                                          "-ERR METRICS parameter is required",
		"COUNT 3 METRICS 1 NET":                     "-ERR METRICS parameter is required",
		"METRICS 3 NET":                             "-ERR METRICS count must be > 0 and <= 2",
		"METRICS x NET":                             "-ERR METRICS count must be > 0 and <= 2",
		"METRICS 2 NET":                             "-ERR METRICS count does not match number of metric types provided",
		"METRICS 1 MEM":                             "-ERR METRICS no valid metrics passed. Supported: CPU|NET",
		"METRICS 2 NET NET":                         "-ERR METRICS NET defined more than once!",
		"METRICS 2 CPU CPU":                         "-ERR METRICS CPU defined more than once!",
		"METRICS 2 NET CPU": "-ERR METRICS CPU is not known to the gateway, which does not see the CPU " +
			"time of servers: use METRICS 1 NET, or ask a server itself",
		"METRICS 1 NET COUNT 65":                "-ERR COUNT must be between 1 and 64",
		"METRICS 1 NET DURATION 0":              "-ERR DURATION must be between 1 and 1000000",
		"METRICS 1 NET SAMPLE 0":                "-ERR SAMPLE ratio must be positive",
		"METRICS 1 NET SLOTS 0":                 "-ERR SLOTS count must be between 1 and 16384",
		"METRICS 1 NET SLOTS 2 1":               "-ERR not enough slot numbers provided",
		"METRICS 1 NET SLOTS 1 16384":           "-ERR Invalid or out of range slot",
		"METRICS 1 NET SLOTS 2 7 7":             "-ERR duplicate slot number",
		"METRICS 1 NET SLOTS 1 1 SLOTS 1 2":     "-ERR SLOTS parameter already specified",
		"METRICS 1 NET COUNT":                   "-ERR syntax error",
		"METRICS 1 NET SINCE 3":                 "-ERR syntax error",
		"METRICS 1 NET SLOTS 1 5 COUNT 2 EXTRA": "-ERR syntax error",
	} {
		args := [][]byte{[]byte("hotkeys"), []byte("start")}
		for _, word := range strings.Fields(in) {
			args = append(args, []byte(word))
		}
		o, wrong := Parse(args)
		got := fmt.Sprint(o)
		if wrong != nil {
			got = string(bytes.TrimSpace(wrong))
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// TestSession runs sessions of HOTKEYS over two workers, one of which samples.
func TestSession(t *testing.T) {
	slotOf := func(key []byte) int { return int(key[0] - 'a') }
	start := func(o Options) []*Sampler {
		all := []*Sampler{NewSampler(1, false, 1, slotOf), NewSampler(1, true, 2, slotOf)}
		for _, s := range all {
			s.Start([]int{0}, o, 0)
		}
		return all
	}
	send := func(all []*Sampler, now time.Duration, size, answer int, keys ...string) {
		use := Use{Command: "mget"}
		for _, key := range keys {
			use.Keys = append(use.Keys, []byte(key))
		}
		for _, s := range all {
			if use.Bytes = size; s.Due(size) {
				s.Note(0, s.Request(0, now, size), now, use, false)
			}
			if use.Bytes = answer; s.DueReply(answer) {
				s.Note(0, s.Reply(0, now, answer), now, use, true)
			}
		}
	}
	reply := func(all []*Sampler, session Session) string {
		var reports []Report
		for _, s := range all {
			reports = append(reports, s.Report([]int{0}))
		}
		text := string(session.AppendReply(nil, 2, reports))
		var words []string
		for _, line := range strings.Fields(text) {
			if line[0] != '$' {
				words = append(words, line)
			}
		}
		return strings.Join(words, " ")
	}
	o := Options{Count: 2, Sample: 1, Duration: 5 * time.Second}
	all := start(o)
	send(all, 0, 30, 100, "a")
	send(all, time.Second, 30, 100, "a")
	send(all, 4*time.Second, 60, 40, "b", "c")
	send(all, 5*time.Second, 60, 1000, "c") // it is over
	got := reply(all, Session{Options: o, Began: time.Unix(9, 0), Lasted: 5 * time.Second})
	want := "*1 *20 tracking-active :0 sample-ratio :1 selected-slots *1 *2 :0 :16383 all-commands-all-slots-us :0 " +
		"net-bytes-all-commands-all-slots :720 collection-start-time-unix-ms :9000 collection-duration-ms :5000 " +
		"total-net-bytes :720 by-net-bytes *4 a :520 b :100 by-requests *4 a :4 b :2"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}

	o = Options{Count: 2, Sample: 1, Slots: []int{1, 2, 7}}
	all = start(o)
	send(all, 0, 30, 100, "a")
	send(all, 0, 60, 40, "a", "b")
	got = reply(all, Session{Options: o, Began: time.Unix(9, 0), Active: true})
	if want := "selected-slots *2 *2 :1 :2 *1 :7 all"; !strings.Contains(got, want) {
		t.Errorf("%s has no %s", got, want)
	}
	if want := "selected-slots :200 net-bytes-all-commands-all-slots :460"; !strings.Contains(got, want) {
		t.Errorf("%s has no %s", got, want)
	}
	if want := "by-net-bytes *2 b :100 by-requests *2 b :2"; !strings.Contains(got, want) {
		t.Errorf("%s has no %s", got, want)
	}
	all[0].Stop([]int{0})
	all[0].Reset([]int{0})
	if r := all[0].Report([]int{0}); r.Bytes != 0 || all[0].Due(100) || all[0].DueReply(1<<30) {
		t.Errorf("after a reset: %+v", r)
	}
}

// TestSessionSamples: with SAMPLE the sums are those of so many times fewer requests.
func TestSessionSamples(t *testing.T) {
	for _, on := range []bool{false, true} {
		s := NewSampler(1, on, 9, func([]byte) int { return 0 })
		s.Start([]int{0}, Options{Count: 1, Sample: 20}, 0)
		use := Use{Command: "get", Keys: [][]byte{[]byte("k")}}
		for range 200_000 {
			if use.Bytes = 30; s.Due(30) {
				s.Note(0, s.Request(0, 0, 30), 0, use, false)
			}
			if use.Bytes = 70; s.DueReply(70) {
				s.Note(0, s.Reply(0, 0, 70), 0, use, true)
			}
		}
		r := s.Report([]int{0})
		if n := r.Requests[0].Sum; n < 9_500 || n > 10_500 {
			t.Errorf("%d requests of 10000", n)
		}
		if r.Bytes < 950_000 || r.Bytes > 1_050_000 {
			t.Errorf("%d bytes of a million", r.Bytes)
		}
		if seen := s.Seen([]int{0}, 0); on && (seen.Requests < 2_900 || seen.Requests > 3_350) {
			t.Errorf("the window has %d requests of 3125", seen.Requests)
		}
	}
}
