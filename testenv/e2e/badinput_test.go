package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// badInput is malformed input. The reply of a real server, and whether it then closes, is the golden file.
type badInput struct {
	name  string
	bytes string
}

const ping = "*1\r\n$4\r\nPING\r\n"

// farTooLong is well over the limit of 64 KiB of a line, in bytes. Just over it, the reply depends on whether the
// newline that follows was read at the same time.
const farTooLong = 1 << 18

// badInputs are sent on an authenticated connection. A line with a NUL byte (as in a TLS greeting) is left out: the
// server's search for the newline ends at the NUL, so it waits for ever, which is not worth imitating.
var badInputs = []badInput{
	{"negative count", "*-5\r\n" + ping},
	{"no arguments", "*0\r\n*-1\r\n\r\n\n" + ping},
	{"smallest count", "*-9223372036854775808\r\n" + ping},
	{"greatest bulk", "*1\r\n$9223372036854775807\r\n"},
	{"bulk over the limit", "*1\r\n$536870913\r\n"},
	{"null bulk", "*1\r\n$-1\r\n"},
	{"negative bulk", "*1\r\n$-2\r\n"},
	{"smallest bulk", "*1\r\n$-9223372036854775808\r\n"},
	{"count of 32 bits", "*2147483648\r\n"},
	{"count of 70 bits", "*1000000000000000000000\r\n"},
	{"count is a word", "*abc\r\n"},
	{"count is empty", "*\r\n"},
	{"bulk is a word", "*1\r\n$abc\r\n"},
	{"bulk is empty", "*1\r\n$\r\n"},
	{"space after bulk", "*1\r\n$4 \r\nPING\r\n"},
	{"space before count", "* 1\r\n$4\r\nPING\r\n"},
	{"space after count", "*1 \r\n$4\r\nPING\r\n"},
	{"plus sign", "*+1\r\n$4\r\nPING\r\n"},
	{"leading zero", "*01\r\n$4\r\nPING\r\n"},
	{"leading zeros of a bulk", "*1\r\n$00000000000000000004\r\nPING\r\n"},
	{"word where a bulk should be", "*1\r\nPING\r\n"},
	{"simple string as argument", "*1\r\n+PING\r\n"},
	{"number as argument", "*1\r\n:1\r\n"},
	{"nested array", "*1\r\n*1\r\n$4\r\nPING\r\n"},
	{"deeply nested array", strings.Repeat("*1\r\n", 10000)},
	{"map as argument", "*1\r\n%1\r\n$1\r\na\r\n$1\r\nb\r\n"},
	{"null as argument", "*1\r\n_\r\n"},
	{"verbatim string as argument", "*1\r\n=8\r\ntxt:PING\r\n"},
	{"good commands, then garbage", ping + "*2\r\n$3\r\nGET\r\n$4\r\n{k}x\r\n*1\r\n:1\r\n" + ping},
	{"argument longer than said", "*1\r\n$4\r\nPINGPING\r\n"},
	{"no line end after argument", "*1\r\n$4\r\nPINGxx" + ping},
	{"empty command name", "*1\r\n$0\r\n\r\n"},
	{"garbage", "!!garbage\r\n"},
	{"map", "%1\r\n$1\r\na\r\n$1\r\nb\r\n"},
	{"set", "~1\r\n$4\r\nPING\r\n"},
	{"bulk outside", "$4\r\nPING\r\n"},
	{"push", ">1\r\n$4\r\nPING\r\n"},
	{"null", "_\r\n"},
	{"boolean", "#t\r\n"},
	{"double", ",1.5\r\n"},
	{"big number", "(123\r\n"},
	{"verbatim string", "=7\r\ntxt:abc\r\n"},
	{"attribute", "|1\r\n+a\r\n+b\r\n"},
	{"error", "-ERR no\r\n"},
	{"simple string", "+OK\r\n"},
	{"inline", "PING\r\nPING\nPING hello\r\n   PING   x  \r\n\tPING\r\n"},
	{"inline with quotes", `PING "he\x41l \"lo\n"` + "\r\n" + `PING 'it\'s'` + "\r\n" + `PING ""` + "\r\n"},
	{"inline, open quote", "PING \"open\r\n"},
	{"inline, open single quote", "PING 'open\r\n"},
	{"inline, quote glued", "PING \"a\"b\r\n"},
	{"inline, unknown", "garbage here \"and there\"\r\n"},
	{"inline of 60,000", strings.Repeat("a", 60000) + "\r\n"},
	{"inline too long", strings.Repeat("a", farTooLong)},
	{"count too long", "*" + strings.Repeat("1", farTooLong)},
	{"bulk length too long", "*1\r\n$" + strings.Repeat("1", farTooLong)},
	{"8 MB without a newline", strings.Repeat("a", 8<<20)},
	{"HTTP POST", "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n"},
	{"HTTP GET", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"},
	{"HTTP with a body", "POST /x HTTP/1.1\r\nContent-Length: 20\r\n\r\n" + "SET {k}evil 1\r\n"},
	{"unknown command with long arguments",
		string(servers.AppendCommand(nil, strings.Repeat("b", 300), strings.Repeat("c", 300), "d"))},
	{"unknown command with control bytes", string(servers.AppendCommand(nil, "a\r\nb\x00", "\xff\r\n\x01"))},
	{"a million arguments", string(servers.AppendCommand(nil, append([]string{"ECHO"}, manyWords(1000000)...)...))},
	{"quit", "*1\r\n$4\r\nQUIT\r\n" + ping},
	{"quit inline", "quit\r\nPING\r\n"},
}

// badBeforeAuth are sent before AUTH. Unknown commands and wrong numbers of arguments are left out: servers report them
// even before AUTH, the gateway always replies NOAUTH.
var badBeforeAuth = []badInput{
	{"too many arguments", "*11\r\n"},
	{"just not too many arguments", string(servers.AppendCommand(nil, "MGET", "2", "3", "4", "5", "6", "7", "8", "9",
		"10"))},
	{"argument too long", "*2\r\n$4\r\nAUTH\r\n$16385\r\n"},
	{"longest argument", string(servers.AppendCommand(nil, "AUTH", strings.Repeat("x", 16384)))},
	{"negative count", "*-5\r\n" + ping},
	{"inline", "PING\r\n"},
	{"quit", "*1\r\n$4\r\nQUIT\r\n"},
}

// unfinished are incomplete inputs: no reply, and no close.
var unfinished = []badInput{
	{"half a command", "*2\r\n$3\r\nGET\r\n$5\r\n{k}"},
	{"a count only", "*3\r\n"},
	{"most arguments", "*1048576\r\n"},
	{"half a line", "PING"},
	{"carriage return only", "PING\r"},
	{"newlines without carriage returns", "*1\n$4\nPING\n"},
	{"long argument to come", "*2\r\n$4\r\nECHO\r\n$536870912\r\nabc"},
	{"inline as long as may be", strings.Repeat("a", 1<<16)},
}

func manyWords(n int) []string {
	words := make([]string, n)
	for i := range words {
		words[i] = "x"
	}
	return words
}

// outcome is the reply to an input, and whether the connection was closed.
type outcome struct {
	replies []byte
	closed  bool
}

func (o outcome) String() string {
	end := "open"
	if o.closed {
		end = "closed"
	}
	return fmt.Sprintf("%s, then %s", brief([]string{string(o.replies)}), end)
}

// play sends bytes and then a command with a unique reply; the bytes before that reply are the outcome.
func play(addr, input string) (outcome, error) {
	c, err := servers.Dial(addr)
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = c.Close() }()
	// This error alone has the same text before and after AUTH.
	marker := []byte("-NOPROTO")
	go func() {
		// The other side may close in the middle: the read below shows that.
		_ = c.SendRaw([]byte(input))
		_ = c.Send("HELLO", "99")
	}()
	var o outcome
	for {
		frame, err := c.Frame()
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			return o, fmt.Errorf("after %s: %w", o, err)
		case err != nil:
			o.closed = true
			o.replies = append(o.replies, frame...)
			return o, nil
		case bytes.HasPrefix(frame, marker):
			return o, nil
		}
		o.replies = append(o.replies, frame...)
	}
}

