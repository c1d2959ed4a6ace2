package adminclient

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergate/gateway/api"
	"evergate/gateway/config"
)

// serve answers like a gateway with the password "s3cret".
func serve(t *testing.T, network, address string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc(api.PathOverview, func(w http.ResponseWriter, r *http.Request) {
		if _, given, _ := r.BasicAuth(); given != "s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":"a password is needed"}`))
			return
		}
		_, _ = w.Write([]byte(`{"host":"` + r.Host + `","pid":7}`))
	})
	mux.HandleFunc(api.PathEvents, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("retry: 2000\n\nid: 1\nevent: sample\ndata: {\"at\":1,\ndata: \"x\":2}\n\n: still here\n\n" +
			"event: failover\ndata: {}\n\nevent: cut"))
	})
	mux.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
	mux.HandleFunc("/gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
	})
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(mux)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	if network == "unix" {
		return "unix:" + address
	}
	return listener.Addr().String()
}

func client(t *testing.T, address string, password config.Secret) *Client {
	t.Helper()
	c, err := New(address, password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestGetOverTCPAndUnix(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tcp := serve(t, "tcp", "127.0.0.1:0")
	unix := serve(t, "unix", filepath.Join(t.TempDir(), "admin.sock"))
	for _, c := range []struct {
		address, host string
		password      config.Secret
	}{
		{tcp, tcp, config.Secret{Value: "s3cret"}},
		{unix, "localhost", config.Secret{File: file}},
	} {
		got := api.Overview{}
		if err := client(t, c.address, c.password).Get(t.Context(), api.PathOverview, &got); err != nil {
			t.Errorf("%s: %v", c.address, err)
		}
		if got.PID != 7 || got.Host != c.host {
			t.Errorf("%s: %+v", c.address, got)
		}
	}
}

func TestErrorsAreShort(t *testing.T) {
	address := serve(t, "tcp", "127.0.0.1:0")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		address, path string
		password      config.Secret
		ctx           context.Context
		want          string
	}{
		{address, api.PathOverview, config.Secret{}, t.Context(), "HTTP 401: a password is needed"},
		{address, api.PathOverview, config.Secret{Value: "hunter2"}, t.Context(), "HTTP 401: the password is wrong"},
		{address, api.PathOverview, config.Secret{File: "/nowhere"}, t.Context(), "password file: open /nowhere: "},
		{address, "/text", config.Secret{}, t.Context(), "this is no answer of a gateway: "},
		{address, "/gone", config.Secret{}, t.Context(), "HTTP 404: Not Found"},
		{address, "/moved", config.Secret{}, t.Context(), "HTTP 302: "},
		{closed.Addr().String(), "/", config.Secret{}, t.Context(), "connection refused"},
		{"unix:/nowhere/admin.sock", "/", config.Secret{}, t.Context(), "no such file or directory"},
		{address, "/", config.Secret{}, cancelled, "context canceled"},
	} {
		err := client(t, c.address, c.password).Get(c.ctx, c.path, &api.Overview{})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s%s: %v, want %s", c.address, c.path, err, c.want)
		}
	}
	if _, err := New("/run/admin.sock", config.Secret{}); err == nil {
		t.Error("a path without unix: is an address")
	}
}

func TestEventsArriveInOrder(t *testing.T) {
	c := client(t, serve(t, "tcp", "127.0.0.1:0"), config.Secret{})
	opened, got := false, []string{}
	err := c.Events(t.Context(), func() { opened = true }, func(kind string, data []byte) error {
		got = append(got, kind+" "+string(data))
		return nil
	})
	if want := "sample {\"at\":1,\n\"x\":2}|failover {}"; strings.Join(got, "|") != want || !opened {
		t.Errorf("%q, want %q", got, want)
	}
	if err == nil || !strings.Contains(err.Error(), "ended the stream") {
		t.Errorf("the end: %v", err)
	}
	enough := errors.New("enough")
	if err := c.Events(t.Context(), func() {}, func(string, []byte) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("an event that is not taken: %v", err)
	}
}
