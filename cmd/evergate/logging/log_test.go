package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/config"
)

// pass lets the time of a bubble pass, and what is due then happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// buffer is one that timers write to as well.
type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (o *buffer) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Buffer.Write(p)
}

// opened is a log at debug into a buffer.
func opened(t *testing.T, format string) (*Log, *buffer) {
	t.Helper()
	out := new(buffer)
	l, err := Open(config.Gateway{LogLevel: "debug", LogFormat: format}, out)
	if err != nil {
		t.Fatal(err)
	}
	return l, out
}

// taken returns the lines so far without their times, and empties the buffer.
func taken(out *buffer) (lines []string) {
	out.mu.Lock()
	defer out.mu.Unlock()
	for line := range strings.Lines(out.String()) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		lines = append(lines, rest)
	}
	out.Reset()
	return lines
}

func wants(t *testing.T, step string, out *buffer, lines ...string) {
	t.Helper()
	if got := taken(out); strings.Join(got, "\n") != strings.Join(lines, "\n") {
		t.Errorf("%s:\n%s", step, strings.Join(got, "\n"))
	}
}

func TestRepeatedWarningIsWrittenOnceAndThenCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, out := opened(t, "text")
		part := l.Named("upstream").With("service", "a")
		refused := errors.New("refused")
		for range 3 {
			part.Warn("server lost", "server", "x:1", "error", refused)
			part.Debug("dialed")
		}
		wants(t, "three times", out, "[WARN]  evergate.upstream: server lost: service=a server=x:1 error=refused",
			"[DEBUG] evergate.upstream: dialed: service=a", "[DEBUG] evergate.upstream: dialed: service=a",
			"[DEBUG] evergate.upstream: dialed: service=a")

		part.Warn("server lost", "server", "y:1", "error", refused)
		part.Error("server lost", "server", "x:1", "error", refused)
		l.Named("other").With("service", "a").Warn("server lost", "server", "x:1", "error", refused)
		l.Named("upstream").With("service", "b").Warn("server lost", "server", "x:1", "error", refused)
		wants(t, "others", out, "[WARN]  evergate.upstream: server lost: service=a server=y:1 error=refused",
			"[ERROR] evergate.upstream: server lost: service=a server=x:1 error=refused",
			"[WARN]  evergate.other: server lost: service=a server=x:1 error=refused",
			"[WARN]  evergate.upstream: server lost: service=b server=x:1 error=refused")

		pass(repeatPause + 1)
		wants(t, "a minute later", out,
			"[WARN]  evergate.upstream: server lost: service=a server=x:1 error=refused repeated=2")
		part.Warn("server lost", "server", "x:1", "error", refused)
		pass(repeatPause)
		wants(t, "the next minute", out,
			"[WARN]  evergate.upstream: server lost: service=a server=x:1 error=refused repeated=1")
		pass(repeatPause)
		if len(l.repeats.lines) > 0 {
			t.Errorf("%d lines are kept", len(l.repeats.lines))
		}
		part.Warn("server lost", "server", "x:1", "error", refused)
		part.Warn("server lost", "server", "x:1", "error", refused)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		part.Warn("server lost", "server", "x:1", "error", refused)
		part.Warn("server lost", "server", "x:1", "error", refused)
		same := "[WARN]  evergate.upstream: server lost: service=a server=x:1 error=refused"
		wants(t, "the end", out, same, same+" repeated=1", same, same)
	})
}

// TestLineAtInfoMakesTheNextWarningNews: a server that is lost, found and lost again must not end as found.
func TestLineAtInfoMakesTheNextWarningNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, out := opened(t, "text")
		defer l.Close()
		l.SetLevel(hclog.Warn)
		part := l.Named("topology")
		for range 2 {
			part.Warn("server unreachable")
			part.Warn("server unreachable")
			l.Named("elsewhere").Info("listening")
			part.Info("server reachable")
		}
		lost := "[WARN]  evergate.topology: server unreachable"
		wants(t, "lost and found", out, lost, lost+": repeated=1", lost, lost+": repeated=1")
	})
}

func TestRepetitionsHaveABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, out := opened(t, "text")
		for i := range repeatsMax + 10 {
			l.Warn("client closed", "client", i)
			l.Warn("client closed", "client", i)
		}
		if n := len(taken(out)); n != repeatsMax+2*10 || len(l.repeats.lines) != repeatsMax {
			t.Errorf("%d lines, %d are remembered", n, len(l.repeats.lines))
		}
		_ = l.Close()
	})
}

func TestCountIsAFieldOfJSON(t *testing.T) {
	l, out := opened(t, "json")
	l.Warn("server lost", "server", "x:1")
	l.Warn("server lost", "server", "x:1")
	_ = l.Close()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var last map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || len(lines) != 2 ||
		last["repeated"] != 1.0 || last["@level"] != "warn" || last["server"] != "x:1" {
		t.Error(lines, err)
	}
}

