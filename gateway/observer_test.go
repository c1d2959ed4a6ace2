package gateway

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergate/gateway/api"
	"evergate/gateway/config"
	"evergate/gateway/loop"
	"evergate/gateway/worker"
)

// asked is the answer of a gateway's HTTP server.
func asked(t *testing.T, g *Gateway, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.AdminAddr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// askedFor reads an answer of the API.
func askedFor[T any](t *testing.T, g *Gateway, path string) (body T) {
	t.Helper()
	status, text := asked(t, g, path)
	in := json.NewDecoder(strings.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&body); err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d, %v\n%s", path, status, err, text)
	}
	if strings.Contains(text, "secret-value") {
		t.Errorf("%s shows a value: %s", path, text)
	}
	return body
}

func withAdmin(c *config.Gateway) { c.Admin.Listen = "127.0.0.1:0" }

func TestReadyUntilItDrains(t *testing.T) {
	n := startNode(t)
	g, _ := start(t, loop.New, n, func(c *config.Gateway) {
		withAdmin(c)
		c.Services = append(c.Services, config.Service{Name: "down", Listen: []string{"127.0.0.1:0"},
			Primary: "127.0.0.1:1", Reads: config.ReadPrimary})
	})
	until(t, "only one service has no primary", func() bool { // the view comes before readiness notes it
		status, body := asked(t, g, api.PathReady)
		return status == 503 && body == "not ready: service down has had no primary since the start\n"
	})
	if status, _ := asked(t, g, api.PathLive); status != 200 {
		t.Errorf("alive: %d", status)
	}

	g, addr := start(t, loop.New, n, withAdmin)
	until(t, "the gateway is ready", func() bool { status, _ := asked(t, g, api.PathReady); return status == 200 })
	_ = n.server.Close() // the primary is lost: the gateway stays ready, and says so
	until(t, "the loss is noticed", func() bool {
		status, body := asked(t, g, api.PathReady+"?verbose")
		return status == 200 && strings.Contains(body, `"degraded":["service default: shard`)
	})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	g.draining.Store(true)
	if status, body := asked(t, g, api.PathReady); status != 503 || body != "not ready: the gateway is draining\n" {
		t.Errorf("while it drains: %d %s", status, body)
	}
	if !askedFor[api.Overview](t, g, api.PathOverview).Draining {
		t.Error("the overview does not show that the gateway drains")
	}
}

// TestAPIShowsWhatClientsDo: a client, its service and its requests are shown, and no value.
func TestAPIShowsWhatClientsDo(t *testing.T) {
	n := startNode(t)
	g, addr := start(t, loop.New, n, func(c *config.Gateway) {
		withAdmin(c)
		c.Services = append(c.Services, config.Service{Name: "other", Listen: []string{"127.0.0.1:0"}, Primary: n.addr,
			Reads: config.ReadPrimary})
	})
	until(t, "both services have their primaries", func() bool {
		status, _ := asked(t, g, api.PathReady)
		return status == http.StatusOK
	})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const requests = "CLIENT SETNAME worker-1\r\nSET k secret-value\r\nGET k\r\nGETDEL k\r\n"
	if _, err := io.WriteString(conn, requests); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for _, want := range []string{"+OK", "+OK", "$12", "secret-value",
		"-ERR unknown command"} {
		if line, err := in.ReadString('\n'); strings.TrimSpace(line) != want {
			t.Fatalf("%q, %v", line, err)
		}
	}
	clients := askedFor[api.Clients](t, g, api.PathClients+"?service=default&sort=-memory_bytes")
	if clients.Total != 1 || clients.Shown != 1 || clients.Clients[0].Name != "worker-1" ||
		clients.Clients[0].Command != "getdel" || clients.Clients[0].Service != "default" {
		t.Errorf("%+v", clients)
	}
	services := askedFor[api.Services](t, g, api.PathServices).Services
	s := services[0]
	if len(services) != 2 || s.Kind != api.KindPlain || s.Listeners[0].Addr != addr || !s.HadPrimary || !s.Steady ||
		s.Shards[0].Primary != n.addr || s.Nodes[0].Role != api.RolePrimary || !s.Nodes[0].Reads ||
		s.Nodes[0].Connections == 0 || s.Counters.Clients != 1 || s.Counters.ToPrimaries != 3 || s.Counters.Local != 1 ||
		s.Counters.Requests != 4 || s.Counters.Errors != 1 || s.Nodes[0].Requests != 3 || s.Counters.P50 == nil ||
		*s.Counters.P50 <= 0 {
		t.Errorf("%+v", s)
	}
	if other := services[1]; other.Counters.Requests != 0 || other.Counters.P50 != nil || other.Counters.Clients != 0 ||
		other.Nodes[0].Requests != 0 {
		t.Errorf("the other service: %+v", other)
	}
	o := askedFor[api.Overview](t, g, api.PathOverview)
	if !o.Ready || o.Clients != 1 || o.Workers != 2 || !o.KeysShown {
		t.Errorf("%+v", o)
	}
	for _, path := range []string{api.PathFailovers, api.PathSlowlog, api.PathHotkeys, api.PathConfig, api.PathSeries} {
		if _, body := asked(t, g, path); strings.Contains(body, "null") && !strings.Contains(body, `_us":`) &&
			!strings.Contains(body, "threshold") || strings.Contains(body, "secret-value") {
			t.Errorf("%s: %s", path, body)
		}
	}
	until(t, "the series has both requests", func() bool {
		for _, requests := range askedFor[api.Series](t, g, api.PathSeries+"?seconds=60").Services[0].Requests {
			if requests > 0 {
				return true
			}
		}
		return false
	})
	if status, body := asked(t, g, "/"); status != 200 || !strings.Contains(body, "<html") {
		t.Errorf("the page: %d %.100s", status, body)
	}
	if status, body := asked(t, g, api.PathMetrics); status != 200 ||
		!strings.Contains(body, `evergate_service_clients{service="default"} 1`) {
		t.Errorf("%d %s", status, body)
	}
}

