package terminal

import (
	"bytes"
	"testing"
)

func TestScreenRewritesOneLineOnATerminal(t *testing.T) {
	var out bytes.Buffer
	s := &Screen{out: &out, columns: func() int { return 10 }}
	s.Printf("one")
	s.Rates("12345678901234", true)
	s.Printf("two")
	s.Rates("next", false)
	s.Live("")
	s.Printf("three")
	want := "one\n" + clearLine + "123456789" + clearLine + "two\n" + "123456789" +
		clearLine + "next" + clearLine + "three\n"
	if out.String() != want {
		t.Errorf("got %q\nwant %q", out.String(), want)
	}
}

func TestScreenWritesLinesElsewhere(t *testing.T) {
	var out bytes.Buffer
	s := NewScreen(&out)
	s.Rates("nothing flows", false)
	s.Rates("flows", true)
	s.Live("never")
	if out.String() != "flows\n" {
		t.Errorf("%q", out.String())
	}
}