// inValkey has inputs with other replies in Valkey 9 than in the gateway, which parses as Redis does, and both replies.
// Forwarded commands have proper line ends.
var inValkey = map[string]struct{ straight, through string }{
	"argument longer than said": {invalidLineEnd + closes,
		`["+PONG\r\n-ERR unknown command 'NG', with args beginning with: \r\n"], then open`},
	"no line end after argument": {invalidLineEnd + closes, `["+PONG\r\n+PONG\r\n"], then open`},
	"inline, quote glued": {`["$2\r\nab\r\n"], then open`,
		`["-ERR Protocol error: unbalanced quotes in request\r\n"]` + closes},
}

const (
	invalidLineEnd = `["-ERR Protocol error: invalid CRLF in request\r\n"]`
	closes         = ", then closed"
)

func compareBad(t *testing.T, input badInput, straight, through string) {
	t.Helper()
	want, err1 := play(straight, input.bytes)
	got, err2 := play(through, input.bytes)
	if err := errors.Join(err1, err2); err != nil {
		t.Errorf("%s: %v", input.name, err)
		return
	}
	each, differs := inValkey[input.name]
	if differs && onValkey() && want.String() == each.straight && got.String() == each.through {
		return
	}
	if want.closed != got.closed || !bytes.Equal(inWordsOf7(want.replies), inWordsOf7(got.replies)) {
		t.Errorf("%s\nstraight %s\nthrough  %s", input.name, want, got)
	}
}

