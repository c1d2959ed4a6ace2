package metrics

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"evergate/gateway/api"
	"evergate/gateway/freshness"
	"evergate/gateway/latency"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/routing"
)

// facts are some of everything. Each counter of the workers has a number of its own, which each is called with.
func facts(each func(name string, n uint64)) Facts {
	lag, ms := int64(5), 250.0
	f := Facts{
		Overview: api.Overview{Version: "v1", Revision: "abc", Started: time.Unix(1_800_000_000, 0), ClientsMax: 10},
		Services: []Service{{Service: api.Service{
			Name: "cache", Shards: []api.Shard{{Name: "main", Condition: api.Steady, Primary: "a:1",
				Replicas: []string{"b:1"}, Unused: []api.Unused{{Addr: "c:1"}}}},
			Nodes: []api.Node{{Addr: "a:1", Role: api.RolePrimary, Shard: "main", Reachable: true, Requests: 41},
				{Addr: "b:1", Role: api.RoleReplica, Shard: "main", LagBytes: &lag, PollsBehind: &lag,
					Lag: &ms, LeftOut: true}},
			Sentinels: []api.Sentinel{{Addr: "s:1", Reachable: true}},
		}}, {Service: api.Service{Name: "queue"}}},
		Rejected: 3, Handshakes: 4, HandshakesFailed: 5,
	}
	f.Services[0].measured()
	n := uint64(1_000_000)
	number(reflect.ValueOf(&f.Stats.Stats).Elem(), &n, each)
	return f
}

// measured gives a service some of everything that is measured of it.
func (s *Service) measured() {
	h := &latency.Histogram{}
	h.Add(100)
	s.Open.ByGroup[routing.HashGroup], s.Open.Waited[sessions.Released], s.Open.Errors[2] = h, h, 3
	s.Open.Acks = sessions.AckCounts{Confirmed: 901, Unconfirmed: 902, Lacking: 903, Waits: h}
	s.Open.Requests[upstream.Replica], s.Open.OnPrimary[freshness.Pipelined] = 904, 905
	s.Open.Holds, s.Open.HoldRefused, s.Open.HoldOverfull = 906, 907, 908
	counts := upstream.ConnCounts{Opened: 909, Silent: 910}
	counts.Lost[upstream.DialFailed] = 911
	s.ByNode = map[string]worker.AtNode{
		"a:1":    {Took: [2]*latency.Histogram{h, {}}, Counted: counts},
		"gone:1": {Took: [2]*latency.Histogram{h, h}, Counted: counts},
	}
}

// number fills in all numbers of a struct.
func number(fields reflect.Value, n *uint64, each func(name string, n uint64)) {
	for i := range fields.NumField() {
		name, field := fields.Type().Field(i).Name, fields.Field(i)
		set := func(name string, v reflect.Value) {
			*n += 1000
			v.SetUint(*n)
			each(name, *n)
		}
		switch field.Kind() {
		case reflect.Struct:
			number(field, n, each)
		case reflect.Array:
			for j := range field.Len() {
				set(fmt.Sprintf("%s[%d]", name, j), field.Index(j))
			}
		default:
			set(name, field)
		}
	}
}

// gathered is the text of all metrics.
func gathered(t *testing.T, f Facts) string {
	t.Helper()
	r := New(func() Facts { return f })
	text := &strings.Builder{}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.Metric {
			fmt.Fprintf(text, "%s%v %v\n", family.GetName(), m.GetLabel(),
				m.GetCounter().GetValue()+m.GetGauge().GetValue())
		}
	}
	return text.String()
}

// TestEveryCounterHasAMetric fails for a counter of the workers that no metric shows.
func TestEveryCounterHasAMetric(t *testing.T) {
	want := map[string]uint64{}
	text := gathered(t, facts(func(name string, n uint64) { want[name] = n }))
	if len(want) < 60 {
		t.Errorf("only %d counters", len(want))
	}
	for name, n := range want {
		value := fmt.Sprint(float64(n))
		switch name {
		case "GapMillis":
			value = fmt.Sprint(float64(n) / 1000)
		}
		if !strings.Contains(text, " "+value+"\n") {
			t.Errorf("no metric has %s", name)
		}
	}
}

