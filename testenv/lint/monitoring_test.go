package lint

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	prom "github.com/prometheus/client_golang/prometheus"
	yamlfile "go.yaml.in/yaml/v4"

	"evergate/gateway/metrics"
)

// Tests of examples/monitoring: every metric and label exists, every alert has its paragraph in the docs and a test,
// and promtool, if it is installed (make test does so), accepts and passes all of it.

const (
	alertsFile     = "examples/monitoring/alerts.yaml"
	alertsTest     = "examples/monitoring/alerts_test.yaml"
	dashboardFile  = "examples/monitoring/grafana/dashboards/evergate.json"
	monitoringPage = "docs/operations/monitoring.md"
)

type ruleFile struct {
	Groups []struct {
		Name  string      `yaml:"name"`
		Rules []alertRule `yaml:"rules"`
	} `yaml:"groups"`
}

type alertRule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func alertRules(t *testing.T) []alertRule {
	t.Helper()
	var file ruleFile
	if err := yamlfile.Unmarshal([]byte(checkoutFile(t, alertsFile)), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Groups) != 1 || len(file.Groups[0].Rules) < 10 {
		t.Fatalf("%s has %+v", alertsFile, file)
	}
	return file.Groups[0].Rules
}

// dashboard has the parts of a Grafana dashboard that these tests check.
type dashboard struct {
	UID    string  `json:"uid"`
	Panels []panel `json:"panels"`
	List   struct {
		List []struct {
			Name  string `json:"name"`
			Query any    `json:"query"`
		} `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Expr string `json:"expr"`
		} `json:"list"`
	} `json:"annotations"`
}

type panel struct {
	ID      int    `json:"id"`
	Type    string `json:"type"`
	Title   string `json:"title"`
	GridPos struct {
		X, Y, W, H int
	} `json:"gridPos"`
	Datasource struct {
		UID string `json:"uid"`
	} `json:"datasource"`
	Targets []struct {
		RefID      string `json:"refId"`
		Expr       string `json:"expr"`
		Datasource struct {
			UID string `json:"uid"`
		} `json:"datasource"`
	} `json:"targets"`
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	if err := json.Unmarshal([]byte(checkoutFile(t, dashboardFile)), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// expressions are all queries of the dashboard, with values in the place of its variables.
func (d *dashboard) expressions() (all []string) {
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	for _, a := range d.Annotations.List {
		all = append(all, a.Expr)
	}
	values := strings.NewReplacer("$__rate_interval", "5m", "$__interval", "1m", "$__range", "1h", "$job", "evergate",
		"$instance", ".*", "$service", ".*")
	for i := range all {
		all[i] = values.Replace(all[i])
	}
	return all
}

// metricLabels are the labels of each metric that a gateway exports.
func metricLabels(t *testing.T) map[string][]string {
	t.Helper()
	descs := make(chan *prom.Desc)
	go func() {
		defer close(descs)
		metrics.New(func() metrics.Facts { return metrics.Facts{} }).Describe(descs)
	}()
	parts := regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{([^}]*)\}`)
	labels := map[string][]string{}
	for d := range descs {
		m := parts.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("a metric describes itself as %s", d)
		}
		labels[m[1]] = strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' })
	}
	if len(labels) < 50 {
		t.Fatalf("the gateway has only %d metrics", len(labels))
	}
	return labels
}