func TestFileIsReopenedAfterARename(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	stderr := new(bytes.Buffer)
	l, err := Open(config.Gateway{LogLevel: "info", LogFormat: "text", LogFile: name}, stderr)
	if err != nil {
		t.Fatal(err)
	}
	l.Info("before")
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	l.Info("between")
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	l.Info("after")
	old, _ := os.ReadFile(name + ".1")
	now, _ := os.ReadFile(name)
	if strings.Count(string(old), "\n") != 2 || !strings.Contains(string(now), "after") || stderr.Len() > 0 {
		t.Errorf("old:\n%s\nnow:\n%s\nstderr:\n%s", old, now, stderr)
	}
	if state, err := os.Stat(name); err != nil || state.Mode().Perm()&0o007 != 0 {
		t.Errorf("%v %v", state.Mode(), err)
	}
	if err := errors.Join(os.Remove(name), os.Mkdir(name, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("a folder was opened: %v", err)
	}
	l.Info("still in the removed file")
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Open(config.Gateway{LogFile: filepath.Join(name, "missing", "log")}, stderr); err == nil {
		t.Error("a file in a missing folder was opened")
	}
}

// TestOutputChanges: every line is whole in one of the two outputs, and the old file is closed.
func TestOutputChanges(t *testing.T) {
	const writers, lines = 4, 500
	dir := t.TempDir()
	stderr := new(buffer)
	l, err := Open(config.Gateway{LogLevel: "info", LogFormat: "text"}, stderr)
	if err != nil {
		t.Fatal(err)
	}
	use := func(conf config.Gateway) {
		t.Helper()
		change, err := l.Prepare(conf)
		if err != nil {
			t.Fatal(err)
		}
		change.Use()
	}
	part := l.Named("upstream").With("service", "a")
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range lines {
				part.Info("line", "writer", w, "number", i)
			}
		})
	}
	names := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	for i := range 50 {
		use(config.Gateway{LogFile: names[i%2], LogFormat: []string{"json", "text"}[i/2%2]})
	}
	all.Wait()
	old := l.file
	use(config.Gateway{LogFormat: "json"})
	if _, err := old.Write(nil); err == nil {
		t.Error("the old file is open")
	}
	part.Info("the end")
	texts := stderr.String()
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts += string(text)
	}
	got := 0
	for line := range strings.Lines(texts) {
		if strings.Contains(line, "number") {
			got++
		}
		if whole := strings.HasPrefix(line, `{"`) && strings.HasSuffix(line, "}\n") ||
			strings.Contains(line, "[INFO]  evergate") && strings.HasPrefix(line, "2"); !whole {
			t.Fatalf("not a line: %q", line)
		}
	}
	if got != writers*lines || !strings.Contains(stderr.String(), `"@module":"evergate.upstream"`) {
		t.Errorf("%d lines of %d; standard error:\n%s", got, writers*lines, stderr)
	}
}

// TestOutputThatCannotBeOpenedChangesNothing: nor does one that is discarded.
func TestOutputThatCannotBeOpenedChangesNothing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	l, err := Open(config.Gateway{LogFormat: "text", LogFile: name}, new(buffer))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Prepare(config.Gateway{LogFormat: "json", LogFile: name + "/x"}); err == nil {
		t.Error("a file below a file was opened")
	}
	for _, file := range []string{name, name + "2", ""} {
		change, err := l.Prepare(config.Gateway{LogFormat: "json", LogFile: file})
		if err != nil {
			t.Fatal(err)
		}
		change.Discard()
	}
	same, err := l.Prepare(config.Gateway{LogFormat: "text", LogFile: name})
	if err != nil {
		t.Fatal(err)
	}
	same.Use()
	l.Warn("still there")
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(name)
	if err != nil || strings.Count(string(text), "\n") != 1 || !strings.Contains(string(text), "evergate: still there\n") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestStandardLoggerWritesAtItsLevel(t *testing.T) {
	l, out := opened(t, "text")
	std := l.Named("http").StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug})
	std.Print("an error of net/http\n")
	wants(t, "at debug", out, "[DEBUG] evergate.http: an error of net/http")
	l.SetLevel(hclog.Info)
	std.Print("another one")
	wants(t, "at info", out)
}

func TestJournalGetsAPriorityForEachLine(t *testing.T) {
	out := new(bytes.Buffer)
	l := hclog.New(&hclog.LoggerOptions{Output: priorities{out}, DisableTime: true, Level: hclog.Trace})
	l.Trace("a")
	l.Debug("b")
	l.Info("c")
	l.Warn("d", "error", "two\nlines")
	l.Error("e")
	want := "<7>[TRACE] a\n<7>[DEBUG] b\n<6>[INFO]  c\n<4>[WARN]  d:\n<4>  error=\n<4>  | two\n<4>  | lines\n<4>  \n" +
		"<3>[ERROR] e\n"
	if out.String() != want {
		t.Errorf("got\n%s", out)
	}
	if isJournal(out) {
		t.Error("a buffer is the journal")
	}
}
