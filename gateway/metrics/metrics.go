// Package metrics shows the gateway to Prometheus: each counter that INFO knows, and the topology. Begin with Facts and
// New.
//
// It collects nothing by itself: at each scrape it asks for the Facts, and writes them down (process.go, service.go,
// times.go).
// Labels have few values, all from settings, servers or tables of this program: never a text that a client chose.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"evergate/gateway/api"
	"evergate/gateway/worker"
)

// Facts are what the metrics are made of.
type Facts struct {
	Overview api.Overview
	Services []Service
	// Stats are the counters of all workers.
	Stats worker.Snapshot
	// Rejected are clients for which there was no room, Handshakes and HandshakesFailed those of TLS with clients.
	Rejected, Handshakes, HandshakesFailed uint64
	Reloads                                Reloads
}

// Service is what the metrics of a service are made of.
type Service struct {
	api.Service
	// Open is what the workers have open of it, ByNode the same of its servers by address.
	Open   worker.OfService
	ByNode map[string]worker.AtNode
}

// Reloads are those of the settings.
type Reloads struct {
	Done, Failed uint64
	// LastFailed: the settings in use are not the newest. At is when the last reload was; zero without one.
	LastFailed bool
	At         time.Time
}

// scrapeTimeout is how long a scrape may take.
const scrapeTimeout = 5 * time.Second

// New returns a registry whose metrics are made of what facts returns, beside those of the Go runtime and the process.
func New(facts func() Facts) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(&collector{facts}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Scrapes answers scrapes.
func Scrapes(r *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{Timeout: scrapeTimeout})
}

// collector writes down the facts.
type collector struct{ facts func() Facts }

// Describe describes every metric.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range processMetrics {
		to <- m.desc
	}
	for _, m := range serviceMetrics {
		to <- m.desc
	}
	for _, h := range []*histogram{requestTimes, nodeTimes, bufferTimes, roundTimes, ackTimes} {
		to <- h.desc
	}
}

// Collect writes them.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	f := c.facts()
	for _, m := range processMetrics {
		m.collect(&f, func(value float64, labels ...string) { to <- m.made(value, labels) })
	}
	to <- roundTimes.made(&f.Stats.Rounds)
	for i := range f.Services {
		s := &f.Services[i]
		s.collectTimes(to)
		for _, m := range serviceMetrics {
			m.collect(s, func(value float64, labels ...string) {
				to <- m.made(value, append([]string{s.Name}, labels...))
			})
		}
	}
}

// metric is a metric that is made of an F.
type metric[F any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	// collect calls put for each value, with its labels.
	collect func(f *F, put func(value float64, labels ...string))
}

func (m *metric[F]) made(value float64, labels []string) prometheus.Metric {
	return prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...)
}

// prefix begins every name.
const prefix = "evergate_"

// counter is a metric that only rises, gauge one that does not.
func counter[F any](name, help string, labels []string,
	collect func(f *F, put func(float64, ...string))) metric[F] {
	return metric[F]{prometheus.NewDesc(prefix+name, help, labels, nil), prometheus.CounterValue, collect}
}

func gauge[F any](name, help string, labels []string,
	collect func(f *F, put func(float64, ...string))) metric[F] {
	return metric[F]{prometheus.NewDesc(prefix+name, help, labels, nil), prometheus.GaugeValue, collect}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
