package main

import (
	"os"
	"testing"
	"time"

	"evergate/testenv/servers"
)

func TestMain(m *testing.M) {
	if attackIfOrdered() {
		return
	}
	os.Exit(m.Run())
}

// TestHostileClientsHarmNobody is a short run. It does not judge latency, since other tests run beside it.
func TestHostileClientsHarmNobody(t *testing.T) {
	t.Parallel()
	servers.SkipShort(t)
	o := Options{Quiet: 2 * time.Second, Beside: 12 * time.Second, Each: func(line string) { t.Log(line) }}
	if servers.RaceEnabled { // which takes seconds for what the others send
		o.Only = []string{"slow-loris", "giant-counts", "connections", "passwords", "port-scan", "http", "garbage",
			"tls-half", "tls-broken", "tls-key-updates"}
	}
	r, err := Run(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", r)
	for _, wrong := range r.Wrong(false) {
		t.Error(wrong)
	}
}
