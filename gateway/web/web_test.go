package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"evergate/gateway/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source answers so that a test sees what it was asked.
type source struct {
	ready api.Ready
	// reloads counts calls of Reload, which return outcome.
	reloads int
	outcome api.Reload
}

func (s *source) Overview() api.Overview {
	return api.Overview{Version: "v1", Services: []string{"cache"}}
}
func (s *source) Ready() api.Ready         { return s.ready }
func (s *source) Services() api.Services   { return api.Services{Services: []api.Service{}} }
func (s *source) Failovers() api.Failovers { return api.Failovers{Failovers: []api.Failover{}} }
func (s *source) Clients(service, sort string, limit int) api.Clients {
	return api.Clients{Total: limit, Clients: []api.Client{{Service: service, Name: sort}}}
}
func (s *source) SortsBy(key string) bool { return key == "id" || key == "memory_bytes" }
func (s *source) Slowlog(service string, limit int) api.Slowlog {
	return api.Slowlog{Total: uint64(limit), Commands: []api.SlowCommand{}}
}
func (s *source) HotKeys(string) api.HotKeys { return api.HotKeys{} }
func (s *source) Config() api.Config         { return api.Config{File: "evergate.yaml"} }
func (s *source) Series(n int) api.Series    { return api.Series{Step: n} }
func (s *source) Reload(context.Context) (api.Reload, error) {
	s.reloads++
	if s.outcome.Error == "cannot" {
		return s.outcome, errors.New("it cannot")
	}
	return s.outcome, nil
}

// serve starts a server; the test talks to it through what is returned.
func serve(t *testing.T, conf Config, local bool) (*Server, *http.Client) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if conf.Source == nil {
		conf.Source = &source{ready: api.Ready{Ready: true}}
	}
	if conf.Events == nil {
		conf.Events = NewEvents("run")
	}
	if conf.Metrics == nil {
		conf.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") })
	}
	conf.Logger = hclog.NewNullLogger()
	s := New(conf, ln, local)
	done := make(chan error, 1)
	go func() { done <- s.Serve() }()
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		_ = s.Close()
		if err := <-done; err != nil {
			t.Errorf("served until %v", err)
		}
	})
	return s, client
}

// request sends one GET; change may alter it.
func request(t *testing.T, s *Server, client *http.Client, path string, change func(*http.Request)) (status int,
	text string, headers http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body), answer.Header
}

func TestPathsAndParameters(t *testing.T) {
	s, client := serve(t, Config{}, true)
	for path, want := range map[string]string{
		"/livez":                      "200 ok",
		"/readyz":                     "200 ok",
		"/metrics":                    "200 up 1",
		"/readyz?verbose":             `200 {"ready":true,"not_ready":null,"degraded":null}`,
		"/api/v1/config":              `200 {"file":"evergate.yaml","settings":null}`,
		"/api/v1/nobody":              `404 {"error":"the API has no such path"}`,
		"/":                           "404 404 page not found",
		"/debug/pprof/":               "404 404 page not found",
		"/api/v1/series?seconds=60":   `"step_seconds":60`,
		"/api/v1/series?seconds=0":    "400 ",
		"/api/v1/series?seconds=3601": "400 ",
		"/api/v1/clients":             `"total":100,`,
		"/api/v1/clients?service=cache&sort=-memory_bytes&limit=7": `"total":7,`,
		"/api/v1/clients?service=other":                            `400 {"error":"service: there is no service`,
		"/api/v1/clients?sort=passwords":                           "400 ",
		"/api/v1/slowlog?limit=x":                                  `400 {"error":"limit: is not a number from 1 to 10000"}`,
		"/api/v1/hotkeys?service=other":                            "400 ",
	} {
		status, body, _ := request(t, s, client, path, nil)
		if got := fmt.Sprint(status, " ", strings.TrimSpace(body)); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Addr().String()+"/api/v1/config", nil)
	if answer, err := client.Do(r); err != nil || answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %v, %v", answer, err)
	} else {
		_ = answer.Body.Close()
	}
}

