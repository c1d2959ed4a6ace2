package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"evergate/testenv/servers"
)

// TestBuiltGatewayReloads: the command checks the settings and signals the process, which takes them; clients stay.
func TestBuiltGatewayReloads(t *testing.T) {
	servers.SkipShort(t)
	dir := t.TempDir()
	file, pidFile := filepath.Join(dir, "evergate.yaml"), filepath.Join(dir, "pid")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const basic = "primary: 127.0.0.1:1\nlisten: 127.0.0.1:0\n"
	write(file, basic)
	process, log := built(t, nil, "run", "--config", file)
	address := listening(t, log)
	client := servers.MustDial(t, address)
	ping := func(c *servers.Conn, want string) {
		t.Helper()
		if reply, err := c.Do("PING"); err != nil || !strings.HasPrefix(string(reply), want) {
			t.Fatalf("PING: %s, %v", reply, err)
		}
	}
	ping(client, "+PONG")

	write(file, basic+"max-clients: 1\n")
	write(pidFile, fmt.Sprintf("%d\n", process.Pid))
	code, out, errOut := try([]string{"reload", "--pid-file", pidFile, "--config", file}, nil)
	if code != exitOK || !strings.Contains(out, fmt.Sprintf("SIGHUP was sent to process %d, which", process.Pid)) {
		t.Fatal(code, out, errOut)
	}
	servers.Until(t, servers.Patience, "the settings to be reloaded", func() error {
		if !strings.Contains(log(), "settings reloaded: changed=max-clients\n") {
			return errors.New(log())
		}
		return nil
	})
	ping(client, "+PONG")
	ping(servers.MustDial(t, address), "-ERR max number of clients reached")

	write(file, basic+"max-clients: none\n")
	pid := fmt.Sprint(process.Pid)
	if code, _, errOut := try([]string{"reload", "--pid", pid, "--config", file}, nil); code != exitWrong ||
		!strings.Contains(errOut, file+":3: max-clients: ") {
		t.Error(code, errOut)
	}
	if code, _, errOut := try([]string{"reload", "--pid", pid}, nil); code != exitOK { // the process finds out by itself
		t.Error(code, errOut)
	}
	servers.Until(t, servers.Patience, "the mistake to be logged", func() error {
		if !strings.Contains(log(), "reload failed, old settings kept: error=\"1 mistake\"") {
			return errors.New(log())
		}
		return nil
	})
	ping(client, "+PONG")
	if reply, err := client.Do("INFO", "gateway"); err != nil ||
		!strings.Contains(string(reply), "\r\nreloads:1\r\nreloads_failed:1\r\nreload_last:failed\r\n") {
		t.Errorf("%s, %v", reply, err)
	}
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := ended(t, process, log); code != exitOK {
		t.Errorf("exit %d\n%s", code, log())
	}
}

func TestReloadFindsTheProcess(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "pid")
	if err := os.WriteFile(file, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]struct {
		code int
		text string
	}{
		"reload":                                  {exitFailed, "the settings have no admin address; to send SIGHUP"},
		"reload --pid 1 --pid-file " + file:       {exitWrong, "none of the others can be"},
		"reload --pid -1":                         {exitWrong, "is not the number of a process"},
		"reload --pid-file " + file:               {exitFailed, `"x" is not the number of a process`},
		"reload --pid-file " + file + "2":         {exitFailed, "no such file"},
		fmt.Sprint("reload --pid ", os.Getppid()): {exitFailed, "not evergate"}, // it lives on
		"reload --pid 1 --max-clients x":          {exitWrong, "flag --max-clients: "},
	} {
		if code, _, errOut := try(strings.Fields(line), nil); code != want.code || !strings.Contains(errOut, want.text) {
			t.Errorf("%s: %d %s", line, code, errOut)
		}
	}
}

// TestBuiltGatewayReloadsOverHTTP: where there is an admin address with a password, the command has the outcome.
func TestBuiltGatewayReloadsOverHTTP(t *testing.T) {
	servers.SkipShort(t)
	file := filepath.Join(t.TempDir(), "evergate.yaml")
	write := func(more string) {
		if !strings.Contains(more, "listen:") {
			more += "listen: 127.0.0.1:0\n"
		}
		text := "primary: 127.0.0.1:1\nadmin: 'unix:" + file + ".sock'\n" + more
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	process, log := built(t, nil, "run", "--config", file)
	listening(t, log)
	pid := fmt.Sprint(process.Pid)
	reload := func(code int, out, errOut string, args ...string) {
		t.Helper()
		gotCode, gotOut, gotErr := try(append([]string{"reload"}, args...), nil)
		if gotCode != code || !strings.Contains(gotOut, out) || !strings.Contains(gotErr, errOut) {
			t.Errorf("%s: %d, %q, %q", args, gotCode, gotOut, gotErr)
		}
	}
	reload(exitOK, "the gateway has reloaded its settings; nothing has changed", "", "--config", file)
	write("max-clients: 7\nhold: 3s\nworkers: 3\n")
	reload(exitOK, "the gateway has reloaded its settings: max-clients, hold of default",
		"warning: these need a restart: workers", "--config", file, "--pid", pid)
	write("max-clients: 7\nlisten: 127.0.0.1:0\ntls-listen: 127.0.0.1:0\ntls-cert-file: /none\ntls-key-file: /none\n")
	reload(exitWrong, "", "/none", "--config", file)
	write("max-clients: 8\nlisten: ['127.0.0.1:0', 'unix:/none/s']\n")
	reload(exitFailed, "", "the gateway keeps its old settings: listen", "--config", file)
	write("max-clients: 7\nhold: 4s\nlog-file: /none/log\n")
	reload(exitFailed, "", "the gateway keeps its old settings: log-file: open /none/log", "--config", file)
	if _, err := os.Stat(file + ".log"); err == nil {
		t.Error("a log file is there")
	}
	write("max-clients: 7\nhold: 4s\nlog-file: " + file + ".log\nlog-format: json\n")
	reload(exitOK, "the gateway has reloaded its settings: log-format, log-file, hold of default", "", "--config", file)
	moved, err := os.ReadFile(file + ".log")
	if err != nil || !strings.Contains(string(moved), `"@message":"settings reloaded"`) ||
		!strings.HasSuffix(log(), "log continues elsewhere: file="+file+".log format=json\n") {
		t.Errorf("%s, %v\n%s", moved, err, log())
	}
	if strings.Contains(log(), "SIGHUP") {
		t.Error(log())
	}
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := ended(t, process, log); code != exitOK {
		t.Errorf("exit %d\n%s", code, log())
	}
	reload(exitFailed, "", "to send SIGHUP, name the process with --pid or --pid-file", "--config", file)
}
