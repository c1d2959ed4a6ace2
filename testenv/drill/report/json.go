package report

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"evergate/testenv/drill/history"
	"evergate/testenv/drill/ledger"
)

// formatVersion is raised when a key of the JSON changes its meaning. 1 had keys of both cases and nanoseconds.
const formatVersion = 2

// The JSON of a report. Keys are in snake case; a time ends in _ms, a count in _count. A time of an event or a mark is
// since "started", and null if it was not seen.
type (
	jsonReport struct {
		FormatVersion int           `json:"format_version"`
		Drill         string        `json:"drill"`
		Mode          string        `json:"mode"`
		Path          string        `json:"path"`
		ID            string        `json:"id"`
		Headline      string        `json:"headline"`
		Verdict       jsonVerdict   `json:"verdict"`
		Started       string        `json:"started"`
		Versions      []jsonVersion `json:"versions"`
		Machine       jsonMachine   `json:"machine"`
		Clients       int           `json:"client_count"`
		Rate          int           `json:"requests_per_s"`
		Promised      *jsonPromised `json:"promised"`
		Requests      jsonRequests  `json:"requests"`
		Writes        jsonWrites    `json:"writes"`
		Pauses        jsonPauses    `json:"pauses"`
		Failover      jsonFailover  `json:"failover"`
		Latency       jsonLatencies `json:"latency"`
		Gateway       *jsonGateway  `json:"gateway"`
		Consistency   *jsonHistory  `json:"consistency"`
		LeftBroken    []string      `json:"left_broken"`
		Events        []jsonEvent   `json:"events"`
	}
	jsonVerdict struct {
		Kept        bool     `json:"kept"`
		Broken      []string `json:"broken"`
		NotPromised []string `json:"not_promised"`
		Vacuous     string   `json:"vacuous"`
	}
	jsonVersion struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	jsonMachine struct {
		OS   string `json:"os"`
		Arch string `json:"arch"`
		CPU  string `json:"cpu"`
		CPUs int    `json:"cpu_count"`
	}
	jsonPromised struct {
		Uncertain  string   `json:"uncertain"`
		Lost       string   `json:"lost"`
		WritePause *float64 `json:"write_pause_ms"`
		ReadPause  *float64 `json:"read_pause_ms"`
		Resumed    *float64 `json:"resumed_ms"`
		Fenced     bool     `json:"fenced"`
		LostFor    *float64 `json:"lost_for_ms"`
	}
	jsonRequests struct {
		All       int         `json:"count"`
		Failed    int         `json:"error_count"`
		Errors    []jsonError `json:"errors"`
		Uncertain int         `json:"uncertain_count"`
		InFlight  int         `json:"in_flight_count"`
		GaveUp    int         `json:"gave_up_count"`
	}
	jsonError struct {
		Prefix  string `json:"prefix"`
		Count   int    `json:"count"`
		Example string `json:"example"`
	}
	jsonWrites struct {
		Acknowledged int      `json:"acknowledged_count"`
		Lost         int      `json:"lost_count"`
		FirstLost    *float64 `json:"first_lost_ms"`
		LastLost     *float64 `json:"last_lost_ms"`
		Twice        int      `json:"executed_twice_count"`
		Late         int      `json:"executed_late_count"`
		Overtaken    int      `json:"overtaken_count"`
		RefusedRun   int      `json:"refused_and_executed_count"`
	}
	jsonPauses struct {
		Write jsonPause `json:"write"`
		Read  jsonPause `json:"read"`
	}
	jsonPause struct {
		From   float64 `json:"from_ms"`
		To     float64 `json:"to_ms"`
		Length float64 `json:"length_ms"`
	}
	jsonFailover struct {
		Warm            *float64   `json:"warm_ms"`
		Struck          *float64   `json:"struck_ms"`
		Strikes         []float64  `json:"strikes_ms"`
		Detected        *float64   `json:"detected_ms"`
		Elected         *float64   `json:"elected_ms"`
		Promoted        *float64   `json:"promoted_ms"`
		Accepts         []float64  `json:"accepts_ms"`
		ResumedAfter    []*float64 `json:"resumed_after_ms"`
		Healed          *float64   `json:"healed_ms"`
		Ended           *float64   `json:"ended_ms"`
		FailedElections int        `json:"failed_election_count"`
	}
	jsonLatencies struct {
		Before jsonLatency `json:"before"`
		During jsonLatency `json:"during"`
		After  jsonLatency `json:"after"`
	}
	jsonLatency struct {
		Count  int     `json:"count"`
		Median float64 `json:"median_ms"`
		P99    float64 `json:"p99_ms"`
		P999   float64 `json:"p99_9_ms"`
		Max    float64 `json:"max_ms"`
	}
	jsonGateway struct {
		Waited       int    `json:"clients_waiting_max_count"`
		Failovers    int    `json:"failover_count"`
		Uncertain    int    `json:"uncertain_count"`
		Retried      int    `json:"retried_count"`
		Acknowledged int    `json:"acknowledged_count"`
		LostAtMost   []*int `json:"lost_at_most_count"`
	}
	jsonHistory struct {
		Reads     int `json:"read_count"`
		Writes    int `json:"write_count"`
		Stale     int `json:"stale_count"`
		Backwards int `json:"backwards_count"`
		Phantom   int `json:"phantom_count"`
		Lost      int `json:"lost_count"`
	}
	jsonEvent struct {
		At     float64 `json:"at_ms"`
		Source string  `json:"source"`
		Text   string  `json:"text"`
	}
)

