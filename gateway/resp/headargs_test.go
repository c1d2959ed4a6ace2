package resp

import (
	"bytes"
	"testing"
)

// TestHeadArgs: of each beginning of a command those arguments are known that are all there.
func TestHeadArgs(t *testing.T) {
	frame := AppendCommandStrings(nil, "SET", "", "a long value", "EX", "10")
	all := Args(frame, nil)
	behind := 0 // the first beginning that has the number of arguments
	for n := range len(frame) + 1 {
		got := HeadArgs(frame[:n])
		if got == nil {
			behind = n + 1
			continue
		}
		if len(got) != len(all) {
			t.Fatalf("%q: %d arguments", frame[:n], len(got))
		}
		end := 4
		for i, arg := range all {
			end += len(AppendBulk(nil, arg))
			known := n >= end-2 // without the end of its line
			if (got[i] != nil) != known || known && !bytes.Equal(got[i], arg) {
				t.Errorf("%q: argument %d is %q, want %q (known: %t)", frame[:n], i, got[i], arg, known)
			}
		}
	}
	if behind != 4 {
		t.Errorf("the number of arguments is known from %d bytes on", behind)
	}
	for _, s := range []string{"*0\r\n", "*-1\r\n", "*2\r\n$x\r\n"} {
		for _, arg := range HeadArgs([]byte(s)) {
			if arg != nil {
				t.Errorf("%q has the argument %q", s, arg)
			}
		}
	}
}
