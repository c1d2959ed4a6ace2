package gateway

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/policy"
)

func TestAuditWritesLines(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	a, err := newAudit(name, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	note := a.note()
	note(policy.Event{Time: time.Unix(5, 0).UTC(), Service: "main", Event: policy.Denied, User: "app", Client: "c:1",
		ID: 7, Command: "get", Keys: []string{"a\"b"}, Reason: "key", Object: "a\"b"})
	for range 2 * auditWaiting {
		note(policy.Event{Event: policy.Allowed})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	a.run(ctx)
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
	if none, err := newAudit("", hclog.NewNullLogger()); none != nil || none.note() != nil || err != nil {
		t.Error("there is an audit log without a name")
	}
	if _, err := newAudit(filepath.Join(name, "x"), hclog.NewNullLogger()); err == nil {
		t.Error("a file that cannot be opened is no error")
	}
}