func TestNotReady(t *testing.T) {
	s, client := serve(t, Config{Source: &source{ready: api.Ready{NotReady: []string{"the gateway is draining"}}}}, true)
	if status, body, _ := request(t, s, client, "/readyz", nil); status != 503 ||
		body != "not ready: the gateway is draining\n" {
		t.Errorf("%d %s", status, body)
	}
	if status, _, _ := request(t, s, client, "/livez", nil); status != 200 {
		t.Errorf("a gateway that is not ready lives: %d", status)
	}
}

// TestForeignPagesReadNothing: what a browser sends for pages of others is refused, and no answer permits them to read.
func TestForeignPagesReadNothing(t *testing.T) {
	s, client := serve(t, Config{Terms: Terms{Hosts: []string{"Gateway.example.com."}}}, true)
	own := "http://" + s.Addr().String()
	_, port, _ := net.SplitHostPort(s.Addr().String())
	for _, c := range []struct {
		what   string
		want   int
		change func(*http.Request)
	}{
		{"no browser", 200, nil},
		{"localhost", 200, func(r *http.Request) { r.Host = "LOCALHOST:" + port }},
		{"an address", 200, func(r *http.Request) { r.Host = "10.1.2.3:9121" }},
		{"an address of version 6", 200, func(r *http.Request) { r.Host = "[::1]:9121" }},
		{"a name of the settings", 200, func(r *http.Request) { r.Host = "gateway.example.com:9121" }},
		{"a rebound name", 421, func(r *http.Request) { r.Host = "attacker.example.com:" + port }},
		{"a name that begins alike", 421, func(r *http.Request) { r.Host = "localhost.attacker.example.com" }},
		{"the own page", 200, func(r *http.Request) {
			r.Header.Set("Origin", own)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}},
		{"typed in", 200, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") }},
		{"a link", 200, func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Dest", "document")
		}},
		{"a frame", 403, func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Dest", "iframe")
		}},
		{"a foreign origin", 403, func(r *http.Request) { r.Header.Set("Origin", "http://attacker.example.com") }},
		{"an origin of no page", 403, func(r *http.Request) { r.Header.Set("Origin", "null") }},
		{"another port of this host", 403, func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") }},
		{"a script of another site", 403, func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "no-cors")
		}},
		{"a neighbour", 403, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }},
	} {
		for _, path := range []string{"/metrics", "/api/v1/services"} {
			status, body, headers := request(t, s, client, path, c.change)
			if status != c.want {
				t.Errorf("%s, %s: %d %s", c.what, path, status, body)
			}
			for name := range headers {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s, %s: header %s", c.what, path, name)
				}
			}
			if headers.Get("X-Frame-Options") != "DENY" || headers.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.HasPrefix(headers.Get("Content-Security-Policy"), "default-src 'self'") {
				t.Errorf("%s, %s: %v", c.what, path, headers)
			}
		}
	}
}

// TestOtherMachinesNeedThePassword: without one they see health and metrics.
func TestOtherMachinesNeedThePassword(t *testing.T) {
	paths := []string{"/livez", "/readyz", "/metrics", "/api/v1/clients", "/debug/pprof/cmdline"}
	password := func() (string, error) { return "correct horse", nil }
	with := func(password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth("prometheus", password) }
	}
	for _, c := range []struct {
		what   string
		terms  Terms
		local  bool
		change func(*http.Request)
		want   string
	}{
		{"local", Terms{}, true, nil, "200 200 200 200 200"},
		{"remote without a password", Terms{}, false, nil, "200 200 200 403 403"},
		{"remote and open", Terms{Open: true}, false, nil, "200 200 200 200 200"},
		{"no password given", Terms{Password: password}, false, nil, "200 200 401 401 401"},
		{"also on this machine", Terms{Password: password}, true, nil, "200 200 401 401 401"},
		{"a wrong one", Terms{Password: password}, false, with("wrong"), "200 200 401 401 401"},
		{"an empty one", Terms{Password: password}, false, with(""), "200 200 401 401 401"},
		{"the right one", Terms{Password: password}, false, with("correct horse"), "200 200 200 200 200"},
		{"an unreadable one", Terms{Password: func() (string, error) { return "", errors.New("no file") }},
			false, with(""), "200 200 503 503 503"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			c.terms.Pprof = true
			first, client := serve(t, Config{Terms: c.terms}, c.local)
			replaced, _ := serve(t, Config{}, c.local)
			replaced.SetTerms(c.terms)
			for _, s := range []*Server{first, replaced} {
				var got []string
				for _, path := range paths {
					status, _, headers := request(t, s, client, path, c.change)
					got = append(got, fmt.Sprint(status))
					if asks := headers.Get("WWW-Authenticate") != ""; asks != (status == 401) {
						t.Errorf("%s: %d, %v", path, status, headers)
					}
				}
				if strings.Join(got, " ") != c.want {
					t.Errorf("%v: %v, want %s", paths, got, c.want)
				}
			}
		})
	}
}

