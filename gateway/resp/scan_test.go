package resp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// scanAll feeds in to a Scanner in the given cuts, keeping unread bytes as a session does, and returns what it found.
func scanAll(in []byte, cuts func(rest int) int, lim Limits) (found []string, canonical []byte) {
	var s Scanner
	var pending []byte
	var args [][]byte
	for len(in) > 0 {
		n := min(max(1, cuts(len(in))), len(in))
		pending = append(pending, in[:n]...)
		in = in[n:]
		for {
			var st Status
			n, args, st = s.Next(pending, args, &lim)
			if st == More {
				break
			}
			if st == Broken {
				return append(found, "broken: "+s.Err()), canonical
			}
			if st != Empty {
				found = append(found, fmt.Sprintf("%q", args))
				canonical = AppendCommand(canonical, args...)
				if st == Frame && !bytes.Equal(pending[:n], AppendCommand(nil, args...)) {
					return append(found, "a frame that is not canonical"), canonical
				}
			}
			pending = pending[n:]
		}
	}
	if len(pending) > 0 {
		found = append(found, fmt.Sprintf("%d bytes left", len(pending)))
	}
	return found, canonical
}

func allAtOnce(rest int) int { return rest }
func oneByte(int) int        { return 1 }

func TestScanner(t *testing.T) {
	for _, c := range []struct {
		in   string
		want string
	}{
		{"*1\r\n$4\r\nPING\r\n", `["PING"]`},
		{"*2\r\n$3\r\nGET\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\n", `["GET" ""] ["PING"]`},
		{"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", `["PING"] ["PING"]`},
		{"*1\rx$4\rxPING\r\n", `["PING"]`},
		{"*0\r\n*-1\r\n*-5\r\n\r\n\n*1\r\n$4\r\nPING\r\n", `["PING"]`},
		{"PING\r\n", `["PING"]`},
		{"  set  a \"b\\x41\\n\\\"\" 'it\\'s'\n", `["set" "a" "bA\n\"" "it's"]`},
		{"set a\"b c\" d\r\n", `["set" "ab c" "d"]`},
		{"set \"a\"b\r\n", `broken: ERR Protocol error: unbalanced quotes in request`},
		{"set 'a\r\n", `broken: ERR Protocol error: unbalanced quotes in request`},
		{"PING\x00 x\r\n", `["PING"]`},
		{"*x\r\n", `broken: ERR Protocol error: invalid multibulk length`},
		{"*+1\r\n", `broken: ERR Protocol error: invalid multibulk length`},
		{"*01\r\n", `broken: ERR Protocol error: invalid multibulk length`},
		{"*\r\n", `broken: ERR Protocol error: invalid multibulk length`},
		{"*1048577\r\n", `broken: ERR Protocol error: invalid multibulk length`},
		{"*9223372036854775808\r\n", `broken: ERR Protocol error: invalid multibulk length`},
		{"*1\r\nPING\r\n", `broken: ERR Protocol error: expected '$', got 'P'`},
		{"*1\r\n*1\r\n", `broken: ERR Protocol error: expected '$', got '*'`},
		{"*1\r\n$-1\r\n", `broken: ERR Protocol error: invalid bulk length`},
		{"*1\r\n$9223372036854775807\r\nx\r\n", `broken: ERR Protocol error: invalid bulk length`},
		{"*1\r\n$536870913\r\n", `broken: ERR Protocol error: invalid bulk length`},
		{"*1\r\n$4\r\nPIN", "15 bytes left"},
		{strings.Repeat("a", LineBytes+1), `broken: ERR Protocol error: too big inline request`},
		{"*" + strings.Repeat("1", LineBytes+1), `broken: ERR Protocol error: too big mbulk count string`},
		{"*1\r\n$" + strings.Repeat("1", LineBytes+1), `broken: ERR Protocol error: too big bulk count string`},
	} {
		for name, cut := range map[string]func(int) int{"whole": allAtOnce, "bytes": oneByte} {
			got, _ := scanAll([]byte(c.in), cut, DefaultLimits())
			want := c.want
			if strings.HasSuffix(want, "bytes left") {
				want = fmt.Sprintf("%d bytes left", len(c.in))
			}
			if g := strings.Join(got, " "); g != want {
				t.Errorf("%s %.40q: got %s, want %s", name, c.in, g, want)
			}
		}
	}
}

func TestScannerBeforeAuth(t *testing.T) {
	for in, want := range map[string]string{
		"*11\r\n":          `broken: ERR Protocol error: unauthenticated multibulk length`,
		"*1\r\n$16385\r\n": `broken: ERR Protocol error: unauthenticated bulk length`,
		"*1\r\n$16384\r\n": "12 bytes left",
	} {
		if got, _ := scanAll([]byte(in), allAtOnce, BeforeAuth()); strings.Join(got, " ") != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestScannerNeed(t *testing.T) {
	var s Scanner
	lim := DefaultLimits()
	if _, _, st := s.Next([]byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\nabc"), nil, &lim); st != More {
		t.Fatalf("status %d", st)
	}
	if got, want := s.Need(), int64(len("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n")+1000002); got != want {
		t.Errorf("need %d, want %d", got, want)
	}
}

// TestScannerLooksOnce guards the cost of a command that arrives in pieces: a scanner that started over each time would
// need minutes here.
func TestScannerLooksOnce(t *testing.T) {
	var frame []byte
	args := make([][]byte, 200_000)
	for i := range args {
		args[i] = []byte("argument")
	}
	frame = AppendCommand(nil, args...)
	var s Scanner
	lim := DefaultLimits()
	for end := 64; end < len(frame); end += 64 {
		if _, _, st := s.Next(frame[:end], nil, &lim); st != More {
			t.Fatalf("status %d at %d", st, end)
		}
	}
	_, got, st := s.Next(frame, nil, &lim)
	if st != Frame || len(got) != len(args) {
		t.Fatalf("status %d, %d arguments", st, len(got))
	}
}

func FuzzScanner(f *testing.F) {
	for _, seed := range []string{
		"*1\r\n$9223372036854775807\r\nx\r\n", "*1\r\n$-2\r\n\r\n", "*9223372036854775807\r\n",
		"*2\r\n$3\r\nGET\r\n$-1\r\n", "$3 GET\r\n", "*1\r\n$4\r\nPING\r\nPING\r\n*0\r\n", "set a \"b\\x4\" 'c\r\n",
		"*2\rx$1\rxaxx$0\r\n\r\n",
	} {
		f.Add([]byte(seed), uint8(1))
	}
	f.Fuzz(func(t *testing.T, in []byte, cut uint8) {
		lim := Limits{ArgsMax: 1000, BulkBytesMax: 1 << 16, LineBytesMax: 128}
		whole, canonical := scanAll(in, allAtOnce, lim)
		pieces, _ := scanAll(in, func(int) int { return int(cut)%7 + 1 }, lim)
		if fmt.Sprint(whole) != fmt.Sprint(pieces) {
			t.Fatalf("in one piece %s, in pieces %s", whole, pieces)
		}
		rescanned, _ := scanAll(canonical, allAtOnce, lim)
		if n := len(rescanned); n > len(whole) || fmt.Sprint(whole[:n]) != fmt.Sprint(rescanned) {
			t.Fatalf("written anew: %s, was %s", rescanned, whole)
		}
	})
}

func BenchmarkScannerGET(b *testing.B) {
	frame := []byte("*2\r\n$3\r\nGET\r\n$12\r\nkey:00000042\r\n")
	var s Scanner
	lim := DefaultLimits()
	args := make([][]byte, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		_, args, _ = s.Next(frame, args, &lim)
	}
}
