package hotkeys

import (
	"slices"
	"time"

	"evergate/gateway/resp"
)

const (
	countDefault = 10
	countMax     = 64
	durationMax  = 1_000_000 // seconds
	sampleMax    = 1<<31 - 1
	metricsMax   = 2
	slots        = 16384
)

// Errors of HOTKEYS, in Redis's words except noCPU.
var (
	noMetrics      = errorOf("METRICS parameter is required")
	badMetrics     = errorOf("METRICS count must be > 0 and <= 2")
	fewMetrics     = errorOf("METRICS count does not match number of metric types provided")
	unknownMetrics = errorOf("METRICS no valid metrics passed. Supported: CPU|NET")
	cpuTwice       = errorOf("METRICS CPU defined more than once!")
	netTwice       = errorOf("METRICS NET defined more than once!")
	noCPU          = errorOf("METRICS CPU is not known to the gateway, which does not see the CPU time of servers: use " +
		"METRICS 1 NET, or ask a server itself")
	badCount    = errorOf("COUNT must be between 1 and 64")
	badDuration = errorOf("DURATION must be between 1 and 1000000")
	badSample   = errorOf("SAMPLE ratio must be positive")
	slotsTwice  = errorOf("SLOTS parameter already specified")
	badSlots    = errorOf("SLOTS count must be between 1 and 16384")
	fewSlots    = errorOf("not enough slot numbers provided")
	badSlot     = errorOf("Invalid or out of range slot")
	sameSlot    = errorOf("duplicate slot number")
	// NoCluster is the error for SLOTS where the servers are no cluster.
	NoCluster = errorOf("SLOTS parameter cannot be used in non-cluster mode")
	// Begun is the error for START while a session is under way, NotStopped that for RESET.
	Begun      = errorOf("hotkey tracking session already in progress")
	NotStopped = errorOf("hotkey tracking session in progress, stop tracking first")
)

func errorOf(text string) []byte { return resp.AppendError(nil, "ERR "+text) }

// Parse returns the options of HOTKEYS START; wrong is the error reply to invalid arguments.
func Parse(args [][]byte) (o Options, wrong []byte) {
	rest, wrong := metrics(args)
	if wrong != nil {
		return o, wrong
	}
	o = Options{Count: countDefault, Sample: 1}
	for len(rest) > 0 {
		n, used := int64(0), 2
		switch {
		case len(rest) == 1:
			return o, resp.SyntaxError
		case resp.IsWord(rest[0], "count"):
			n, wrong = number(rest[1], countMax, badCount)
			o.Count = int(n)
		case resp.IsWord(rest[0], "duration"):
			n, wrong = number(rest[1], durationMax, badDuration)
			o.Duration = time.Duration(n) * time.Second
		case resp.IsWord(rest[0], "sample"):
			n, wrong = number(rest[1], sampleMax, badSample)
			o.Sample = int(n)
		case resp.IsWord(rest[0], "slots") && o.Slots != nil:
			return o, slotsTwice
		case resp.IsWord(rest[0], "slots"):
			o.Slots, wrong = parseSlots(rest[1:])
			used += len(o.Slots)
		default:
			return o, resp.SyntaxError
		}
		if wrong != nil {
			return o, wrong
		}
		rest = rest[used:]
	}
	return o, nil
}

// metrics parses METRICS count [CPU] [NET], and returns the arguments behind it.
func metrics(args [][]byte) (rest [][]byte, wrong []byte) {
	if len(args) < 4 || !resp.IsWord(args[2], "metrics") {
		return nil, noMetrics
	}
	n, wrong := number(args[3], metricsMax, badMetrics)
	switch {
	case wrong != nil:
		return nil, wrong
	case len(args) < 4+int(n):
		return nil, fewMetrics
	}
	cpu, net := 0, 0
	for _, a := range args[4 : 4+n] {
		switch {
		case resp.IsWord(a, "cpu"):
			cpu++
		case resp.IsWord(a, "net"):
			net++
		}
	}
	switch {
	case cpu > 1:
		return nil, cpuTwice
	case net > 1:
		return nil, netTwice
	case cpu+net == 0:
		return nil, unknownMetrics
	case cpu == 1:
		return nil, noCPU
	}
	return args[4+n:], nil
}

// parseSlots parses a number of slots, and the slots behind it.
func parseSlots(args [][]byte) (all []int, wrong []byte) {
	n, wrong := number(args[0], slots, badSlots)
	if wrong != nil {
		return nil, wrong
	}
	if len(args) < 1+int(n) {
		return nil, fewSlots
	}
	for _, a := range args[1 : 1+n] {
		slot, ok := resp.Integer(a)
		if !ok || slot < 0 || slot >= slots {
			return nil, badSlot
		}
		all = append(all, int(slot))
	}
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) < len(all) {
		return nil, sameSlot
	}
	return all, nil
}

