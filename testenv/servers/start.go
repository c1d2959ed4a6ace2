package servers

import (
	"context"
	"flag"
	"time"
)

// T has the methods of a test that this package needs; *testing.T, *testing.B and *testing.F implement it. Package
// testing is not imported, since the gateway's binary links this package for its demo.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Skip(args ...any)
	Failed() bool
	Cleanup(func())
}

// StartPlain is Plain for a test: closed at its end, with the logs printed if it fails, and skipped under -short.
func StartPlain(t T, o Options) *Env {
	t.Helper()
	return start(t, o, Plain)
}

// StartSentinel is Sentinel for a test, like StartPlain.
func StartSentinel(t T, o Options) *Env {
	t.Helper()
	return start(t, o, Sentinel)
}

// StartCluster is Cluster for a test, like StartPlain.
func StartCluster(t T, o Options) *Env {
	t.Helper()
	return start(t, o, Cluster)
}

func start(t T, o Options, make func(Options) (*Env, error)) *Env {
	t.Helper()
	SkipShort(t)
	env, err := make(o)
	if err != nil {
		t.Fatalf("starting servers: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s", env.LogTails())
		}
		if err := env.Close(); err != nil {
			t.Logf("closing servers: %v", err)
		}
	})
	return env
}

// SkipShort skips a test that needs processes under -short.
func SkipShort(t T) {
	t.Helper()
	if f := flag.Lookup("test.short"); f != nil && f.Value.String() == "true" {
		t.Skip("needs real servers, which -short leaves out")
	}
}

// Until waits for a condition and fails the test if it is not met in time.
func Until(t T, timeout time.Duration, what string, cond func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := WaitFor(ctx, what, cond); err != nil {
		t.Fatalf("%v", err)
	}
}
