package gateway

import (
	"bytes"
	"fmt"
	"testing"
)

func TestScriptsAreKnownByTheirSHA1(t *testing.T) {
	s := newScripts()
	s.seen([]byte("return 1"))
	s.seen([]byte("return 1"))
	name := []byte("e0e1f9fabfc9d4800c877a703b823ac0578ff8db") // what SCRIPT LOAD answers
	if got := s.named(name); string(got) != "return 1" {
		t.Errorf("it is %q", got)
	}
	s.forget()
	if got := s.named(name); got != nil {
		t.Errorf("%q is not forgotten", got)
	}
	s.seen([]byte("return 1"))
	if got := s.named(name); string(got) != "return 1" {
		t.Errorf("after it was said again it is %q", got)
	}
}

func TestScriptsAreBounded(t *testing.T) {
	s := newScripts()
	long := bytes.Repeat([]byte("x"), scriptBytesMax-10)
	for i := range 2 * scriptsBytesMax / scriptBytesMax {
		s.seen(fmt.Appendf(long, "%d", i))
	}
	s.seen(append(long, long...))
	held := 0
	for _, body := range s.names {
		held += len(body)
	}
	alike := len(s.names) == len(s.order) && len(s.hash) == len(s.order)
	if held > scriptsBytesMax || held < scriptsBytesMax*3/4 || !alike {
		t.Errorf("%d bytes are held in %d, %d, %d places", held, len(s.names), len(s.order), len(s.hash))
	}
	s.seen(nil)
}

func BenchmarkScriptSeen(b *testing.B) {
	s := newScripts()
	for _, size := range []int{100, 1000, 10000} {
		body := bytes.Repeat([]byte("x"), size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.seen(body)
			}
		})
	}
}
