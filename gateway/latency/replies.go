package latency

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"evergate/gateway/resp"
)

// shownFrom is the end of the first bucket of LATENCY HISTOGRAM in nanoseconds; each further one is twice as long.
const shownFrom = 1024

// Command is a command with its times.
type Command struct {
	Name  string
	Times Histogram
}

// AppendHistograms appends the reply to LATENCY HISTOGRAM: a map of the commands, each with the number of calls and the
// numbers of calls up to times in microseconds, which are Redis's: about powers of two.
func AppendHistograms(b []byte, proto int, commands []Command) []byte {
	b = resp.AppendMap(b, proto, len(commands))
	for i := range commands {
		c := &commands[i]
		b = resp.AppendMap(resp.AppendBulkString(b, c.Name), proto, 2)
		b = resp.AppendInt(resp.AppendBulkString(b, "calls"), int64(c.Times.Total()))
		b = appendBuckets(resp.AppendBulkString(b, "histogram_usec"), proto, &c.Times)
	}
	return b
}

// appendBuckets appends the buckets at which the count grows.
func appendBuckets(b []byte, proto int, h *Histogram) []byte {
	type point struct{ us, n uint64 }
	var points []point
	at, total, last := 0, uint64(0), uint64(0)
	for end := uint64(shownFrom); at < Buckets; end *= 2 {
		us := (end + end/128 - 1) / 1000 // the histograms of Redis have two significant digits
		for ; at < Buckets && lowest(at+1) <= us+1; at++ {
			total += h.Counts[at]
		}
		if total > last {
			points = append(points, point{us, total})
		}
		last = total
	}
	b = resp.AppendMap(b, proto, len(points))
	for _, p := range points {
		b = resp.AppendInt(resp.AppendInt(b, int64(p.us)), int64(p.n))
	}
	return b
}

// Event is a kind of latency with its samples, oldest first.
type Event struct {
	Name    string
	Samples []Sample
	// Most is the longest, in milliseconds, of all samples so far.
	Most int64
}

// Sample is one latency in milliseconds, and when it ended, in seconds since 1970.
type Sample struct{ At, MS int64 }

// Add adds a sample.
func (e *Event) Add(at time.Time, took time.Duration) {
	ms := took.Milliseconds()
	e.Samples, e.Most = append(e.Samples, Sample{at.Unix(), ms}), max(e.Most, ms)
}

// AppendLatest appends the reply to LATENCY LATEST. Events of one name are one: the newest sample, and the longest.
func AppendLatest(b []byte, events []Event) []byte {
	var all []Event
	for _, e := range events {
		if len(e.Samples) == 0 {
			continue
		}
		at := slices.IndexFunc(all, func(o Event) bool { return o.Name == e.Name })
		if at < 0 {
			all = append(all, Event{Name: e.Name})
			at = len(all) - 1
		}
		all[at].Samples = append(all[at].Samples, e.Samples...)
		all[at].Most = max(all[at].Most, e.Most)
	}
	b = resp.AppendArray(b, len(all))
	for _, e := range all {
		newest := slices.MaxFunc(e.Samples, func(x, y Sample) int { return cmp.Compare(x.At, y.At) })
		b = resp.AppendBulkString(resp.AppendArray(b, 4), e.Name)
		b = resp.AppendInt(resp.AppendInt(resp.AppendInt(b, newest.At), newest.MS), e.Most)
	}
	return b
}

// AppendHistory appends the reply to LATENCY HISTORY: samples, oldest first.
func AppendHistory(b []byte, samples []Sample) []byte {
	slices.SortStableFunc(samples, func(x, y Sample) int { return cmp.Compare(x.At, y.At) })
	b = resp.AppendArray(b, len(samples))
	for _, s := range samples {
		b = resp.AppendInt(resp.AppendInt(resp.AppendArray(b, 2), s.At), s.MS)
	}
	return b
}

// Graph draws an event for LATENCY GRAPH: a line for each sample, with its age at the time of day now in seconds.
func (e *Event) Graph(now int64) string {
	const width = 40
	var b strings.Builder
	least := slices.MinFunc(e.Samples, func(x, y Sample) int { return cmp.Compare(x.MS, y.MS) })
	most := slices.MaxFunc(e.Samples, func(x, y Sample) int { return cmp.Compare(x.MS, y.MS) })
	fmt.Fprintf(&b, "%s - high %d ms, low %d ms (all time high %d ms)\n%s\n", e.Name, most.MS, least.MS, e.Most,
		strings.Repeat("-", 80))
	for _, s := range e.Samples {
		long := int(s.MS * width / max(most.MS, 1))
		fmt.Fprintf(&b, "%8s ago  %-*s %d ms\n", time.Duration(max(0, now-s.At))*time.Second, width,
			strings.Repeat("#", max(long, 1)), s.MS)
	}
	return b.String()
}

// Doctor describes events for LATENCY DOCTOR.
func Doctor(events []Event) string {
	var b strings.Builder
	for _, e := range events {
		if len(e.Samples) == 0 {
			continue
		}
		sum := int64(0)
		for _, s := range e.Samples {
			sum += s.MS
		}
		fmt.Fprintf(&b, "%s: %d latency spikes (average %d ms). Worst all time event %d ms.\n", e.Name, len(e.Samples),
			sum/int64(len(e.Samples)), e.Most)
	}
	if b.Len() == 0 {
		return "No failover and no other hold of requests since the start or the last LATENCY RESET.\n"
	}
	return b.String()
}

// Help is the reply to LATENCY HELP.
var Help = resp.AppendLines(nil,
	"LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are, about this gateway and the servers behind it:",
	"DOCTOR", "    Return a human readable latency analysis report.",
	"GRAPH <event>", "    Return an ASCII latency graph for the <event> class.",
	"HISTORY <event>", "    Return time-latency samples for the <event> class.",
	"LATEST", "    Return the latest latency samples for all events.",
	"RESET [<event> ...]", "    Reset latency data of one or more <event> classes.",
	"    (default: reset all data for all event classes)",
	"HISTOGRAM [COMMAND ...]", "    Return how long commands took through this gateway, as a cumulative distribution.",
	"    If no commands are specified then all histograms are replied.",
	"HELP", "    Print this help.",
)
