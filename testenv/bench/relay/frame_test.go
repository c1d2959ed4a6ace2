package main

import "testing"

func TestFrameLen(t *testing.T) {
	for _, frame := range []string{
		"+OK\r\n",
		"-ERR no\r\n",
		":12\r\n",
		"$-1\r\n",
		"$0\r\n\r\n",
		"$5\r\na\r\nbc\r\n",
		"*-1\r\n",
		"*0\r\n",
		"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
		"*2\r\n*1\r\n:1\r\n+x\r\n",
		"%1\r\n+a\r\n*1\r\n_\r\n",
		"~2\r\n#t\r\n,1.5\r\n",
		"=5\r\ntxt:a\r\n",
	} {
		for cut := range len(frame) {
			if got := frameLen([]byte(frame[:cut])); got != 0 {
				t.Errorf("frameLen(%q) = %d before the end has come", frame[:cut], got)
			}
		}
		if got := frameLen([]byte(frame + "+next\r\n")); got != len(frame) {
			t.Errorf("frameLen(%q and another) = %d, want %d", frame, got, len(frame))
		}
	}
}
