package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// dashboardQuery is a query of the Grafana dashboard, as Grafana sends it.
type dashboardQuery struct {
	panel, unit, expr, legend string
	most                      float64 // of the axis; 0: none
}

// dashboardQueries are those of all panels and annotations, for all gateways. Windows are those that Grafana takes for
// a data source whose timeInterval is promEvery, in a panel where each scrape has its pixel.
func dashboardQueries(t *testing.T) (all []dashboardQuery) {
	t.Helper()
	text, err := os.ReadFile("../../examples/monitoring/grafana/dashboards/evergate.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Title       string
			FieldConfig struct {
				Defaults struct {
					Unit string
					Max  float64
				}
			}
			Targets []struct{ Expr, LegendFormat string }
		}
		Annotations struct {
			List []struct{ Name, Expr, TitleFormat string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	grafana := strings.NewReplacer("$__rate_interval", inMillis(4*promEvery), "$__interval", inMillis(promEvery),
		"$__range", "1m", "$job", "evergate", "$instance", ".*", "$service", ".*")
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, dashboardQuery{panel: p.Title, unit: p.FieldConfig.Defaults.Unit,
				most: p.FieldConfig.Defaults.Max, expr: grafana.Replace(target.Expr), legend: target.LegendFormat})
		}
	}
	for _, a := range d.Annotations.List {
		all = append(all, dashboardQuery{panel: "annotation " + a.Name, expr: grafana.Replace(a.Expr), legend: a.TitleFormat})
	}
	return all
}

var legendLabel = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// check evaluates a query for the whole time. It returns an error if there is no value, or one that the unit cannot
// have, or if two lines have the same legend.
func (q *dashboardQuery) check(p *prometheus) error {
	all, err := p.since(q.expr)
	if err != nil {
		return err
	}
	legends, numbers := map[string]bool{}, 0
	for _, s := range all {
		legend := legendLabel.ReplaceAllStringFunc(q.legend, func(label string) string {
			value, has := s.Metric[legendLabel.FindStringSubmatch(label)[1]]
			if !has {
				err = fmt.Errorf("the legend %q has a label that %v lacks", q.legend, s.Metric)
			}
			return value
		})
		if legends[legend] && q.legend != "" {
			err = fmt.Errorf("two lines are %q", legend)
		}
		legends[legend] = true
		for _, n := range s.numbers(p.t) {
			switch {
			case math.IsNaN(n): // a percentile of nothing
				continue
			case n < 0, math.IsInf(n, 0), q.most > 0 && n > q.most, q.unit == "s" && n > 60:
				return fmt.Errorf("%s has the value %v %s", legend, n, q.unit)
			}
			numbers++
		}
	}
	if numbers == 0 {
		return errors.New("no value")
	}
	return err
}

// awaitPanels waits until each query of the dashboard has values, except those of the panels that are left out.
func (p *prometheus) awaitPanels(queries []dashboardQuery, without ...string) {
	p.t.Helper()
	left := slices.DeleteFunc(slices.Clone(queries), func(q dashboardQuery) bool {
		return slices.Contains(without, q.panel+": "+q.legend)
	})
	servers.Until(p.t, servers.Patience, "values in all panels", func() error {
		var errs []error
		left = slices.DeleteFunc(left, func(q dashboardQuery) bool {
			err := q.check(p)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %s (%s): %w", q.panel, q.legend, q.expr, err))
			}
			return err == nil
		})
		return errors.Join(errs...)
	})
}

// startTraffic has some clients write, read, and make mistakes, until the test ends.
func startTraffic(t *testing.T, addr string, clients int) {
	t.Helper()
	stop := make(chan struct{})
	var done sync.WaitGroup
	t.Cleanup(func() {
		close(stop)
		done.Wait()
	})
	for i := range clients {
		done.Go(func() {
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			var c *servers.Conn
			for n := 0; ; n++ {
				select {
				case <-stop:
					if c != nil {
						_ = c.Close()
					}
					return
				case <-tick.C:
				}
				if c == nil {
					c, _ = servers.Dial(addr) // nil where the gateway is gone
				}
				if c != nil && (traffic(c, i, n) != nil || n%100 == 99) {
					_ = c.Close()
					c = nil
				}
			}
		})
	}
}

