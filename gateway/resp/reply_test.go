package resp

import (
	"bytes"
	"testing"
)

// replyEnds scans b in pieces of cut bytes and returns the ends of the replies, and whether the stream is broken.
func replyEnds(b []byte, cut int) (ends []int, broken bool) {
	var s ReplyScanner
	at := 0
	for from := 0; from < len(b); from += cut {
		piece := b[from:min(from+cut, len(b))]
		for len(piece) > 0 {
			n, done, err := s.Scan(piece)
			if err != nil {
				return ends, true
			}
			at += n
			piece = piece[n:]
			if done {
				ends = append(ends, at)
			}
		}
	}
	return ends, false
}

func TestReplyScanner(t *testing.T) {
	good := []string{
		"+OK\r\n", "-ERR x\r\n", ":-12\r\n", ":-9223372036854775808\r\n", ":9223372036854775807\r\n",
		"$-1\r\n", "$0\r\n\r\n", "$3\r\na\r\n\r\n",
		"*-1\r\n", "*0\r\n",
		"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "(123\r\n",
		"=7\r\ntxt:abc\r\n", "!5\r\nERR x\r\n",
		"%1\r\n+a\r\n%0\r\n", "~1\r\n:1\r\n", ">2\r\n+a\r\n+b\r\n", "|1\r\n+ttl\r\n:5\r\n+value\r\n",
		"+\r\n", "*1\r\n*1\r\n*0\r\n",
	}
	all := []byte{}
	for _, g := range good {
		all = append(all, g...)
		for cut := 1; cut <= len(g); cut++ {
			ends, broken := replyEnds([]byte(g), cut)
			if broken || len(ends) != 1 || ends[0] != len(g) {
				t.Errorf("%q cut %d: ends %v, broken %v", g, cut, ends, broken)
			}
		}
	}
	for cut := 1; cut < 40; cut++ {
		if ends, broken := replyEnds(all, cut); broken || len(ends) != len(good) {
			t.Errorf("cut %d: %d replies, broken %v", cut, len(ends), broken)
		}
	}
	for _, bad := range []string{"x\r\n", "+a\n", "+a\rb", ":\r\n", ":1x\r\n", "$-2\r\n", "*-2\r\n", "%-1\r\n",
		"$99999999999999999999\r\n",
		":9223372036854775808\r\n", "\r\n", "*1\r\n\r\n", "*9223372036854775807\r\n", "--\n"} {
		for cut := 1; cut <= len(bad); cut++ {
			if ends, broken := replyEnds([]byte(bad), cut); !broken {
				t.Errorf("%q cut %d is taken: ends %v", bad, cut, ends)
			}
		}
	}
}

func FuzzReplyScanner(f *testing.F) {
	f.Add([]byte("*2\r\n$1\r\na\r\n*1\r\n:1\r\n"), uint8(3))
	f.Add([]byte("$9223372036854775807\r\nx\r\n"), uint8(1))
	f.Add([]byte("_\r\n%1\r\n+a\r\n|1\r\n+a\r\n+b\r\n+c\r\n"), uint8(2))
	f.Fuzz(func(t *testing.T, in []byte, cut uint8) {
		whole, brokenWhole := replyEnds(in, max(1, len(in)))
		pieces, brokenPieces := replyEnds(in, int(cut)%9+1)
		if brokenWhole != brokenPieces || len(whole) != len(pieces) {
			t.Fatalf("in one piece %v %v, in pieces %v %v", whole, brokenWhole, pieces, brokenPieces)
		}
		for i := range whole {
			if whole[i] != pieces[i] {
				t.Fatalf("in one piece %v, in pieces %v", whole, pieces)
			}
		}
	})
}

func TestJoin(t *testing.T) {
	for _, c := range []struct {
		kind  JoinKind
		parts []JoinPart
		want  string
	}{
		{Ordered, []JoinPart{{[]byte("*2\r\n$1\r\na\r\n$-1\r\n"), []int{0, 2}, ""},
			{[]byte("*1\r\n$1\r\nb\r\n"), []int{1}, ""}},
			"*3\r\n$1\r\na\r\n$1\r\nb\r\n$-1\r\n"},
		{Ordered, []JoinPart{{[]byte("*1\r\n+a\r\n"), []int{0}, ""}, {[]byte("-LOADING x\r\n"), []int{1}, ""}},
			"-LOADING x\r\n"},
		{Ordered, []JoinPart{{[]byte("*2\r\n+a\r\n+b\r\n"), []int{0}, ""}}, "-" + joinShape + "\r\n"},
		{Ordered, []JoinPart{{[]byte("*1\r\n+a\r\n"), []int{5}, ""}}, "-" + joinShape + "\r\n"},
		{Ordered, []JoinPart{{[]byte("+QUEUED\r\n"), []int{0}, ""}}, "-" + joinShape + "\r\n"},
		{Sum, []JoinPart{{Reply: []byte(":2\r\n")}, {Reply: []byte(":40\r\n")}}, ":42\r\n"},
		{Sum, []JoinPart{{Reply: []byte(":2\r\n")}, {Reply: []byte("+OK\r\n")}}, "-" + joinShape + "\r\n"},
		{AllOK, []JoinPart{{Reply: OK}, {Reply: OK}}, "+OK\r\n"},
		{AllOK, []JoinPart{{Reply: OK}, {Reply: []byte("-OOM x\r\n")}}, "-OOM x\r\n"},
		{AllOK, []JoinPart{{Reply: []byte("+Background saving started\r\n")}, {Reply: OK}}, "+Background saving started\r\n"},
		{AllOK, []JoinPart{{Reply: OK}, {Reply: []byte(":1\r\n")}}, "-" + joinShape + "\r\n"},
		{Concat, answers("*2\r\n+a\r\n+b\r\n", "*0\r\n", "*1\r\n$1\r\nc\r\n"), "*3\r\n+a\r\n+b\r\n$1\r\nc\r\n"},
		{Concat, answers("*1\r\n+a\r\n", ":1\r\n"), "-" + joinShape + "\r\n"},
		{Concat, answers("*1\r\n+a\r\n", "*-1\r\n"), "-" + joinShape + "\r\n"},
		{AnyOf, answers("$-1\r\n", "$1\r\nk\r\n", "_\r\n"), "$1\r\nk\r\n"},
		{AnyOf, answers("_\r\n", "_\r\n"), "_\r\n"},
		{EachTrue, answers("*2\r\n:1\r\n:1\r\n", "*2\r\n:1\r\n:0\r\n"), "*2\r\n:1\r\n:0\r\n"},
		{EachTrue, answers("*2\r\n:1\r\n:1\r\n", "*1\r\n:1\r\n"), "-" + joinShape + "\r\n"},
		{Same, answers("$1\r\na\r\n", "$1\r\na\r\n"), "$1\r\na\r\n"},
		{Same, answers("$1\r\na\r\n", "$1\r\nb\r\n"), "-" + joinShape + "\r\n"},
		{OneOK, answers("-NOTBUSY no\r\n", "+OK\r\n"), "+OK\r\n"},
		{OneOK, answers("-NOTBUSY no\r\n", "-UNKILLABLE it wrote\r\n", "-NOTBUSY no\r\n"), "-UNKILLABLE it wrote\r\n"},
		{OneOK, answers("-NOTBUSY no\r\n", "-NOTBUSY no\r\n"), "-NOTBUSY no\r\n"},
		{OneOK, answers("-NOTBUSY no\r\n", ":1\r\n"), "-" + joinShape + "\r\n"},
		{Least, answers(":9\r\n", ":-3\r\n", ":4\r\n"), ":-3\r\n"},
		{Newest, answers("*2\r\n*2\r\n:1\r\n:30\r\n*2\r\n:0\r\n:10\r\n", "*1\r\n*2\r\n:7\r\n:20\r\n"),
			"*2\r\n*2\r\n:1\r\n:30\r\n*2\r\n:7\r\n:20\r\n"},
		{Newest, answers("*1\r\n:1\r\n", "*0\r\n"), "-" + joinShape + "\r\n"},
		{Texts, []JoinPart{{Reply: []byte("$2\r\nhi\r\n"), Name: "0-9"}, {Reply: []byte("=6\r\ntxt:ho\r\n"), Name: "10-19"}},
			"$18\r\n0-9:\nhi\n10-19:\nho\n\r\n"},
		{Texts, answers("$2\r\nhi\r\n", "$-1\r\n"), "-" + joinShape + "\r\n"},
	} {
		if got := Join(nil, c.kind, c.parts, 2); string(got) != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// answers returns parts with these replies.
func answers(replies ...string) (parts []JoinPart) {
	for _, r := range replies {
		parts = append(parts, JoinPart{Reply: []byte(r)})
	}
	return parts
}

func FuzzJoin(f *testing.F) {
	f.Add(uint8(0), []byte("*1\r\n+a\r\n"), []byte("*2\r\n$-1\r\n+b\r\n"), uint8(3))
	f.Add(uint8(1), []byte(":1\r\n"), []byte(":2\r\n"), uint8(0))
	f.Fuzz(func(t *testing.T, kind uint8, a, b []byte, places uint8) {
		if ends, broken := replyEnds(a, max(1, len(a))); broken || len(ends) != 1 || ends[0] != len(a) {
			return
		}
		if ends, broken := replyEnds(b, max(1, len(b))); broken || len(ends) != 1 || ends[0] != len(b) {
			return
		}
		parts := []JoinPart{{Reply: a}, {Reply: b}}
		for i := range int(places % 16) {
			parts[i%2].Places = append(parts[i%2].Places, i)
		}
		out := Join(nil, JoinKind(kind%11), parts, 1)
		if ends, broken := replyEnds(out, len(out)); broken || len(ends) != 1 || ends[0] != len(out) {
			t.Fatalf("%q is not one reply", out)
		}
	})
}

func TestAppendErrorIsOneLine(t *testing.T) {
	got := AppendError(nil, "ERR a\r\nb")
	if bytes.Count(got, []byte("\n")) != 1 || !bytes.HasSuffix(got, []byte("\r\n")) {
		t.Errorf("%q", got)
	}
}

func BenchmarkReplyBulk(b *testing.B) {
	frame := append(append([]byte("$64\r\n"), make([]byte, 64)...), "\r\n"...)
	var s ReplyScanner
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = s.Scan(frame)
	}
}
