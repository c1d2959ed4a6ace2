// Package api has the JSON of the gateway's HTTP API: what /api/v1/ answers, for the page, evergate top and programs of
// others. Begin with the constants of paths below; each names its type.
//
// It has types only. Keys are in snake case. A key that ends in _ms, _us or _seconds is a time in milliseconds,
// microseconds or seconds; one in _bytes a size. Other numbers are counts, since the start of the gateway where the key
// is not _now or a bound. Times of day are RFC 3339 in UTC. What is unknown is null; a list is never null. Texts that
// clients or servers chose (names, keys) are valid UTF-8: other bytes, and control characters, are written as \xHH.
//
// A key keeps its meaning within /api/v1/. New keys may come: readers skip those that they do not know.
package api

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// The paths of the API. All are read with GET, but PathReload.
const (
	// PathOverview answers an Overview.
	PathOverview = "/api/v1/overview"
	// PathServices answers Services.
	PathServices = "/api/v1/services"
	// PathFailovers answers Failovers.
	PathFailovers = "/api/v1/failovers"
	// PathClients answers Clients. Parameters: service (default: all), limit (default ClientsLimit), sort (one of the
	// Sort words; "-" before it reverses).
	PathClients = "/api/v1/clients"
	// PathSlowlog answers a Slowlog. Parameters: service, limit (default SlowlogLimit).
	PathSlowlog = "/api/v1/slowlog"
	// PathHotkeys answers HotKeys. Parameter: service.
	PathHotkeys = "/api/v1/hotkeys"
	// PathConfig answers a Config.
	PathConfig = "/api/v1/config"
	// PathSeries answers a Series. Parameter: seconds (default and maximum SeriesSeconds).
	PathSeries = "/api/v1/series"
	// PathEvents streams server-sent events: EventSample each second, EventTopology on each new view and EventFailover on
	// each step of a failover. Each has an id; a client that reconnects with Last-Event-ID gets what it missed, as far as
	// it is kept. A comment line each 15 seconds keeps proxies from closing the stream.
	PathEvents = "/api/v1/events"
	// PathReload has the gateway read its settings again, with POST and without a body, and answers a Reload: with status
	// 200 if the new settings are in use, else 422.
	PathReload = "/api/v1/reload"
)

// Reload is the outcome of a reload.
type Reload struct {
	// Reloaded: the new settings are in use. Otherwise the old ones are, all of them, and Error says why.
	Reloaded bool   `json:"reloaded"`
	Error    string `json:"error"`
	// Mistakes are those in the settings, if that is why.
	Mistakes []Mistake `json:"mistakes"`
	// Changed are the settings that have changed, NeedRestart those that cannot change while the gateway runs.
	Changed     []string `json:"changed"`
	NeedRestart []string `json:"need_restart"`
}

// Mistake is a mistake in the settings: what is wrong at a Source such as "evergate.yaml:3".
type Mistake struct {
	Source  string `json:"source"`
	Problem string `json:"problem"`
}

// The paths beside the API.
const (
	// PathMetrics answers the metrics for Prometheus.
	PathMetrics = "/metrics"
	// PathLive answers 200 while the process serves HTTP.
	PathLive = "/livez"
	// PathReady answers 200 if the gateway takes requests, else 503; with ?verbose a Ready.
	PathReady = "/readyz"
)

// Bounds of lists.
const (
	// ClientsLimit is how many clients are shown if no limit is given, ClientsMax the highest limit.
	ClientsLimit = 100
	ClientsMax   = 10000
	// SlowlogLimit is how many slow commands are shown if no limit is given.
	SlowlogLimit = 128
	// SeriesSeconds is how far the series reach back.
	SeriesSeconds = 3600
)

// Error is the body of an answer with a status of 400 or above.
type Error struct {
	// Error says what is wrong, as a sentence for people.
	Error string `json:"error"`
}

// Ms returns a duration as milliseconds with three decimal places.
func Ms(d time.Duration) float64 { return float64(d.Round(time.Microsecond).Microseconds()) / 1000 }

// Us returns a duration as microseconds with one decimal place.
func Us(d time.Duration) float64 { return float64(d.Round(100*time.Nanosecond).Nanoseconds()/100) / 10 }

// Seconds returns a duration as seconds with three decimal places.
func Seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond).Milliseconds()) / 1000
}

// Values are numbers of consecutive seconds; NaN, in JSON null, for a second without one.
type Values []float64

// MarshalJSON writes the numbers as short as possible, NaN as null.
func (v Values) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 2+6*len(v))
	b = append(b, '[')
	for i, n := range v {
		if i > 0 {
			b = append(b, ',')
		}
		switch {
		case math.IsNaN(n) || math.IsInf(n, 0):
			b = append(b, "null"...)
		default:
			b = strconv.AppendFloat(b, n, 'f', -1, 64)
		}
	}
	return append(b, ']'), nil
}

// UnmarshalJSON reads null as NaN.
func (v *Values) UnmarshalJSON(text []byte) error {
	var numbers []*float64
	if err := json.Unmarshal(text, &numbers); err != nil {
		return err
	}
	*v = make(Values, len(numbers))
	for i, n := range numbers {
		(*v)[i] = math.NaN()
		if n != nil {
			(*v)[i] = *n
		}
	}
	return nil
}