// traffic is a write, reads of that and of older keys, and now and then a mistake.
func traffic(c *servers.Conn, client, n int) error {
	key := func(n int) string { return fmt.Sprintf("client:%d:%d", client, n%50) }
	requests := [][]string{{"SET", key(n), "v"}, {"GET", key(n)}, {"GET", key(n + 1)}, {"GET", key(n + 7)}, {"PING"}}
	if n%20 == 0 {
		requests = append(requests, []string{"LPUSH", key(n), "x"})
	}
	for _, r := range requests {
		if _, err := c.Do(r...); err != nil {
			return err
		}
	}
	return nil
}

// adminAddr returns a free address for --admin.
func adminAddr(t *testing.T) string {
	t.Helper()
	port, err := servers.ReservePort(servers.IPv4Loopback)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(port.Release)
	return port.Addr()
}

// TestMonitoringSeesAFailover: a Prometheus scrapes gateways of Sentinels and of a cluster. Each query of the dashboard
// has values in the steady state, apart from those that are about failures, and these have them after the failover.
// Alerts fire when a server, replicas, Sentinels and a gateway are killed, and not otherwise.
func TestMonitoringSeesAFailover(t *testing.T) {
	t.Parallel()
	sentinels := servers.StartSentinel(t, servers.Options{Replicas: 2, Fast: true})
	cluster := servers.StartCluster(t, servers.Options{Replicas: 1})
	admin, other := adminAddr(t), adminAddr(t)
	gate := servers.StartGateway(t, "--sentinel", sentinels.SentinelAddrs(), "--master-name", "main", "--admin", admin,
		"--acks", "1", "--acks-timeout", "200ms", "--hedge", "1ms")
	clustered := servers.StartGateway(t, "--cluster", cluster.Addrs(), "--admin", other)
	startTraffic(t, gate.Addr, 4)
	startTraffic(t, clustered.Addr, 2)
	p := startPrometheus(t, map[string]string{"of-sentinels": admin, "of-cluster": other},
		"EvergateDown", "EvergateNodeUnreachable", "EvergateReadsOnPrimary", "EvergateSentinelUnreachable",
		"EvergateSentinelMajorityUnreachable")
	queries := dashboardQueries(t)
	p.awaitPanels(queries, ofFailures...)
	p.await(nil)

	old := sentinels.Primary()
	if err := old.Kill(); err != nil {
		t.Fatal(err)
	}
	// Alerts that may fire from now on: replicas copy the data of the new primary, and serve no reads meanwhile.
	may := []string{"EvergateNodeUnreachable", "EvergateUncertainWrites", "EvergateReadsOnPrimary"}
	p.await([]string{"EvergateNodeUnreachable"}, may...)
	p.awaitPanels(queries, ofOtherFailures...)
	var replica *servers.Node
	servers.Until(t, servers.Patience, "a replica of the new primary", func() error {
		if now := sentinels.Primary(); now == nil || now == old {
			return errors.New("there is no new primary")
		}
		for _, n := range sentinels.Replicas() {
			if _, linked, err := n.Role(); err == nil && linked {
				replica = n
				return nil
			}
		}
		return errors.New("none is linked")
	})

	may = append(may, "EvergateWritesLackReplicas")
	if err := replica.Freeze(); err != nil {
		t.Fatal(err)
	}
	p.await([]string{"EvergateUncertainWrites"}, may...)
	if err := replica.Kill(); err != nil {
		t.Fatal(err)
	}
	p.await([]string{"EvergateWritesLackReplicas", "EvergateReadsOnPrimary"}, may...)
	for _, s := range sentinels.Sentinels[1:] {
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	down := []string{"EvergateSentinelMajorityUnreachable", "EvergateSentinelUnreachable"}
	p.await(down, may...)
	if err := clustered.Kill(); err != nil {
		t.Fatal(err)
	}
	p.await([]string{"EvergateDown"}, append(may, down...)...)
}

// ofFailures are queries without values as long as nothing fails, ofOtherFailures those of failures that a killed
// primary does not cause.
var (
	ofFailures = append([]string{"Where the time goes, p99: buffered",
		"Connections to servers that ended: {{node}}: {{reason}}", "Why they waited: {{reason}}",
		"Failovers: {{service}}: {{outcome}}", "annotation Failovers: failover of {{service}}"}, ofOtherFailures...)
	ofOtherFailures = []string{"Retried: {{kind}} of a server", "What became of them: not buffered: {{reason}}"}
)