func TestBadInputIsAnsweredAsByServer(t *testing.T) {
	t.Parallel()
	straight, behind := servers.StartPlain(t, servers.Options{}), servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", behind.Primary().Addr)
	addr := straight.Primary().Addr
	neighbour := servers.MustDial(t, gate.Addr)
	before, _ := gate.ResidentBytes()
	for _, input := range badInputs {
		compareBad(t, input, addr, gate.Addr)
		if reply, err := neighbour.Do("PING"); err != nil || string(reply) != "+PONG\r\n" {
			t.Fatalf("%s: the neighbour gets %q, %v", input.name, reply, err)
		}
	}
	if n, err := behind.Primary().Do("EXISTS", "{k}evil"); err != nil || n != int64(0) {
		t.Errorf("a request smuggled in HTTP was executed: %v, %v", n, err)
	}
	const mayGrow = 200 << 20 // a million arguments and 8 MB lines, with garbage that is not collected yet
	if after, err := gate.ResidentBytes(); err == nil && !servers.RaceEnabled && after-before > mayGrow {
		t.Errorf("resident memory went from %d to %d bytes", before, after)
	}
}

func TestUnfinishedInputWaits(t *testing.T) {
	t.Parallel()
	straight, behind := servers.StartPlain(t, servers.Options{}), servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", behind.Primary().Addr)
	for _, addr := range []string{straight.Primary().Addr, gate.Addr} {
		var waiting []*servers.Conn
		for _, input := range unfinished {
			c := servers.MustDial(t, addr)
			if err := c.SendRaw([]byte(input.bytes)); err != nil {
				t.Fatal(err)
			}
			waiting = append(waiting, c)
		}
		for i, c := range waiting {
			c.Timeout = 100 * time.Millisecond
			frame, err := c.Frame()
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("%s, %s: %q, %v", addr, unfinished[i].name, frame, err)
			}
		}
	}
	before, _ := gate.ResidentBytes()
	for range 200 {
		c := servers.MustDial(t, gate.Addr)
		if err := c.SendRaw([]byte("*1000000\r\n$536870912\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	if reply, err := servers.MustDial(t, gate.Addr).Do("PING"); err != nil || string(reply) != "+PONG\r\n" {
		t.Fatalf("%q, %v", reply, err)
	}
	if after, err := gate.ResidentBytes(); err == nil && !servers.RaceEnabled && after-before > 20<<20 {
		t.Errorf("promises of 100 GB made resident memory go from %d to %d bytes", before, after)
	}
}

// TestBadInputFromManyClients floods the gateway from 50 connections and checks that its memory stays small.
func TestBadInputFromManyClients(t *testing.T) {
	t.Parallel()
	behind := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", behind.Primary().Addr)
	before, _ := gate.ResidentBytes()
	done := make(chan error, 50)
	for range cap(done) {
		go func() {
			_, err := play(gate.Addr, strings.Repeat("a", 8<<20))
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if after, err := gate.ResidentBytes(); err == nil && !servers.RaceEnabled && after-before > 100<<20 {
		t.Errorf("resident memory went from %d to %d bytes", before, after)
	}
}
