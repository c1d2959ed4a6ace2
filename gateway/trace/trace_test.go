package trace

import (
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/gateway/session"
	"evergate/routing"
)

// TestMonitorsAreShownOnceCounted runs two monitors of services that are monitored together, from begin to end.
func TestMonitorsAreShownOnceCounted(t *testing.T) {
	a := NewMonitors(3)
	var first, second Monitor
	one, two := session.Ref{ID: 1, Generation: 1}, session.Ref{ID: 2, Generation: 2}
	shown := func(want ...session.Ref) {
		t.Helper()
		if got := slices.Collect(a.Sessions([]int{0, 2})); !slices.Equal(got, want) {
			t.Errorf("shown to %v, want %v", got, want)
		}
		if err := a.Check(); err != nil {
			t.Error(err)
		}
	}
	if !a.Begin(&first) || a.Begin(&first) || !first.Is() {
		t.Error("a session does not monitor once")
	}
	shown()
	a.Count([]int{0, 2}, 1)
	a.Show(&first, one, 0)
	a.Show(&second, two, 2) // it has not sent MONITOR
	shown(one)
	a.Begin(&second)
	a.Count([]int{2, 0}, 1)
	a.Show(&second, two, 2)
	a.Show(&second, two, 2)
	shown(two, one)
	if !a.Watched(0) || a.Watched(1) || !slices.Equal(a.Watchers(0), []int{2, 0}) {
		t.Errorf("watched %v and %v, by those of %v", a.Watched(0), a.Watched(1), a.Watchers(0))
	}
	for ref := range a.Sessions([]int{0, 2}) { // one that receives a record may leave
		if ref == two && !a.End(&second, two) {
			t.Error("it did not monitor")
		}
	}
	a.Count([]int{0, 2}, -1)
	shown(one)
	a.Count([]int{0, 2}, -1)
	if a.Check() == nil {
		t.Error("a monitor that is not counted is not noticed")
	}
	if a.End(&second, two) || a.Watched(2) {
		t.Error("what has ended ends twice")
	}
}

func TestRecordHidesSecrets(t *testing.T) {
	for command, want := range map[string]string{
		"SET k a\"b":                      `"SET" "k" "a\"b"`,
		"AUTH secret":                     `"AUTH" "(redacted)"`,
		"HELLO 3 AUTH me secret":          `"HELLO" "3" "AUTH" "(redacted)" "(redacted)"`,
		"CONFIG SET requirepass secret":   `"CONFIG" "SET" "requirepass" "(redacted)"`,
		"CONFIG SET maxmemory 1":          `"CONFIG" "SET" "maxmemory" "1"`,
		"ACL SETUSER me on >secret":       `"ACL" "SETUSER" "me" "(redacted)" "(redacted)"`,
		"MIGRATE h 1 k 0 9 AUTH secret":   `"MIGRATE" "h" "1" "k" "0" "9" "AUTH" "(redacted)"`,
		"MIGRATE h 1 k 0 9 AUTH2 me word": `"MIGRATE" "h" "1" "k" "0" "9" "AUTH2" "(redacted)" "(redacted)"`,
		"NOBODY.KNOWS a\x01\n":            `"NOBODY.KNOWS" "a\x01\n"`,
	} {
		var args [][]byte
		for _, word := range strings.Split(command, " ") {
			args = append(args, []byte(word))
		}
		r := Record{At: time.Unix(5, 7000), DB: 2, Client: "here:1", Command: routing.Lookup(args), Args: args}
		if got := string(r.AppendLine(nil)); got != "+5.000007 [2 here:1] "+want+"\r\n" {
			t.Errorf("%s", got)
		}
	}
}
