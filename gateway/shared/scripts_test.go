package shared

import (
	"bytes"
	"fmt"
	"testing"
)

func TestScriptsAreKnownByTheirSHA1(t *testing.T) {
	s := NewScripts()
	s.Seen([]byte("return 1"))
	s.Seen([]byte("return 1"))
	name := []byte("e0e1f9fabfc9d4800c877a703b823ac0578ff8db") // what SCRIPT LOAD answers
	if got := s.Named(name); string(got) != "return 1" {
		t.Errorf("it is %q", got)
	}
	s.Forget()
	if got := s.Named(name); got != nil {
		t.Errorf("%q is not forgotten", got)
	}
	s.Seen([]byte("return 1"))
	if got := s.Named(name); string(got) != "return 1" {
		t.Errorf("after it was said again it is %q", got)
	}
}

func TestScriptsAreBounded(t *testing.T) {
	s := NewScripts()
	long := bytes.Repeat([]byte("x"), scriptBytesMax-10)
	for i := range 2 * scriptsBytesMax / scriptBytesMax {
		s.Seen(fmt.Appendf(long, "%d", i))
	}
	s.Seen(append(long, long...))
	held := 0
	for _, body := range s.names {
		held += len(body)
	}
	alike := len(s.names) == len(s.order) && len(s.hash) == len(s.order)
	if held > scriptsBytesMax || held < scriptsBytesMax*3/4 || !alike {
		t.Errorf("%d bytes are held in %d, %d, %d places", held, len(s.names), len(s.order), len(s.hash))
	}
	s.Seen(nil)
}

func BenchmarkScriptSeen(b *testing.B) {
	s := NewScripts()
	for _, size := range []int{100, 1000, 10000} {
		body := bytes.Repeat([]byte("x"), size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Seen(body)
			}
		})
	}
}