func TestUnixSocketHasNoHost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Source: &source{}, Events: NewEvents("run"), Metrics: http.NotFoundHandler(),
		Logger: hclog.NewNullLogger()}, ln, true)
	done := make(chan error, 1)
	go func() { done <- s.Serve() }()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial}}
	answer, err := client.Get("http://whatever/api/v1/overview")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%v, %v", answer, err)
	}
	_ = answer.Body.Close()
	client.CloseIdleConnections()
	if err := s.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	<-done
}

// reader reads a stream of events.
type reader struct {
	body io.ReadCloser
	*bufio.Reader
}

func openStream(t *testing.T, s *Server, client *http.Client, last string) *reader {
	t.Helper()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr().String()+api.PathEvents, nil)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("a stream of %s, %d", kind, answer.StatusCode)
	}
	in := &reader{answer.Body, bufio.NewReader(answer.Body)}
	if first := in.next(t); first != "retry: 2000" {
		t.Fatalf("the stream begins with %q", first)
	}
	return in
}

// next returns the lines up to the next empty one.
func (r *reader) next(t *testing.T) string {
	t.Helper()
	var lines []string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\n" {
			return strings.Join(lines, "|")
		}
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
}

func TestStreamResumes(t *testing.T) {
	events := NewEvents("r1")
	s, client := serve(t, Config{Events: events}, true)
	events.Publish(api.EventSample, map[string]int{"at": 1})
	in := openStream(t, s, client, "")
	events.Publish(api.EventSample, map[string]int{"at": 2})
	if got := in.next(t); got != `id: r1.2|event: sample|data: {"at":2}` {
		t.Errorf("got %s", got)
	}
	_ = in.body.Close()
	events.Publish(api.EventFailover, "b\n")
	events.Publish(api.EventTopology, 4)
	for last, want := range map[string]string{
		"r1.2": `id: r1.3|event: failover|data: "b\n"`, "r1.3": "id: r1.4|event: topology|data: 4",
	} {
		in = openStream(t, s, client, last)
		if got := in.next(t); got != want {
			t.Errorf("after %s: %s", last, got)
		}
		_ = in.body.Close()
	}
	for _, last := range []string{"r1.4", "r0.1", "r1.99", "nonsense"} { // only what is new
		in = openStream(t, s, client, last)
		events.Publish(api.EventSample, last)
		if got := in.next(t); !strings.HasSuffix(got, `data: "`+last+`"`) {
			t.Errorf("after %s: %s", last, got)
		}
		_ = in.body.Close()
	}
}

func TestEventsKeepTheNewest(t *testing.T) {
	events := NewEvents("r")
	for i := range eventsKept + 10 {
		events.Publish("sample", i)
	}
	text, last, _ := events.after(0)
	if last != eventsKept+10 || !strings.HasPrefix(string(text), "id: r.11\n") ||
		strings.Count(string(text), "id: ") != eventsKept {
		t.Errorf("%d: %.40s", last, text)
	}
}

func TestStreamsAreFew(t *testing.T) {
	s, client := serve(t, Config{}, true)
	for range streamsMax {
		in := openStream(t, s, client, "")
		defer func() { _ = in.body.Close() }()
	}
	status, body, _ := request(t, s, client, api.PathEvents, nil)
	var wrong api.Error
	if err := json.Unmarshal([]byte(body), &wrong); status != 503 || err != nil || wrong.Error == "" {
		t.Errorf("%d %s", status, body)
	}
	if status, _, _ := request(t, s, client, api.PathOverview, nil); status != 200 {
		t.Errorf("beside the streams: %d", status)
	}
}
