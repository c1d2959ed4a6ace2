package gateway

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/config"
	"evergate/gateway/loop"
	"evergate/gateway/policy"
)

func TestAuditWritesLines(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	a, err := newAudit(name, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	note := a.note
	note(policy.Event{Time: time.Unix(5, 0).UTC(), Service: "main", Event: policy.Denied, User: "app", Client: "c:1",
		ID: 7, Command: "get", Keys: []string{"a\"b"}, Reason: "key", Object: "a\"b"})
	for range 2 * auditWaiting {
		note(policy.Event{Event: policy.Allowed})
	}
	a.end()
	a.run()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	if want := `{"time":"1970-01-01T00:00:05Z","service":"main","event":"denied","user":"app","client":"c:1","id":7,` +
		`"command":"get","keys":["a\"b"],"reason":"key","object":"a\"b"}`; first != want {
		t.Errorf("%s\nwant %s", first, want)
	}
	if n := strings.Count(rest, "\n"); n != auditWaiting-1 {
		t.Errorf("%d further lines", n)
	}
	if st, err := os.Stat(name); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st.Mode(), err)
	}
	none, err := newAudit("", hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	none.note(policy.Event{Event: policy.Denied})
	none.end()
	none.run() // writes nothing
	if _, err := newAudit(filepath.Join(name, "x"), hclog.NewNullLogger()); err == nil {
		t.Error("a file that cannot be opened is no error")
	}
}

func TestAuditFileIsReopenedAfterARename(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	g, _ := start(t, loop.New, startNode(t), func(c *config.Gateway) { c.AuditLog = name })
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	if err := g.ReopenAudit(); err != nil {
		t.Fatal(err)
	}
	g.audit.note(policy.Event{Event: policy.Denied})
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	old, _ := os.ReadFile(name + ".1")
	if text, err := os.ReadFile(name); err != nil || len(old) > 0 || !strings.Contains(string(text), "denied") {
		t.Errorf("old: %q, new: %q %v", old, text, err)
	}
	if err := g.ReopenAudit(); err != nil {
		t.Error(err)
	}
}

// TestCloseKeepsAuditEntries: what a worker decided until it was stopped is in the file.
func TestCloseKeepsAuditEntries(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	var g *Gateway
	stopped := 0
	last := func(c loop.Config) (loop.Loop, error) {
		l, err := loop.New(c)
		return &stoppedLater{l, func() {
			for range 100 { // the last round of a worker
				g.audit.note(policy.Event{Event: policy.Denied})
				stopped++
				runtime.Gosched()
			}
		}}, err
	}
	g, _ = start(t, last, startNode(t), func(c *config.Gateway) { c.AuditLog = name })
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if got := strings.Count(string(text), "denied"); err != nil || got != stopped || got == 0 {
		t.Errorf("%d entries of %d, %v", got, stopped, err)
	}
}

// stoppedLater is a loop that calls something before it ends.
type stoppedLater struct {
	loop.Loop
	before func()
}

func (l *stoppedLater) Stop() {
	l.before()
	l.Loop.Stop()
}