// JSON returns the report for a program.
func (r *Report) JSON() ([]byte, error) {
	f, a := &r.Figures, &r.Account
	j := jsonReport{FormatVersion: formatVersion, Drill: r.Drill, Mode: r.Mode, Path: r.Path, ID: r.ID,
		Headline: r.Headline(), Verdict: r.jsonVerdict(), Started: r.Started.Format(time.RFC3339Nano),
		Versions: []jsonVersion{}, Machine: jsonMachine(r.Machine), Clients: r.Connections, Rate: r.Rate,
		Promised: r.jsonPromised(),
		Requests: jsonRequests{All: f.Requests, Failed: f.Failed(), Errors: []jsonError{}, Uncertain: f.Uncertain,
			InFlight: f.InFlight, GaveUp: f.GaveUp},
		Writes: jsonWrites{Acknowledged: a.Acknowledged, Lost: a.Lost, FirstLost: seen(a.FirstLost),
			LastLost: seen(a.LastLost), Twice: a.Twice, Late: a.Late, Overtaken: a.Overtaken, RefusedRun: a.RefusedRun},
		Pauses: jsonPauses{Write: pauseJSON(f.WritePause), Read: pauseJSON(f.ReadPause)}, Failover: r.jsonFailover(),
		Latency: jsonLatencies{Before: latencyJSON(f.Before), During: latencyJSON(f.During), After: latencyJSON(f.After)},
		Gateway: r.jsonGateway(), Consistency: r.jsonHistory(),
		LeftBroken: append([]string{}, r.Left...), Events: []jsonEvent{}}
	for _, v := range r.Versions {
		j.Versions = append(j.Versions, jsonVersion(v))
	}
	for _, word := range slices.Sorted(maps.Keys(f.Errors)) {
		j.Requests.Errors = append(j.Requests.Errors, jsonError{word, f.Errors[word], f.Example[word]})
	}
	for _, e := range r.Events {
		j.Events = append(j.Events, jsonEvent{millis(e.At), e.Source, e.Text})
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(j)
	return []byte(b.String()), err
}

func (r *Report) jsonVerdict() jsonVerdict {
	v := jsonVerdict{Kept: r.Verdict.Kept(), Broken: []string{}, NotPromised: []string{}, Vacuous: r.Verdict.Vacuous}
	for _, breach := range r.Verdict.Broken {
		if r.Promised() {
			v.Broken = append(v.Broken, breach.String())
		} else {
			v.NotPromised = append(v.NotPromised, breach.Found)
		}
	}
	return v
}

// allowances has the words for each Allowance.
var allowances = map[ledger.Allowance]string{ledger.None: "none", ledger.InFlight: "in_flight",
	ledger.Receipt: "receipt", ledger.Reported: "reported"}

func (r *Report) jsonPromised() *jsonPromised {
	if !r.Promised() {
		return nil
	}
	limit := func(d time.Duration) *float64 {
		if d == 0 {
			return nil
		}
		return seen(d)
	}
	bar := &r.Bar
	return &jsonPromised{Uncertain: allowances[bar.Uncertain], Lost: allowances[bar.Lost], WritePause: limit(bar.Pause),
		ReadPause: limit(bar.ReadPause), Resumed: limit(bar.Resume), Fenced: bar.Fenced,
		LostFor: limit(bar.LostFor)}
}

func (r *Report) jsonFailover() jsonFailover {
	m := &r.Marks
	j := jsonFailover{Warm: seen(m.Began), Struck: seen(m.Struck), Strikes: []float64{}, Detected: seen(m.Detected),
		Elected: seen(m.Elected), Promoted: seen(m.Promoted), Accepts: []float64{}, ResumedAfter: []*float64{},
		Healed: seen(m.Healed), Ended: seen(m.Ended), FailedElections: m.FailedElections}
	for _, at := range m.Strikes {
		j.Strikes = append(j.Strikes, millis(at))
	}
	for _, at := range m.Accepts {
		j.Accepts = append(j.Accepts, millis(at))
	}
	for _, lag := range r.Figures.Resumed {
		j.ResumedAfter = append(j.ResumedAfter, seen(lag))
	}
	return j
}

func (r *Report) jsonGateway() *jsonGateway {
	g := &r.Gate
	if !g.Known {
		return nil
	}
	j := &jsonGateway{Waited: g.Waiting, Failovers: g.Failovers, Uncertain: g.Uncertain, Retried: g.Retried,
		Acknowledged: g.Acknowledged, LostAtMost: []*int{}}
	for _, n := range g.Receipts {
		if n < 0 {
			j.LostAtMost = append(j.LostAtMost, nil)
		} else {
			j.LostAtMost = append(j.LostAtMost, &n)
		}
	}
	return j
}

func (r *Report) jsonHistory() *jsonHistory {
	h := r.History
	if h == nil {
		return nil
	}
	return &jsonHistory{Reads: h.Reads, Writes: h.Writes, Stale: h.Counts[history.Stale],
		Backwards: h.Counts[history.Backwards], Phantom: h.Counts[history.Phantom], Lost: h.Lost}
}

func pauseJSON(p ledger.Pause) jsonPause {
	return jsonPause{millis(p.From), millis(p.To), millis(p.Length())}
}

func latencyJSON(l ledger.Latency) jsonLatency {
	return jsonLatency{l.Count, millis(l.P50), millis(l.P99), millis(l.P999), millis(l.Max)}
}

// millis returns milliseconds with three decimal places.
func millis(d time.Duration) float64 { return float64(d.Round(time.Microsecond).Microseconds()) / 1000 }

// seen returns milliseconds; nil for a time that was not seen.
func seen(d time.Duration) *float64 {
	if d < 0 {
		return nil
	}
	ms := millis(d)
	return &ms
}
