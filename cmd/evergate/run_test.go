package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/cmd/evergate/settings"
	"evergate/gateway/config"
	"evergate/testenv/servers"
)

// syncBuffer is a buffer that several goroutines write to.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// fakeGateway counts its calls.
type fakeGateway struct {
	signals chan os.Signal
	drain   func(context.Context) error
	config  config.Gateway
	closed  int
	unread  int
	stderr  syncBuffer
	// reload is called with the new settings.
	reload func(config.Gateway) (config.Changes, error)
	// reopened gets an element each time when the audit log is opened again.
	reopened chan struct{}
}

func (f *fakeGateway) run(t *testing.T, args, environ []string) (code int, out, errOut string) {
	t.Helper()
	var stdout syncBuffer
	code = execute(args, world{stdout: &stdout, stderr: &f.stderr, environ: environ,
		notify: func() (<-chan os.Signal, func()) { return f.signals, func() {} },
		start: func(conf config.Gateway, _ hclog.Logger) (*running, error) {
			f.config = conf
			return &running{
				addrs: func() []net.Addr {
					addrs := []net.Addr{&net.TCPAddr{IP: net.IPv6loopback, Port: 7}, &net.UnixAddr{Name: "/x", Net: "unix"}}
					return addrs[:len(conf.Services[0].Listen)]
				},
				drain:  f.drain,
				close:  func() error { f.closed++; return nil },
				reopen: func() error { f.reopened <- struct{}{}; return nil },
				reload: func(fresh config.Gateway) (config.Changes, error) {
					f.config = fresh
					return f.reload(fresh)
				},
				unread: func(error) { f.unread++ },
				turn:   func(context.Context) error { return nil },
			}, nil
		}})
	return code, stdout.String(), f.stderr.String()
}

