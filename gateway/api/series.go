package api

import "time"

// Series has one sample for each second. All arrays have the same length: the sample at index i is of the second that
// begins at From + i*Step.
type Series struct {
	// Now is the gateway's clock when it answered.
	Now time.Time `json:"now"`
	// From is the Unix time of the first sample, in seconds; Step is 1 second.
	From int64 `json:"from"`
	Step int   `json:"step_seconds"`
	// All is the sum over the services, Services has each of them in the order of the settings.
	All      Line   `json:"all"`
	Services []Line `json:"services"`
}

// Line has the samples of one service. A second in which the gateway did not run, or took no sample, is null.
type Line struct {
	// Service is empty for the sum.
	Service string `json:"service"`
	// Requests, Errors and Uncertain are how many there were in the second, as in Counters.
	Requests  Values `json:"requests"`
	Errors    Values `json:"errors"`
	Uncertain Values `json:"uncertain"`
	// Buffered and Clients are how many there were at its end.
	Buffered Values `json:"buffered"`
	Clients  Values `json:"clients"`
	// P50, P99 and P999 are percentiles of the time of the requests that ended in the second; null without one.
	P50  Values `json:"p50_us"`
	P99  Values `json:"p99_us"`
	P999 Values `json:"p999_us"`
	// RoundP99 is the 99th percentile of how long a round of the gateway's event loops took, which all services share:
	// the gateway's part of these times.
	RoundP99 Values `json:"round_p99_us"`
	// Share is the part of the reads of clients whose reads go to replicas that replicas got, 0 to 1; null without one.
	Share Values `json:"share_on_replicas"`
	// AckP50 and AckP99 are percentiles of the wait for replicas that confirm writes, which ended in the second; null
	// without one.
	AckP50 Values `json:"ack_wait_p50_us"`
	AckP99 Values `json:"ack_wait_p99_us"`
}

// Events of the stream.
const (
	// EventSample has a Sample.
	EventSample = "sample"
	// EventTopology has the Service whose view is new.
	EventTopology = "topology"
	// EventFailover has the Failover as it is after the step; it replaces what came before with the same ID. One more
	// comes when its effect is complete.
	EventFailover = "failover"
)

// Sample is one second, and the state of the process after it.
type Sample struct {
	// At is the Unix time of the second that ended, in seconds: that of its place in a Series.
	At int64 `json:"at"`
	// Ready, Draining, Clients and ClientMemory are as in the Overview.
	Ready        bool  `json:"ready"`
	Draining     bool  `json:"draining"`
	Clients      int   `json:"clients_now"`
	ClientMemory int64 `json:"client_memory_bytes"`
	// All is the sum over the services, Services has each of them in the order of the settings.
	All      Point   `json:"all"`
	Services []Point `json:"services"`
}

// Point is the second of one service; its keys are those of Line.
type Point struct {
	// Service is empty for the sum.
	Service   string   `json:"service"`
	Requests  float64  `json:"requests"`
	Errors    float64  `json:"errors"`
	Uncertain float64  `json:"uncertain"`
	Buffered  int      `json:"buffered"`
	Clients   int      `json:"clients"`
	P50       *float64 `json:"p50_us"`
	P99       *float64 `json:"p99_us"`
	P999      *float64 `json:"p999_us"`
	RoundP99  *float64 `json:"round_p99_us"`
	Share     *float64 `json:"share_on_replicas"`
	AckP50    *float64 `json:"ack_wait_p50_us"`
	AckP99    *float64 `json:"ack_wait_p99_us"`
}
