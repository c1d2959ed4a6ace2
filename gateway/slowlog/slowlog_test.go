package slowlog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestShown(t *testing.T) {
	secret := func(i int) bool { return i == 2 }
	args := [][]byte{[]byte("SET"), []byte(strings.Repeat("k", 130)), []byte("pw"), []byte("\x00")}
	if got := Shown(args, secret); !slices.Equal(got, []string{"SET", strings.Repeat("k", 128) + "... (2 more bytes)",
		"(redacted)", "\x00"}) {
		t.Errorf("%q", got)
	}
	for n, want := range map[int]string{32: "x", 33: "... (2 more arguments)", 1000: "... (969 more arguments)"} {
		many := slices.Repeat([][]byte{[]byte("x")}, n)
		if got := Shown(many, secret); len(got) != 32 || got[31] != want {
			t.Errorf("%d arguments: %d, the last %q", n, len(got), got[31])
		}
	}
}

func TestLogKeepsTheNewest(t *testing.T) {
	l := New(3)
	ids := func() (ids []int64) {
		for _, e := range l.Newest(-1) {
			ids = append(ids, e.ID)
		}
		return ids
	}
	check := func(want ...int64) {
		t.Helper()
		if got := ids(); !slices.Equal(got, want) || l.Len() != len(want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	check()
	for range 5 {
		l.Add(Entry{Args: []string{"GET"}})
	}
	check(4, 3, 2)
	if got := l.Newest(2); len(got) != 2 || got[1].ID != 3 {
		t.Errorf("%+v", got)
	}
	l.Keep(2)
	check(4, 3)
	l.Reset()
	check()
	l.Add(Entry{})
	check(5)
	l.Keep(0)
	l.Add(Entry{})
	if check(); l.Total() != 6 || l.Most() != 0 {
		t.Errorf("%d in all", l.Total())
	}
	l.Keep(4)
	l.Add(Entry{})
	check(6)
}

func TestParseAndReply(t *testing.T) {
	for in, want := range map[string]string{
		"":            "{10 false}",
		"3":           "{3 false}",
		"-1 PARTS":    "{-1 true}",
		"parts":       "{10 true}",
		"-2":          "-ERR count should be greater than or equal to -1",
		"x":           "-ERR count should be greater than or equal to -1",
		"1 2":         "-ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP.",
		"1 2 PARTS":   "-ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP.",
		"PARTS 1":     "-ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP.",
		"x PARTS":     "-ERR count should be greater than or equal to -1",
		"PARTS parts": "-ERR count should be greater than or equal to -1",
	} {
		args := [][]byte{[]byte("slowlog"), []byte("get")}
		for _, word := range strings.Fields(in) {
			args = append(args, []byte(word))
		}
		q, wrong := Parse(args)
		got := fmt.Sprint(q)
		if wrong != nil {
			got = string(bytes.TrimSpace(wrong))
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	e := Entry{ID: 7, At: time.Unix(1000, 5), Took: 12500 * time.Microsecond, Server: 9 * time.Millisecond,
		Hold: 2 * time.Millisecond, Acks: 500 * time.Microsecond,
		Args: []string{"GET", "k"}, Client: "a:1", Name: "n", User: "u", Node: "s:1"}
	if got := string(AppendReply(nil, 2, []Entry{e}, false)); got !=
		"*1\r\n*6\r\n:7\r\n:1000\r\n:12500\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n$3\r\na:1\r\n$1\r\nn\r\n" {
		t.Errorf("%q", got)
	}
	want := "$1\r\nn\r\n%6\r\n$10\r\ngateway-us\r\n:1000\r\n$9\r\nserver-us\r\n:9000\r\n$7\r\nhold-us\r\n:2000\r\n" +
		"$7\r\nacks-us\r\n:500\r\n" +
		"$6\r\nserver\r\n$3\r\ns:1\r\n$4\r\nuser\r\n$1\r\nu\r\n"
	if got := string(AppendReply(nil, 3, []Entry{e}, true)); !strings.HasSuffix(got, want) {
		t.Errorf("%q", got)
	}
}

// TestFullLogIsNotMovedForEachEntry: after a hold thousands of requests are slow at once, and workers wait for the log.
func TestFullLogIsNotMovedForEachEntry(t *testing.T) {
	const most = 1000
	l, moved := New(most), 0
	for range most {
		l.Add(Entry{})
	}
	for range 2 * most {
		second := &l.entries[1]
		if l.Add(Entry{}); &l.entries[0] != second {
			moved++
		}
	}
	if moved > 20 || l.Len() != most {
		t.Errorf("%d entries were moved %d times", l.Len(), moved)
	}
}