func TestSignalDrains(t *testing.T) {
	f := &fakeGateway{signals: make(chan os.Signal, 1)}
	f.signals <- syscall.SIGTERM
	f.drain = func(ctx context.Context) error {
		if deadline, ok := ctx.Deadline(); !ok || deadline.IsZero() {
			t.Error("no deadline")
		}
		return nil
	}
	code, out, errOut := f.run(t, []string{"run", "--primary", "a:1", "--replica", "b:1,c:1", "--listen",
		"[::1]:7,unix:/x"}, nil)
	if code != exitOK || out != "" || f.closed != 1 {
		t.Error(code, out, f.closed)
	}
	for _, line := range []string{"[INFO]  evergate: listening: address=\"[::1]:7,unix:/x\" service=default " +
		"upstream=\"primary a:1 replicas b:1,c:1\" version=",
		"draining: signal=terminated delay=0s timeout=10s", "[INFO]  evergate: stopped"} {
		if !strings.Contains(errOut, line) {
			t.Errorf("no %q in\n%s", line, errOut)
		}
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	f := &fakeGateway{signals: make(chan os.Signal, 1)}
	f.signals <- syscall.SIGTERM
	f.drain = func(ctx context.Context) error {
		f.signals <- os.Interrupt
		<-ctx.Done()
		return ctx.Err()
	}
	code, _, errOut := f.run(t, []string{"run", "--primary", "a:1", "--drain-timeout", "1h"}, nil)
	if code != exitFailed || f.closed != 1 || !strings.Contains(errOut, "second signal (interrupt)") {
		t.Error(code, f.closed, errOut)
	}
}

// TestHangupReloads: with a sound file, with a wrong one, with one that the gateway rejects, and with a sound one
// again. While it drains a hangup has no effect.
func TestHangupReloads(t *testing.T) {
	file := filepath.Join(t.TempDir(), "evergate.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte("primary: a:1\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	signals := make(chan os.Signal)
	f := &fakeGateway{signals: signals}
	reloads := 0
	f.reload = func(fresh config.Gateway) (config.Changes, error) {
		if reloads++; reloads == 2 {
			return config.Changes{}, errors.New("no such certificate")
		}
		return config.Changes{Applied: []config.Change{{Setting: "max-clients"}},
			Restart: []config.Change{{Setting: "workers"}, {Service: "default", Setting: "primary"}}}, nil
	}
	go func() {
		for i, text := range []string{"max-clients: 7", "max-clients: x", "max-clients: 8", "drain-timeout: 7s"} {
			write(text)
			signals <- syscall.SIGHUP
			if err := servers.WaitFor(t.Context(), "the reload to end", func() error {
				log := f.stderr.String()
				if strings.Count(log, ": settings reloaded: ")+strings.Count(log, ": reload failed") <= i {
					return errors.New(log)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		}
		signals <- syscall.SIGTERM
	}()
	f.drain = func(ctx context.Context) error {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 8*time.Second {
			t.Error("the new timeout of draining is not used")
		}
		signals <- syscall.SIGHUP
		return nil
	}
	code, _, errOut := f.run(t, []string{"run", "--config", file, "--workers", "3"}, []string{"EVERGATE_READS=primary"})
	if code != exitOK || f.closed != 1 || reloads != 3 || f.unread != 1 ||
		f.config.DrainTimeout != 7*time.Second || f.config.Workers != 3 {
		t.Error(code, f.closed, reloads, f.config)
	}
	rest := errOut
	for _, line := range []string{"[INFO]  evergate: settings reloaded: changed=max-clients",
		"[WARN]  evergate: settings need a restart: settings=\"workers, primary of default\"",
		"[ERROR] evergate: wrong setting: source=" + file + ":2 problem=\"max-clients: ",
		"[ERROR] evergate: reload failed, old settings kept: error=\"1 mistake\"",
		"[ERROR] evergate: reload failed, old settings kept: error=\"no such certificate\"",
		"[INFO]  evergate: settings reloaded", "[INFO]  evergate: draining: signal=terminated delay=0s timeout=7s",
		"[WARN]  evergate: reload ignored"} {
		_, after, found := strings.Cut(rest, line)
		if !found {
			t.Fatalf("no %q in\n%s", line, rest)
		}
		rest = after
	}
}

// TestRotationReopensFiles: logrotate renames the files, then sends SIGUSR1, which would end a process that does not
// catch it.
func TestRotationReopensFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	f := &fakeGateway{signals: make(chan os.Signal, 1), reopened: make(chan struct{}, 1)}
	f.drain = func(ctx context.Context) error {
		if err := errors.Join(os.Rename(name, name+".1"), syscall.Kill(os.Getpid(), syscall.SIGUSR1)); err != nil {
			return err
		}
		select {
		case <-f.reopened: // after the file of the log
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.signals <- syscall.SIGTERM
	code, _, errOut := f.run(t, []string{"run", "--primary", "a:1", "--log-file", name}, nil)
	old, oldErr := os.ReadFile(name + ".1")
	text, err := os.ReadFile(name)
	if code != exitOK || errOut != "" || errors.Join(oldErr, err) != nil ||
		!strings.Contains(string(old), "evergate: draining") || !strings.Contains(string(text), "evergate: stopped") {
		t.Errorf("exit %d, standard error %q, old file:\n%s\nfile:\n%s", code, errOut, old, text)
	}
	code, _, errOut = f.run(t, []string{"run", "--primary", "a:1", "--log-file", filepath.Join(name, "x")}, nil)
	if code != exitFailed || !strings.Contains(errOut, "log-file") {
		t.Error(code, errOut)
	}
}

func TestDrainTimeoutEnds(t *testing.T) {
	f := &fakeGateway{signals: make(chan os.Signal, 1)}
	f.signals <- syscall.SIGTERM
	f.drain = func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	code, _, errOut := f.run(t, []string{"run", "--primary", "a:1", "--drain-timeout", "1ms"}, nil)
	if code != exitFailed || f.closed != 1 || !strings.Contains(errOut, "deadline exceeded") {
		t.Error(code, f.closed, errOut)
	}
}

func TestLogIsJSONWhenAsked(t *testing.T) {
	f := &fakeGateway{signals: make(chan os.Signal, 1), drain: func(context.Context) error { return nil }}
	f.signals <- syscall.SIGTERM
	_, _, errOut := f.run(t, []string{"run", "--primary", "a:1"}, []string{"EVERGATE_LOG_FORMAT=json"})
	first, _, _ := strings.Cut(errOut, "\n")
	var line map[string]any
	if err := json.Unmarshal([]byte(first), &line); err != nil {
		t.Fatal(err, errOut)
	}
	if line["@message"] != "listening" || line["address"] != "[::1]:7" || line["@level"] != "info" {
		t.Error(first)
	}
	if !strings.Contains(errOut, `"signal":"terminated","timeout":"10s"`) {
		t.Errorf("a signal and a time are no words in\n%s", errOut)
	}
}

func TestSettingsReachTheGateway(t *testing.T) {
	f := &fakeGateway{signals: make(chan os.Signal, 1), drain: func(context.Context) error { return nil }}
	f.signals <- syscall.SIGTERM
	code, _, errOut := f.run(t, []string{"run", "--sentinel", "a:1,b:2", "--master-name=m", "--workers=3",
		"--proto-max-bulk-len=1mb", "--idle-timeout", "5m", "--address-map", "x=y,[::1]:1=z:2", "--no-auth",
		"--listen", "0.0.0.0:1, unix:/x", "--reads=prefer-replica", "--sentinel-user", "s"},
		[]string{"EVERGATE_SENTINEL_PASSWORD=hunter2"})
	if code != exitOK {
		t.Fatal(code, errOut)
	}
	s, l := f.config.Services[0], f.config.Limits
	if strings.Join(s.Sentinels, " ") != "a:1 b:2" || s.MasterName != "m" || f.config.Workers != 3 ||
		l.BulkBytesMax != 1<<20 || l.IdleMax.Minutes() != 5 || s.AddressMap["[::1]:1"] != "z:2" || !s.NoAuth ||
		strings.Join(s.Listen, " ") != "0.0.0.0:1 unix:/x" || s.Reads != config.ReadPreferReplica ||
		s.Sentinel.User != "s" || s.Sentinel.Password.Value != secretText || l.AuthMax.Seconds() != 60 {
		t.Errorf("%+v", f.config)
	}
	if strings.Contains(errOut, secretText) {
		t.Error(errOut)
	}
}

func TestFileReadableByOthersIsWarnedOf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := errors.Join(os.WriteFile(file, []byte(secretText), 0o600), os.Chmod(file, 0o644)); err != nil {
		t.Fatal(err)
	}
	f := &fakeGateway{signals: make(chan os.Signal, 1), drain: func(context.Context) error { return nil }}
	f.signals <- syscall.SIGTERM
	_, _, errOut := f.run(t, []string{"run", "--primary", "a:1", "--password-file", file}, nil)
	if !strings.Contains(errOut, "[WARN]") || !strings.Contains(errOut, "can be read by every user") {
		t.Error(errOut)
	}
	if code, _, errOut := try([]string{"check", "--primary", "a:1", "--password-file", file}, nil); code != exitOK ||
		!strings.Contains(errOut, "warning: flag --password-file") {
		t.Error(code, errOut)
	}
}

func TestExamplesPassCheck(t *testing.T) {
	examples, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(examples) != 8 {
		t.Fatal(examples, err)
	}
	for _, example := range examples {
		if code, out, errOut := try([]string{"check", "--config", example}, nil); code != exitOK || out == "" {
			t.Errorf("%s: exit %d\n%s%s", example, code, out, errOut)
		}
	}
}

func TestVersionAndCompletion(t *testing.T) {
	code, out, _ := try([]string{"version", "-o", "json"}, nil)
	var b build
	if err := json.Unmarshal([]byte(out), &b); code != exitOK || err != nil || b.Go == "" || b.Platform == "" {
		t.Error(code, out, err)
	}
	if code, out, _ := try([]string{"version"}, nil); code != exitOK || !strings.HasPrefix(out, "evergate ") {
		t.Error(code, out)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, out, _ := try([]string{"completion", shell}, nil); code != exitOK || !strings.Contains(out, "evergate") {
			t.Error(shell, code)
		}
	}
	for given, want := range map[string]string{"--reads=": "prefer-replica", "--log-f": "--log-format"} {
		args := []string{"__complete", "run", given}
		if strings.HasSuffix(given, "=") {
			args = []string{"__complete", "run", strings.TrimSuffix(given, "="), ""}
		}
		if code, out, _ := try(args, nil); code != exitOK || !strings.Contains(out, want) {
			t.Error(given, code, out)
		}
	}
}

// TestOldValuesAreDeprecated: deprecated values are accepted, each with one warning, and absent from the help.
func TestOldValuesAreDeprecated(t *testing.T) {
	f := &fakeGateway{signals: make(chan os.Signal, 1), drain: func(context.Context) error { return nil }}
	f.signals <- syscall.SIGTERM
	_, _, errOut := f.run(t, []string{"run", "--primary", "a:1", "--blocking-lost", "again"},
		[]string{"EVERGATE_ON_GAP=stay"})
	service := f.config.Services[0]
	if service.BlockingLost != config.BlockingAgain || service.OnGap != config.GapStay {
		t.Errorf("%q, %q", service.BlockingLost, service.OnGap)
	}
	for _, at := range []string{"flag --blocking-lost", "env EVERGATE_ON_GAP"} {
		line := `[WARN]  evergate: deprecated setting: source="` + at + `" problem=`
		if strings.Count(errOut, line) != 1 {
			t.Errorf("no %s once in\n%s", line, errOut)
		}
	}
	for _, s := range settings.All {
		for old := range s.Renamed {
			if slices.Contains(s.Choices, old) || strings.Contains(s.Wants, old) {
				t.Errorf("--%s shows %q", s.Name, old)
			}
		}
	}
}

func TestHelpNamesEverySetting(t *testing.T) {
	code, out, _ := try([]string{"run", "--help"}, nil)
	for _, s := range settings.All {
		if code != exitOK || strings.Contains(out, "--"+s.Name+" ") == (s.EnvOnly || s.FileOnly) {
			t.Errorf("%s: %s", s.Name, out)
		}
	}
}