var (
	selector  = regexp.MustCompile(`\b((?:evergate|process|go)_\w+|up)\b(?:\{([^}]*)\})?`)
	labelName = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)`)
	suffix    = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// unknownIn returns the metrics and labels of an expression that no gateway has. Prometheus adds job and instance.
func unknownIn(expr string, labels map[string][]string) (unknown []string) {
	for _, m := range selector.FindAllStringSubmatch(expr, -1) {
		name := m[1]
		known, exists := labels[name]
		if !exists {
			known, exists = labels[suffix.ReplaceAllString(name, "")]
		}
		if !exists && name != "up" {
			unknown = append(unknown, name)
			continue
		}
		for _, l := range labelName.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(append([]string{"job", "instance", "le"}, known...), l[1]) {
				unknown = append(unknown, name+"{"+l[1]+"}")
			}
		}
	}
	return unknown
}

func TestMonitoringNamesMetricsThatExist(t *testing.T) {
	labels := metricLabels(t)
	if got := unknownIn(`rate(evergate_nothing[5m]) + evergate_ready{shard="a", job="b"}`, labels); len(got) != 2 {
		t.Errorf("this test finds %v in what is wrong", got)
	}
	d := readDashboard(t)
	exprs := d.expressions()
	for _, r := range alertRules(t) {
		exprs = append(exprs, r.Expr)
	}
	for _, v := range d.List.List {
		exprs = append(exprs, fmt.Sprint(v.Query))
	}
	for _, expr := range exprs {
		for _, name := range unknownIn(expr, labels) {
			t.Errorf("no gateway exports %s: %s", name, expr)
		}
	}
	for _, name := range selector.FindAllString(checkoutFile(t, monitoringPage), -1) {
		if len(unknownIn(name, labels)) > 0 {
			t.Errorf("%s: no gateway exports %s", monitoringPage, name)
		}
	}
}

func TestAlertsAreExplainedAndTested(t *testing.T) {
	var tests struct {
		Tests []struct {
			AlertTests []struct {
				Name string `yaml:"alertname"`
				Want []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		} `yaml:"tests"`
	}
	if err := yamlfile.Unmarshal([]byte(checkoutFile(t, alertsTest)), &tests); err != nil {
		t.Fatal(err)
	}
	fires := map[string]bool{}
	for _, group := range tests.Tests {
		for _, test := range group.AlertTests {
			fires[test.Name] = fires[test.Name] || len(test.Want) > 0
		}
	}
	page := checkoutFile(t, monitoringPage)
	headings := anchors(page)
	names := []string{}
	for _, r := range alertRules(t) {
		names = append(names, r.Alert)
		anchor := strings.ToLower(r.Alert)
		if r.Annotations["runbook"] != monitoringPage+"#"+anchor || !slices.Contains(headings, anchor) {
			t.Errorf("%s: its runbook is %q, and the page has the headings %v", r.Alert, r.Annotations["runbook"], headings)
		}
		if r.Annotations["summary"] == "" || !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) {
			t.Errorf("%s has no summary, or the severity %q", r.Alert, r.Labels["severity"])
		}
		if !fires[r.Alert] {
			t.Errorf("%s has no test in which %s fires", alertsTest, r.Alert)
		}
	}
	for _, m := range regexp.MustCompile(`Evergate[A-Z]\w+`).FindAllString(page, -1) {
		if !slices.Contains(names, m) {
			t.Errorf("%s explains %s, which is no alert", monitoringPage, m)
		}
	}
}

// TestDashboardIsSound: what Grafana does not complain about, and shows wrongly.
func TestDashboardIsSound(t *testing.T) {
	d := readDashboard(t)
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 || p.Title == "" {
			t.Errorf("panel %q has the id %d", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s is wider than the grid", p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies on %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if refs[target.RefID] || target.Datasource.UID != "${datasource}" || p.Datasource.UID != "${datasource}" {
				t.Errorf("%s: query %s of the data source %q", p.Title, target.RefID, target.Datasource.UID)
			}
			refs[target.RefID] = true
		}
		if len(refs) == 0 {
			t.Errorf("%s has no query", p.Title)
		}
	}
	if d.UID != "evergate" || len(d.Panels) < 20 {
		t.Errorf("dashboard %q has %d panels", d.UID, len(d.Panels))
	}
}

// TestPromtool needs promtool, which testenv/setup.sh installs.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is missing: sh testenv/setup.sh promtool")
	}
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(promtool, args...)
		cmd.Dir = "../.."
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run("check", "rules", alertsFile)
	run("test", "rules", alertsTest)
	run("check", "config", "examples/monitoring/prometheus.yml")
	d := readDashboard(t)
	rules := map[string]any{}
	list := []map[string]string{}
	for i, expr := range d.expressions() {
		list = append(list, map[string]string{"record": fmt.Sprintf("dashboard:query_%d", i), "expr": expr})
	}
	rules["groups"] = []any{map[string]any{"name": "dashboard", "rules": list}}
	text, err := yamlfile.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run("check", "rules", path)
}
