package drill

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"evergate/testenv/drill/history"
	"evergate/testenv/drill/ledger"
	"evergate/testenv/drill/report"
	"evergate/testenv/servers"
)

// gateWatch polls the path under test for the section of INFO that only an Evergate gateway has.
type gateWatch struct {
	dial func() (*servers.Conn, error)
	line *timeline

	mu sync.Mutex
	// guarded by mu: the last figures (for Waiting the highest); the counters at the first look, and the last failover
	// then; when the last look began; when receipts were first seen.
	gate, before ledger.Gate
	lastBefore   int
	asked        time.Duration
	given        []history.Failover
}

func (w *gateWatch) run(ctx context.Context) {
	ticker := time.NewTicker(gateEvery)
	defer ticker.Stop()
	var conn *servers.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if conn == nil {
			c, err := w.dial()
			if err != nil {
				continue
			}
			conn = c
		}
		asked := w.line.now()
		frame, err := conn.Do("INFO", "gateway", "failover")
		if err != nil {
			_ = conn.Close()
			conn = nil
			continue
		}
		if !w.note(string(frame), asked, w.line.now()) {
			return
		}
	}
}

// note records one INFO, and when it was asked for and came; it returns false if that is not a gateway's.
func (w *gateWatch) note(text string, asked, at time.Duration) bool {
	if !strings.Contains(text, "# Gateway") {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := ledger.Gate{Failovers: infoNumber(text, "failovers_started"), Uncertain: infoNumber(text, "requests_uncertain"),
		Retried: infoNumber(text, "requests_retried")}
	if !w.gate.Known {
		w.before, w.lastBefore = now, lastFailover(text)
	}
	w.gate.Known = true
	w.gate.Waiting = max(w.gate.Waiting, infoNumber(text, "sessions_blocked_now"))
	w.gate.Failovers = max(w.gate.Failovers, now.Failovers-w.before.Failovers)
	given := len(w.gate.Receipts)
	if w.gate.Receipts, w.gate.Acknowledged = receipts(text, w.lastBefore); len(w.gate.Receipts) > given {
		w.given = append(w.given, history.Failover{From: w.asked, To: at})
	}
	w.asked = asked
	w.gate.Uncertain = max(w.gate.Uncertain, now.Uncertain-w.before.Uncertain)
	w.gate.Retried = max(w.gate.Retried, now.Retried-w.before.Retried)
	return true
}

func (w *gateWatch) seen() ledger.Gate {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gate
}

// switches are when the gateway changed to another primary: before its receipt was seen, and after the last look
// without it had begun.
func (w *gateWatch) switches() []history.Failover {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.given)
}

// receiptsComplete returns nil once the gateway has a receipt for every failover. A failover that ended with the former
// primary gets none, and the wait for it times out.
func (w *gateWatch) receiptsComplete() error {
	if g := w.seen(); len(g.Receipts) < g.Failovers {
		return fmt.Errorf("%d receipts of %d failovers", len(g.Receipts), g.Failovers)
	}
	return nil
}

// infoNumber returns the number of "name:123" in the text of INFO; 0 if there is none.
func infoNumber(text, name string) int {
	n, _ := strconv.Atoi(infoWord(text, name))
	return n
}

// infoWord returns the word of "name:word" in the text of INFO; empty if there is none.
func infoWord(text, name string) string {
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// logTime is the format of times in the gateway's log.
const logTime = "2006-01-02T15:04:05.000Z0700"

// lastFailover returns the highest number of a failover in INFO; 0 if there is none.
func lastFailover(text string) (last int) {
	for _, m := range failoverPattern.FindAllStringSubmatch(text, -1) {
		number, _ := strconv.Atoi(m[1])
		last = max(last, number)
	}
	return last
}

var failoverPattern = regexp.MustCompile(`(?m)^failover(\d+):`)

// receipts returns how many acknowledged writes each failover with a number above after may have lost (-1: unknown),
// and how many the former primaries had acknowledged.
func receipts(text string, after int) (lost []int, acknowledged int) {
	for _, m := range receiptPattern.FindAllStringSubmatch(text, -1) {
		if number, _ := strconv.Atoi(m[1]); number <= after {
			continue
		}
		acked, _ := strconv.Atoi(m[2])
		acknowledged += acked
		n, err := strconv.Atoi(m[3])
		if err != nil {
			n = -1
		}
		lost = append(lost, n)
	}
	return lost, acknowledged
}

var receiptPattern = regexp.MustCompile(`(?m)^failover(\d+):.*\backnowledged=(\d+),lost_at_most=(\d+|unknown)`)

// readLog turns the lines of a gateway's log since start into events.
func readLog(log string, start time.Time) (events []report.Event) {
	for line := range strings.Lines(log) {
		stamp, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		at, err := time.Parse(logTime, stamp)
		if err != nil || at.Before(start) {
			continue
		}
		_, text, _ = strings.Cut(text, "evergate")
		events = append(events, report.Event{At: at.Sub(start), Source: "gateway", Text: strings.TrimLeft(text, ".: ")})
	}
	return events
}