// TestAdminSocketEndsWithTheGateway: nothing is left of it, and the password comes from its file.
func TestAdminSocketEndsWithTheGateway(t *testing.T) {
	dir := t.TempDir()
	path, secret := filepath.Join(dir, "admin.sock"), filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	g, _ := start(t, loop.New, startNode(t), func(c *config.Gateway) {
		c.Admin.Listen, c.Admin.Password = "unix:"+path, config.Secret{File: secret}
	})
	get := func(password string) string {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		r, _ := http.NewRequest(http.MethodGet, "http://gateway"+api.PathOverview, nil)
		r.SetBasicAuth("", password)
		if err := r.Write(conn); err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(conn).ReadString('\n')
		return strings.TrimSpace(line)
	}
	if got := get("one"); got != "HTTP/1.1 200 OK" {
		t.Error(got)
	}
	if err := os.WriteFile(secret, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if old, now := get("one"), get("two"); old != "HTTP/1.1 401 Unauthorized" || now != "HTTP/1.1 200 OK" {
		t.Error(old, now)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// TestReloadedAdmin: the HTTP server changes its address and its terms, ends and comes back by reloads. What fails
// leaves everything as it was.
func TestReloadedAdmin(t *testing.T) {
	g, _ := start(t, loop.New, startNode(t), nil)
	if g.AdminAddr() != nil {
		t.Fatal(g.AdminAddr())
	}
	change := func(change func(*config.Admin)) {
		t.Helper()
		changes := reload(t, g, func(c *config.Gateway) { change(&c.Admin) })
		if len(changes.Applied) == 0 || len(changes.Restart) > 0 {
			t.Errorf("%+v", changes)
		}
	}
	reachable := func(addr net.Addr) bool {
		conn, err := net.Dial(addr.Network(), addr.String())
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	change(func(a *config.Admin) { a.Listen = "127.0.0.1:0" })
	first := g.AdminAddr()
	askedFor[api.Overview](t, g, api.PathOverview)
	if status, _ := asked(t, g, "/debug/pprof/cmdline"); status != http.StatusNotFound {
		t.Errorf("profiles without the setting: %d", status)
	}
	change(func(a *config.Admin) { a.Pprof = true })
	if status, _ := asked(t, g, "/debug/pprof/cmdline"); status != http.StatusOK {
		t.Errorf("profiles: %d", status)
	}
	stream, err := http.Get("http://" + first.String() + api.PathEvents)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	change(func(a *config.Admin) { a.Password.Value = "secret" })
	if status, _ := asked(t, g, api.PathOverview); status != http.StatusUnauthorized {
		t.Errorf("without the password: %d", status)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, err = g.Reload(changed(g, func(c *config.Gateway) {
		c.Admin.Listen, c.Admin.Password = taken.Addr().String(), config.Secret{}
	}))
	if err == nil || !strings.HasPrefix(err.Error(), "admin: ") {
		t.Error(err)
	}
	if status, _ := asked(t, g, api.PathOverview); status != http.StatusUnauthorized || g.AdminAddr() != first {
		t.Errorf("after a reload that failed: %d at %v", status, g.AdminAddr())
	}
	change(func(a *config.Admin) { a.Listen, a.Password = "127.0.0.1:00", config.Secret{} })
	second := g.AdminAddr()
	askedFor[api.Series](t, g, api.PathSeries)
	until(t, "the former address is closed", func() bool { return !reachable(first) })
	_, _ = io.Copy(io.Discard, stream.Body) // it ends, whole or cut
	change(func(a *config.Admin) { *a = config.Admin{} })
	until(t, "there is no HTTP server", func() bool { return !reachable(second) && g.AdminAddr() == nil })
	change(func(a *config.Admin) { a.Listen = "127.0.0.1:0" })
	askedFor[api.Series](t, g, api.PathSeries)
}

// TestTakenAdminAddressFailsTheStart: and leaves no listener.
func TestTakenAdminAddressFailsTheStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	conf := config.Default()
	conf.Services = []config.Service{{Name: "default", Listen: []string{"127.0.0.1:0"}, Primary: "127.0.0.1:1"}}
	conf.Admin.Listen = taken.Addr().String()
	g, err := newWith(conf, nil, loop.New)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(); err == nil || !strings.HasPrefix(err.Error(), "admin: ") {
		t.Errorf("started: %v", err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

// TestCountersStayWhileALoopStands: who takes differences of counters would get immense ones.
func TestCountersStayWhileALoopStands(t *testing.T) {
	t.Parallel()
	g, addr := start(t, loop.New, startNode(t), nil)
	connect(t, addr).want("+PONG\r\n", "PING")
	before, release := g.Snapshot(), make(chan struct{})
	defer close(release)
	for _, l := range g.loops {
		l.Post(func(*worker.Worker) { <-release })
	}
	after := g.Snapshot()
	if before.ClientsOpened != 1 || after.ClientsOpened != 1 {
		t.Errorf("%d clients had come, then %d", before.ClientsOpened, after.ClientsOpened)
	}
}