// TestNamesAreAsPrometheusWantsThem lints them, as promtool check metrics does.
func TestNamesAreAsPrometheusWantsThem(t *testing.T) {
	f := facts(func(string, uint64) {})
	problems, err := testutil.GatherAndLint(New(func() Facts { return f }))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for line := range strings.Lines(gathered(t, f)) {
		if !strings.HasPrefix(line, prefix) && !strings.HasPrefix(line, "go_") && !strings.HasPrefix(line, "process_") {
			t.Errorf("a name without the prefix: %s", line)
		}
	}
}

// TestDurationsAreAHistogram: its bounds are those of the buckets that are counted in.
func TestDurationsAreAHistogram(t *testing.T) {
	f := facts(func(string, uint64) {})
	h := f.Services[0].Open.ByGroup[routing.HashGroup]
	*h = latency.Histogram{}
	for us := uint32(1); us <= 1<<24; us *= 2 {
		h.Add(us)
	}
	families, err := New(func() Facts { return f }).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "evergate_request_duration_seconds" {
			continue
		}
		h := family.Metric[0].GetHistogram()
		first, last := h.Bucket[0], h.Bucket[len(h.Bucket)-1]
		if h.GetSampleCount() != 25 || h.GetSampleSum() != (1<<25-1)/1e6 || first.GetUpperBound() != 64e-6 ||
			first.GetCumulativeCount() != 6 || last.GetCumulativeCount() != 24 || len(h.Bucket) != 19 {
			t.Errorf("%v", h)
		}
		return
	}
	t.Error("no histogram")
}

