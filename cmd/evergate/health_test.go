package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// answering starts a listener that replies to each command by its name; an empty reply closes the connection.
func answering(t *testing.T, network, address string, answers map[string]string) string {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return answeringOn(t, listener, answers)
}

// answeringOn is answering on a listener, which it closes.
func answeringOn(t *testing.T, listener net.Listener, answers map[string]string) string {
	t.Helper()
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answer(conn, answers)
		}
	}()
	return showAddr(listener.Addr())
}

func answer(conn net.Conn, answers map[string]string) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	words := []string{}
	missing := 0
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "*"):
			words, missing = words[:0], int(line[1]-'0')
		case strings.HasPrefix(line, "$"):
		default:
			words, missing = append(words, line), missing-1
		}
		if missing > 0 || len(words) == 0 {
			continue
		}
		reply := answers[strings.Join(words, " ")]
		if reply == "" {
			return
		}
		if _, err := conn.Write([]byte(reply)); err != nil {
			return
		}
		words = words[:0]
	}
}

// reporting starts an HTTP server that answers /readyz.
func reporting(t *testing.T, status int, text string) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestHealthcheck(t *testing.T) {
	const loading = "-LOADING no topology is known yet\r\n"
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(secretText+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := answering(t, "tcp", "127.0.0.1:0", map[string]string{
		"PING": "+PONG\r\n", "EXISTS evergate:ready": ":0\r\n"})
	closed := answering(t, "tcp", "127.0.0.1:0", map[string]string{
		"PING": "+PONG\r\n", "AUTH " + secretText: "+OK\r\n", "EXISTS evergate:ready": "-NOPERM no\r\n"})
	named := answering(t, "tcp", "127.0.0.1:0", map[string]string{
		"PING": "+PONG\r\n", "AUTH probe " + secretText: "+OK\r\n", "EXISTS evergate:ready": ":0\r\n"})
	starting := answering(t, "tcp", "127.0.0.1:0", map[string]string{
		"PING": "+PONG\r\n", "EXISTS evergate:ready": loading})
	unready := answering(t, "tcp", "127.0.0.1:0", map[string]string{"PING": loading})
	web := answering(t, "tcp", "127.0.0.1:0", map[string]string{"PING": "HTTP/1.1 400 Bad Request\r\n"})
	silent := answering(t, "tcp", "127.0.0.1:0", nil)
	socket := answering(t, "unix", filepath.Join(t.TempDir(), "s"), map[string]string{"PING": "+PONG\r\n"})
	every := answering(t, "tcp", ":0", map[string]string{"PING": "+PONG\r\n"})

	ready, drains := reporting(t, http.StatusOK, "ok"), reporting(t, http.StatusServiceUnavailable, "not ready: draining")

	for _, c := range []struct {
		args string
		code int
	}{
		{"--listen " + open + " --ready --admin " + ready, 0},
		{"--listen " + open + " --ready --admin " + drains, 1},
		{"--listen " + open + " --ready --admin 127.0.0.1:1", 1},
		{"--listen " + open + " --admin " + drains, 0},
		{"--address " + open + " --ready --admin " + drains, 0},
		{"--address " + open, 0},
		{"--address " + open + " --ready", 0},
		{"--listen " + open, 0},
		{"--listen " + open + "," + silent, 0},
		{"--address " + closed + " --password-file " + password, 0},
		{"--listen " + closed + " --password-file " + password + " --ready", 0},
		{"--address " + named + " --password-file " + password + " --user probe --ready", 0},
		{"--address " + named + " --password-file " + password + " --ready", 1},
		{"--address " + starting, 0},
		{"--address " + starting + " --ready", 1},
		{"--address " + unready, 0},
		{"--address " + unready + " --ready", 1},
		{"--address " + web, 1},
		{"--address " + silent, 1},
		{"--address " + socket, 0},
		{"--address 0.0.0.0" + every[strings.LastIndex(every, ":"):], 0},
		{"--address 127.0.0.1:1", 1},
		{"--address nonsense", 1},
		{"--listen 127.0.0.1:0", 1},
		{"--address " + open + " --password-file /nowhere/at/all", 1},
		{"--timeout nonsense", 1},
	} {
		code, out, errOut := try(append([]string{"healthcheck"}, strings.Fields(c.args)...), nil)
		if code != c.code || out != "" || (code == 0) != (errOut == "") || strings.Contains(errOut, secretText) {
			t.Errorf("%s: exit %d, want %d: %s%s", c.args, code, c.code, out, errOut)
		}
	}
}

func TestHealthcheckAsksEveryService(t *testing.T) {
	good := answering(t, "tcp", "127.0.0.1:0", map[string]string{"PING": "+PONG\r\n"})
	silent := answering(t, "tcp", "127.0.0.1:0", nil)
	file := filepath.Join(t.TempDir(), "evergate.yaml")
	text := "services:\n- {name: a, listen: '" + good + "', cluster: 'x:1'}\n" +
		"- {name: b, listen: '" + silent + "', cluster: 'x:1'}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"EVERGATE_CONFIG=" + file}
	if code, _, errOut := try([]string{"healthcheck"}, environ); code != exitFailed || !strings.Contains(errOut, silent) {
		t.Error(code, errOut)
	}
	if code, _, errOut := try([]string{"healthcheck", "--address", good}, environ); code != exitOK {
		t.Error(code, errOut)
	}
}

// TestHealthcheckSpeaksTLS probes listeners with TLS, whose certificate must be that of the settings.
func TestHealthcheckSpeaksTLS(t *testing.T) {
	dir := t.TempDir()
	ca, err := servers.NewAuthority("test CA")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.WritePair(dir, "gate", servers.Issue{Name: "gate", Hosts: []string{"gate.example"}})
	if err != nil {
		t.Fatal(err)
	}
	caFile := filepath.Join(dir, "ca.crt")
	if err := servers.WriteCAs(caFile, ca); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	listening := func(config *tls.Config, answers map[string]string) string {
		t.Helper()
		config.Certificates = []tls.Certificate{pair}
		listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
		if err != nil {
			t.Fatal(err)
		}
		return answeringOn(t, listener, answers)
	}
	sound := map[string]string{"PING": "+PONG\r\n", "EXISTS evergate:ready": ":0\r\n"}
	open := listening(&tls.Config{}, sound)
	silent := listening(&tls.Config{}, nil)
	strict := listening(&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}, sound)
	other, otherKey, err := ca.WritePair(dir, "other", servers.Issue{Name: "other"})
	if err != nil {
		t.Fatal(err)
	}
	own := " --tls-cert-file " + cert + " --tls-key-file " + key
	for _, c := range []struct {
		args string
		code int
	}{
		{"--tls-listen " + open + own, 0},
		{"--tls-listen " + open + own + " --ready", 0},
		{"--address " + open + " --tls-listen " + open + own, 0},
		{"--tls-listen " + open + " --tls-cert-file " + other + " --tls-key-file " + otherKey, 1},
		{"--address " + open, 1}, // without TLS
		{"--tls-listen " + silent + own, 1},
		{"--tls-listen " + strict + own + " --tls-ca-file " + caFile, 0},
		{"--tls-listen " + strict + own + " --tls-ca-file " + caFile + " --ready", 1},
	} {
		code, out, errOut := try(append([]string{"healthcheck"}, strings.Fields(c.args)...), nil)
		if code != c.code || out != "" || (code == 0) != (errOut == "") {
			t.Errorf("%s: exit %d, want %d: %s%s", c.args, code, c.code, out, errOut)
		}
	}
}