// number parses a number from 1 to most.
func number(arg []byte, most int64, otherwise []byte) (n int64, wrong []byte) {
	n, ok := resp.Integer(arg)
	if !ok || n < 1 || n > most {
		return 0, otherwise
	}
	return n, nil
}

// Session is a session of HOTKEYS as its service knows it.
type Session struct {
	Options
	// Began is the time of day of its start, Lasted how long it has lasted. Active: it goes on.
	Began  time.Time
	Lasted time.Duration
	Active bool
}

// NewSession begins a session at a time of day.
func NewSession(o Options, now time.Time) *Session {
	return &Session{Options: o, Began: now, Active: true}
}

// Pass brings a session to a time of day: it lasts, or has come to its end.
func (s *Session) Pass(now time.Time) {
	if !s.Active {
		return
	}
	s.Lasted = now.Sub(s.Began)
	if s.Duration > 0 && s.Lasted >= s.Duration {
		s.Lasted, s.Active = s.Duration, false
	}
}

// Stop ends a session.
func (s *Session) Stop() { s.Active = false }

// AppendReply appends the reply to HOTKEYS GET, made of what all workers have: as Redis 8.6 has it, without the times
// of the CPU, and with by-requests, which is the gateway's own.
func (s *Session) AppendReply(b []byte, proto int, all []Report) []byte {
	var sums Sums
	var net, requests [][]Count
	for i := range all {
		sums.Bytes += all[i].Bytes
		sums.Selected += all[i].Selected
		net, requests = append(net, all[i].Net), append(requests, all[i].Requests)
	}
	byBytes, ratio := Top(s.Count, net...), uint64(s.Sample)
	type field struct {
		name string
		n    uint64
	}
	fields := []field{{"all-commands-all-slots-us", 0}}
	if s.Slots != nil {
		if s.Sample > 1 {
			fields = append(fields, field{"net-bytes-sampled-commands-selected-slots", sums.Selected})
		}
		fields = append(fields, field{"net-bytes-all-commands-selected-slots", sums.Selected * ratio})
	}
	fields = append(fields, field{"net-bytes-all-commands-all-slots", sums.Bytes * ratio},
		field{"collection-start-time-unix-ms", uint64(s.Began.UnixMilli())},
		field{"collection-duration-ms", uint64(s.Lasted.Milliseconds())},
		field{"total-net-bytes", sums.Selected})
	b = resp.AppendMap(resp.AppendArray(b, 1), proto, 3+len(fields)+2)
	active := int64(0)
	if s.Active {
		active = 1
	}
	b = resp.AppendInt(resp.AppendBulkString(b, "tracking-active"), active)
	b = resp.AppendInt(resp.AppendBulkString(b, "sample-ratio"), int64(s.Sample))
	b = appendSlots(resp.AppendBulkString(b, "selected-slots"), s.Slots)
	for _, f := range fields {
		b = resp.AppendInt(resp.AppendBulkString(b, f.name), int64(f.n))
	}
	b = appendCounts(resp.AppendBulkString(b, "by-net-bytes"), byBytes)
	return appendCounts(resp.AppendBulkString(b, "by-requests"), Top(s.Count, requests...))
}

// appendSlots appends slots as ranges: arrays of one slot, or of the first and the last. None stand for all.
func appendSlots(b []byte, all []int) []byte {
	if all == nil {
		return resp.AppendInt(resp.AppendInt(resp.AppendArray(resp.AppendArray(b, 1), 2), 0), slots-1)
	}
	var ranges [][2]int
	for _, slot := range all {
		if n := len(ranges); n > 0 && ranges[n-1][1] == slot-1 {
			ranges[n-1][1] = slot
		} else {
			ranges = append(ranges, [2]int{slot, slot})
		}
	}
	b = resp.AppendArray(b, len(ranges))
	for _, r := range ranges {
		if r[0] == r[1] {
			b = resp.AppendInt(resp.AppendArray(b, 1), int64(r[0]))
			continue
		}
		b = resp.AppendInt(resp.AppendInt(resp.AppendArray(b, 2), int64(r[0])), int64(r[1]))
	}
	return b
}

func appendCounts(b []byte, counts []Count) []byte {
	b = resp.AppendArray(b, 2*len(counts))
	for _, c := range counts {
		b = resp.AppendInt(resp.AppendBulkString(b, c.Key), int64(c.AtLeast()))
	}
	return b
}

// Help is the reply to HOTKEYS HELP.
var Help = resp.AppendLines(nil,
	"HOTKEYS <subcommand> [<arg> [value] [opt] ...]. Subcommands are, about the requests through this gateway:",
	"START METRICS 1 NET [COUNT k] [DURATION seconds] [SAMPLE ratio] [SLOTS count slot...]", "STOP", "GET", "RESET",
	"HELP",
)
