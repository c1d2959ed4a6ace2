package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	yamlfile "go.yaml.in/yaml/v4"

	"evergate/testenv/servers"
)

// promEvery is how often Prometheus scrapes in these tests, and evaluates rules. Windows of queries are as many
// scrapes as in examples/monitoring, so they are shorter by the same factor.
const (
	promEvery = 250 * time.Millisecond
	quicker   = 5 * time.Second / promEvery
)

// prometheus is a Prometheus that scrapes gateways.
type prometheus struct {
	t     *testing.T
	addr  string
	began time.Time
}

// series is one time series of an answer, without its times.
type series struct {
	Metric map[string]string `json:"metric"`
	Values [][2]any          `json:"values"`
}

// numbers are the values of a series.
func (s *series) numbers(t *testing.T) (all []float64) {
	t.Helper()
	for _, v := range s.Values {
		n, err := strconv.ParseFloat(fmt.Sprint(v[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// startPrometheus has a Prometheus scrape targets, by the name of the instance, with the alert rules of
// examples/monitoring. Those of soon fire at once, the others after their own time. It skips without Prometheus.
func startPrometheus(t *testing.T, targets map[string]string, soon ...string) *prometheus {
	t.Helper()
	servers.SkipShort(t)
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus is missing: sh testenv/setup.sh promtool")
	}
	dir := t.TempDir()
	write := func(name string, content any) {
		t.Helper()
		text, err := yamlfile.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	static := []any{}
	for name, addr := range targets {
		static = append(static, map[string]any{"targets": []string{addr}, "labels": map[string]string{"instance": name}})
	}
	write("alerts.yaml", quickRules(t, soon))
	write("prometheus.yml", map[string]any{
		"global":         map[string]any{"scrape_interval": promEvery.String(), "evaluation_interval": promEvery.String()},
		"rule_files":     []string{"alerts.yaml"},
		"scrape_configs": []any{map[string]any{"job_name": "evergate", "static_configs": static}},
	})
	port, err := servers.ReservePort(servers.IPv4Loopback)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(port.Release)
	p := &prometheus{t: t, addr: port.Addr(), began: time.Now()}
	log := filepath.Join(dir, "log")
	process, err := servers.StartProcess(dir, log, binary, []string{"--config.file=prometheus.yml",
		"--storage.tsdb.path=data", "--web.listen-address=" + p.addr, "--log.level=warn"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Kill(); err != nil {
			t.Error(err)
		}
		if text, _ := os.ReadFile(log); t.Failed() {
			t.Logf("--- log of Prometheus\n%s", text)
		}
	})
	return p
}

// quickRules are the rules with windows as much shorter as scrapes are more frequent.
func quickRules(t *testing.T, soon []string) any {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string           `yaml:"name"`
			Rules []map[string]any `yaml:"rules"`
		} `yaml:"groups"`
	}
	text, err := os.ReadFile("../../examples/monitoring/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yamlfile.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, rule := range file.Groups[0].Rules {
		expr := fmt.Sprint(rule["expr"])
		for _, window := range []string{"5m", "15m"} {
			length, err := time.ParseDuration(window)
			if err != nil {
				t.Fatal(err)
			}
			expr = strings.ReplaceAll(expr, "["+window+"]", "["+inMillis(length/quicker)+"]")
		}
		rule["expr"] = expr
		if slices.Contains(soon, fmt.Sprint(rule["alert"])) {
			delete(rule, "for")
		}
	}
	return file
}

// inMillis writes a time as Prometheus reads it.
func inMillis(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

// ask returns the data of an answer of the API.
func (p *prometheus) ask(path string, query url.Values, data any) error {
	reply, err := http.Get("http://" + p.addr + "/api/v1/" + path + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer func() { _ = reply.Body.Close() }()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("%w: %.200s", err, text)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", query, answer.Error)
	}
	return nil
}

// since evaluates a query at each scrape since the start.
func (p *prometheus) since(expr string) (all []series, err error) {
	var data struct{ Result []series }
	unix := func(at time.Time) string { return strconv.FormatFloat(float64(at.UnixMilli())/1e3, 'f', 3, 64) }
	err = p.ask("query_range", url.Values{"query": {expr}, "start": {unix(p.began)}, "end": {unix(time.Now())},
		"step": {strconv.FormatFloat(promEvery.Seconds(), 'f', -1, 64)}}, &data)
	return data.Result, err
}

// firing are the names of the alerts that fire, each once, in order.
func (p *prometheus) firing() ([]string, error) {
	var data struct {
		Alerts []struct {
			State  string
			Labels map[string]string
		}
	}
	err := p.ask("alerts", nil, &data)
	names := []string{}
	for _, a := range data.Alerts {
		if a.State == "firing" {
			names = append(names, a.Labels["alertname"])
		}
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// await waits until all of these alerts fire, and beside them none but those that may.
func (p *prometheus) await(want []string, may ...string) {
	p.t.Helper()
	var names []string
	servers.Until(p.t, servers.Patience, "alerts "+strings.Join(want, ", "), func() (err error) {
		if names, err = p.firing(); err != nil {
			return err
		}
		for _, name := range want {
			if !slices.Contains(names, name) {
				return fmt.Errorf("%v fire", names)
			}
		}
		return nil
	})
	for _, name := range names {
		if !slices.Contains(want, name) && !slices.Contains(may, name) {
			p.t.Errorf("%s fires beside %v", name, want)
		}
	}
}
