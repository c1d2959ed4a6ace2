package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"evergate/cmd/evergate/adminclient"
	"evergate/cmd/evergate/top"
	"evergate/gateway/api"
	"evergate/gateway/config"
)

// fakeAdmin answers like the --admin of a gateway with one service.
type fakeAdmin struct {
	password string
	// events has what the stream sends, one after the other; an empty one ends it.
	events chan string
	// asked has the parameters of each request for clients, as long as there is room.
	asked chan string
}

func newFakeAdmin() *fakeAdmin {
	return &fakeAdmin{events: make(chan string, 4), asked: make(chan string, 4)}
}

func (f *fakeAdmin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, given, _ := r.BasicAuth(); given != f.password {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	now := time.Now()
	median := 210.0
	answers := map[string]any{
		api.PathOverview:  api.Overview{Now: now, Version: "v1", Ready: true, Services: []string{"main"}},
		api.PathFailovers: api.Failovers{Now: now},
		api.PathSeries: api.Series{Now: now, Step: 1, All: api.Line{Requests: api.Values{1200, 1300}},
			Services: []api.Line{{Service: "main", Requests: api.Values{1200, 1300}, Errors: api.Values{0, 3},
				Clients: api.Values{7, 8}}}},
		api.PathServices: api.Services{Now: now, Services: []api.Service{{Name: "main", Kind: api.KindSentinel, Epoch: 4,
			Steady: true, Shards: []api.Shard{{Name: "mymaster", Condition: api.Steady, Primary: "10.0.0.1:6379"}},
			Nodes:    []api.Node{{Addr: "10.0.0.1:6379", Role: api.RolePrimary, Shard: "mymaster", Connections: 2}},
			Counters: api.Counters{Clients: 8, P50: &median}}}},
		api.PathClients: api.Clients{Now: now, Total: 1, Shown: 1,
			Clients: []api.Client{{Addr: "10.9.9.9:1", Name: "worker"}}},
		api.PathSlowlog: api.Slowlog{Now: now},
		api.PathHotkeys: api.HotKeys{Now: now},
	}
	if r.URL.Path == api.PathClients {
		select {
		case f.asked <- r.URL.RawQuery:
		default:
		}
	}
	if r.URL.Path == api.PathEvents {
		f.stream(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(answers[r.URL.Path])
}

func (f *fakeAdmin) stream(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).Flush()
	for {
		select {
		case event := <-f.events:
			if event == "" {
				return
			}
			_, _ = fmt.Fprint(w, event)
			_ = http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func eventOf(t *testing.T, kind string, body any) string {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("event: %s\ndata: %s\n\n", kind, text)
}

func serveAdmin(t *testing.T, f *fakeAdmin) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// unusedAddress is one that nobody listens on.
func unusedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	return listener.Addr().String()
}

func TestTopPrintsOnceWithoutATerminal(t *testing.T) {
	t.Parallel()
	fake := newFakeAdmin()
	fake.password = secretText
	addr, dead := serveAdmin(t, fake), unusedAddress(t)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(secretText+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args, environ []string
		code          int
		want          []string
	}{
		"one of two": {[]string{"--admin", addr + "," + dead, "--admin-password-file", file}, nil, exitOK,
			[]string{"main", "steady", "1,250", "1.5", "210µs", "mymaster", "unreachable: connection refused"}},
		"variables": {nil, []string{"EVERGATE_ADMIN=" + addr, "EVERGATE_ADMIN_PASSWORD=" + secretText}, exitOK,
			[]string{"main", "10.0.0.1:6379"}},
		"password file by variable": {[]string{"--once"}, []string{"EVERGATE_ADMIN=" + addr,
			"EVERGATE_ADMIN_PASSWORD_FILE=" + file}, exitOK, []string{"main"}},
		"wrong password": {[]string{"--admin", addr}, []string{"EVERGATE_ADMIN_PASSWORD=x"}, exitFailed,
			[]string{"unreachable: HTTP 401: the password is wrong", "evergate: no gateway can be reached"}},
		"none": {[]string{"--admin", dead}, nil, exitFailed, []string{"evergate: no gateway can be reached"}},
		"wrong addresses": {[]string{"--admin", "/run/x.sock,localhost," + dead + "," + dead}, nil, exitWrong,
			[]string{"/run/x.sock", "localhost", "is there twice", "evergate: 3 mistakes"}},
		"arguments": {[]string{addr}, nil, exitWrong, []string{"unknown command"}},
	} {
		code, out, errOut := try(append([]string{"top"}, c.args...), c.environ)
		for _, want := range c.want {
			if !strings.Contains(out+errOut, want) {
				t.Errorf("%s lacks %q:\n%s%s", name, want, out, errOut)
			}
		}
		if code != c.code || strings.Contains(out+errOut, secretText) || strings.Contains(out, "\x1b") {
			t.Errorf("%s: exit code %d:\n%s%s", name, code, out, errOut)
		}
	}
}

// testWindow is a window of one gateway, which is followed; draw returns its text after what the condition waits for.
type testWindow struct {
	t      *testing.T
	window *window
	news   chan top.News
}

func watchFake(t *testing.T, addr string) *testWindow {
	t.Helper()
	client, err := adminclient.New(addr, config.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	f := newFollower(client)
	w := &testWindow{t, &window{screen: top.New([]string{addr}), followers: []*follower{f}}, make(chan top.News)}
	w.window.screen.Use(top.Bare)
	w.send(tea.WindowSizeMsg{Width: 120, Height: 30})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.run(ctx, func(n top.News) {
			select {
			case w.news <- n:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return w
}

func (w *testWindow) send(msg tea.Msg) tea.Cmd {
	_, cmd := w.window.Update(msg)
	return cmd
}

// shows takes news until the screen has all texts.
func (w *testWindow) shows(texts ...string) {
	w.t.Helper()
	late := time.After(10 * time.Second)
	for {
		content, lacks := w.window.View().Content, ""
		for _, text := range texts {
			if !strings.Contains(content, text) {
				lacks = text
			}
		}
		if lacks == "" {
			return
		}
		select {
		case n := <-w.news:
			w.send(arrival{0, n})
		case <-late:
			w.t.Fatalf("the screen lacks %q:\n%s", lacks, content)
		}
	}
}

func key(r rune) tea.KeyPressMsg { return tea.KeyPressMsg{Code: r, Text: string(r)} }

func TestTopFollowsAGateway(t *testing.T) {
	t.Parallel()
	fake := newFakeAdmin()
	w := watchFake(t, serveAdmin(t, fake))
	w.shows("1,250", "10.0.0.1:6379", "no failover is known")
	median := 95.0
	fake.events <- eventOf(t, api.EventSample, api.Sample{Ready: true, Clients: 77, Services: []api.Point{
		{Service: "main", Requests: 4321, Clients: 77, P50: &median}}})
	w.shows("4,321", "95µs", "77 clients")
	fake.events <- ": still here\n\nevent: unheard-of\ndata: 1\n\n"
	fake.events <- eventOf(t, api.EventFailover, api.Failover{ID: "main/1", Service: "main",
		Shard: "mymaster", Began: time.Now(), From: "10.0.0.1:6379", Outcome: api.OutcomeRunning,
		Steps: []api.Step{{Kind: api.StepSuspected, Event: "primary suspected", Why: "s1: sdown"}}})
	w.shows("failover main/1  running", "primary suspected (s1: sdown)")
	fake.events <- eventOf(t, api.EventTopology, api.Service{Name: "main", Epoch: 5, Shards: []api.Shard{
		{Name: "mymaster", Condition: api.Switching}}})
	w.shows("failover  ")
	w.send(key('6'))
	w.shows("10.9.9.9:1", "worker")
	if query := <-fake.asked; query != "sort=-memory_bytes&limit=500" {
		t.Errorf("clients were asked for with %s", query)
	}
	w.send(key('4'))
	w.shows("no command is recorded")
	w.send(key('5'))
	w.shows("keys are not sampled")
	if cmd := w.send(key('q')); cmd == nil {
		t.Error("q does not end the program")
	}
}

// TestTopRetriesALostGateway: the end of the stream, and an answer that is none.
func TestTopRetriesALostGateway(t *testing.T) {
	t.Parallel()
	fake := newFakeAdmin()
	w := watchFake(t, serveAdmin(t, fake))
	w.shows("steady")
	fake.events <- ""
	w.shows("unreachable for ", "s: the gateway has ended the stream")
	w.shows("steady")
	fake.events <- "event: sample\ndata: no JSON\n\n"
	w.shows("unreachable for ", "s: invalid character")
	w.shows("steady")
}

func TestTopWaitsForAGateway(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "admin.sock")
	w := watchFake(t, "unix:"+path)
	w.shows("unreachable for ", "s: no such file or directory")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: newFakeAdmin()}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	w.shows("steady", "1,250")
}

func TestTopFitsTheTerminal(t *testing.T) {
	w := &window{screen: top.New([]string{"127.0.0.1:9121"})}
	if view := w.View(); view.Content != "" || !view.AltScreen {
		t.Errorf("before the size is known: %q", view.Content)
	}
	w.Update(tea.WindowSizeMsg{Width: 40, Height: 9})
	if lines := strings.Split(w.View().Content, "\n"); len(lines) != 9 {
		t.Errorf("%d lines", len(lines))
	}
	if _, cmd := w.Update(tea.KeyPressMsg{Code: 'z', Mod: tea.ModCtrl}); cmd == nil {
		t.Error("ctrl+z does not suspend")
	}
	if _, cmd := w.Update(second(time.Now())); cmd == nil {
		t.Error("the clock stops")
	}
	var out bytes.Buffer
	if isScreen(world{stdout: &out}) {
		t.Error("a buffer is a terminal")
	}
}