// TestTimesHaveFewLabels: there is a histogram for each group and operation with a request, none for a node that has
// left the topology, and one for each outcome of a wait from the start.
func TestTimesHaveFewLabels(t *testing.T) {
	f := facts(func(string, uint64) {})
	families, err := New(func() Facts { return f }).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, family := range families {
		for _, m := range family.Metric {
			if m.GetHistogram() == nil || !strings.HasPrefix(family.GetName(), prefix) {
				continue
			}
			labels := ""
			for _, l := range m.GetLabel() {
				labels += " " + l.GetValue()
			}
			got = append(got, fmt.Sprintf("%s%s %d", strings.TrimPrefix(family.GetName(), prefix), labels,
				m.GetHistogram().GetSampleCount()))
		}
	}
	want := []string{"ack_wait_duration_seconds cache 1",
		"buffering_duration_seconds abandoned cache 0", "buffering_duration_seconds abandoned queue 0",
		"buffering_duration_seconds resumed cache 1", "buffering_duration_seconds resumed queue 0",
		"buffering_duration_seconds timed_out cache 0", "buffering_duration_seconds timed_out queue 0",
		"loop_round_duration_seconds 0", "node_request_duration_seconds a:1 read cache 1",
		"request_duration_seconds hash cache 1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
}

// TestServicesAndNodesAreLabels: what is there once for each service or node has that as a label.
func TestServicesAndNodesAreLabels(t *testing.T) {
	f := facts(func(string, uint64) {})
	f.Services[0].Counters.Failovers, f.Services[1].Counters.Clients = 2, 7
	err := testutil.GatherAndCompare(New(func() Facts { return f }), strings.NewReader(`
# HELP evergate_ack_writes_total Writes that replicas were to confirm, by outcome.
# TYPE evergate_ack_writes_total counter
evergate_ack_writes_total{outcome="confirmed",service="cache"} 901
evergate_ack_writes_total{outcome="confirmed",service="queue"} 0
evergate_ack_writes_total{outcome="rejected",service="cache"} 903
evergate_ack_writes_total{outcome="rejected",service="queue"} 0
evergate_ack_writes_total{outcome="unconfirmed",service="cache"} 902
evergate_ack_writes_total{outcome="unconfirmed",service="queue"} 0
# HELP evergate_failovers_started_total Failovers that began.
# TYPE evergate_failovers_started_total counter
evergate_failovers_started_total{service="cache"} 2
evergate_failovers_started_total{service="queue"} 0
# HELP evergate_node_connections_opened_total Connections to the server that were opened.
# TYPE evergate_node_connections_opened_total counter
evergate_node_connections_opened_total{node="a:1",service="cache"} 909
evergate_node_connections_opened_total{node="b:1",service="cache"} 0
# HELP evergate_node_connections_silent_total How often a connection to the server fell silent.
# TYPE evergate_node_connections_silent_total counter
evergate_node_connections_silent_total{node="a:1",service="cache"} 910
evergate_node_connections_silent_total{node="b:1",service="cache"} 0
# HELP evergate_node_left_out Whether the replica gets no reads, since it answered slowly or with errors.
# TYPE evergate_node_left_out gauge
evergate_node_left_out{node="b:1",service="cache"} 1
# HELP evergate_node_proven Whether it is known which writes the replica has.
# TYPE evergate_node_proven gauge
evergate_node_proven{node="b:1",service="cache"} 1
# HELP evergate_node_replication_lag_bytes How far the replication offset is behind that of the primary.
# TYPE evergate_node_replication_lag_bytes gauge
evergate_node_replication_lag_bytes{node="b:1",service="cache"} 5
# HELP evergate_node_replication_lag_seconds How much older the poll that the replica had reached was than the last one.
# TYPE evergate_node_replication_lag_seconds gauge
evergate_node_replication_lag_seconds{node="b:1",service="cache"} 0.25
# HELP evergate_node_requests_total Requests that the server has answered.
# TYPE evergate_node_requests_total counter
evergate_node_requests_total{node="a:1",service="cache"} 41
evergate_node_requests_total{node="b:1",service="cache"} 0
# HELP evergate_node_up Whether the server answers.
# TYPE evergate_node_up gauge
evergate_node_up{node="a:1",service="cache"} 1
evergate_node_up{node="b:1",service="cache"} 0
# HELP evergate_reads_on_replicas_total Reads that were sent to replicas.
# TYPE evergate_reads_on_replicas_total counter
evergate_reads_on_replicas_total{service="cache"} 904
evergate_reads_on_replicas_total{service="queue"} 0
# HELP evergate_service_buffering_rejected_total Requests of the service that were not buffered, by reason.
# TYPE evergate_service_buffering_rejected_total counter
evergate_service_buffering_rejected_total{reason="buffer_full",service="cache"} 908
evergate_service_buffering_rejected_total{reason="buffer_full",service="queue"} 0
evergate_service_buffering_rejected_total{reason="timeout",service="cache"} 907
evergate_service_buffering_rejected_total{reason="timeout",service="queue"} 0
# HELP evergate_service_buffering_started_total How often a shard of the service began to be buffered.
# TYPE evergate_service_buffering_started_total counter
evergate_service_buffering_started_total{service="cache"} 906
evergate_service_buffering_started_total{service="queue"} 0
# HELP evergate_service_clients Clients of the service.
# TYPE evergate_service_clients gauge
evergate_service_clients{service="cache"} 0
evergate_service_clients{service="queue"} 7
`), "evergate_node_connections_opened_total", "evergate_node_connections_silent_total",
		"evergate_service_buffering_rejected_total", "evergate_service_buffering_started_total",
		"evergate_failovers_started_total", "evergate_node_replication_lag_bytes",
		"evergate_node_requests_total", "evergate_node_up", "evergate_service_clients", "evergate_ack_writes_total",
		"evergate_node_left_out", "evergate_node_proven", "evergate_node_replication_lag_seconds",
		"evergate_reads_on_replicas_total")
	if err != nil {
		t.Error(err)
	}
}
