package ledger

import (
	"fmt"
	"strings"
	"testing"
)

// story is a history on a ledger, by hand.
type story struct {
	l Ledger
	m map[int]*Memory
}

// sends notes a request of a client. Its number is its place among all.
func (s *story) sends(client int, k Kind, keys ...string) {
	if s.m[client] == nil {
		m := NewMemory()
		s.m[client] = &m
	}
	s.l.Add(client, k, keys...)
}

// run executes a command for key as a node would, and hands it over to the network before.
func (s *story) run(words ...string) int {
	var args [][]byte
	for _, word := range words {
		args = append(args, []byte(word))
	}
	s.l.Handed(args)
	return s.l.Executed(args, KeysOf(args), Where{Node: "node"})
}

// take has a pop take an element.
func (s *story) take(id, element int) {
	args := [][]byte{[]byte("BLPOP"), []byte("{t}list"), fmt.Appendf(nil, "{t}by#%d", id), []byte("0")}
	s.l.Took(args, element, Where{Node: "node"})
}

func (s *story) reads(id int, reply string) {
	r := s.l.Requests[id]
	s.l.Answered(s.m[r.Client], r, []byte(reply))
}

func value(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

const loading = "-LOADING evergate: no server; the command was not executed\r\n"

// TestLedgerFindsWrongHistories tells the ledger histories that are wrong in one way each, and one that is right.
func TestLedgerFindsWrongHistories(t *testing.T) {
	const key = "{t}p0"
	for _, c := range []struct {
		name, want string
		tell       func(s *story)
	}{
		{"all is well", "", func(s *story) {
			s.run("SET", key, "0")
			s.reads(0, "+0\r\n")
			at := s.run("GETRANGE", key, "0", "1")
			s.reads(1, value(fmt.Sprintf("%s 1@%d=0|", key, at)))
			s.run("SET", key, "2")
			s.reads(2, "-UNCERTAIN evergate: lost\r\n")
			s.reads(3, loading)
		}},
		{"a write executed twice", "executed twice", func(s *story) {
			s.run("SET", key, "0")
			s.run("SET", key, "0")
		}},
		{"an acknowledged write that never ran", "acknowledged and not executed", func(s *story) { s.reads(0, "+0\r\n") }},
		{"a refused write that ran before", "was executed, and then answered", func(s *story) {
			s.run("SET", key, "0")
			s.reads(0, loading)
		}},
		{"a refused write that runs later", "after its client was told that it was not", func(s *story) {
			s.reads(0, loading)
			s.run("SET", key, "0")
		}},
		{"a write that is uncertain and was never sent", "was called uncertain", func(s *story) {
			s.reads(0, "-UNCERTAIN evergate: lost\r\n")
		}},
		{"an uncertain read", "was called uncertain", func(s *story) {
			s.run("SET", key, "0")
			s.reads(0, "+0\r\n")
			s.run("GETRANGE", key, "0", "1")
			s.reads(1, "-UNCERTAIN evergate: lost\r\n")
		}},
		{"replies that are shifted by one", "was answered", func(s *story) {
			s.run("SET", key, "0")
			s.run("SET", key, "2")
			s.reads(0, "+2\r\n")
		}},
		{"writes out of order", "behind", func(s *story) {
			s.run("SET", key, "2")
			s.run("SET", key, "0")
			s.reads(0, "+0\r\n")
			s.reads(2, "+2\r\n")
		}},
		{"a read that misses an acknowledged write", "missed the acknowledged", func(s *story) {
			s.run("SET", key, "0")
			s.reads(0, "+0\r\n")
			s.reads(1, value(fmt.Sprintf("%s 1@%d=nil|", key, s.run("GETRANGE", key, "0", "1"))))
		}},
		{"a read that sees the future", "saw what a later request", func(s *story) {
			s.run("SET", key, "2")
			s.reads(1, value(fmt.Sprintf("%s 1@%d=2|", key, s.run("GETRANGE", key, "0", "1"))))
		}},
		{"another request's value", "was answered", func(s *story) {
			s.reads(1, value(fmt.Sprintf("%s 9@%d=nil|", key, s.run("GETRANGE", key, "0", "1"))))
		}},
		{"an element that came to its client", "", func(s *story) {
			s.take(4, 1)
			s.reads(4, "*2\r\n$7\r\n{t}list\r\n$1\r\n1\r\n")
		}},
		{"an element that nobody was given", "gave to nobody", func(s *story) {
			s.take(4, 1)
			s.reads(4, "*-1\r\n")
		}},
		{"an element that was taken for another client", "was not taken for it", func(s *story) {
			s.take(4, 1)
			s.reads(5, "*2\r\n$7\r\n{t}list\r\n$1\r\n1\r\n")
		}},
		{"an element that was given twice", "were both given", func(s *story) {
			for id := 4; id < 6; id++ {
				s.take(id, 1)
				s.reads(id, "*2\r\n$7\r\n{t}list\r\n$1\r\n1\r\n")
			}
		}},
		{"a pop that was executed twice", "was executed twice", func(s *story) {
			s.take(4, 1)
			s.take(4, 2)
		}},
		{"a scan that leaves a key out", "did not see [\"b\"]", func(s *story) {
			s.l.Turns(s.l.Requests[6], s.l.Begins([]string{"a", "b", "c"}))
			s.l.Absent("c")
			s.reads(6, "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n")
		}},
		{"Redis's own words", "was answered \"-MOVED", func(s *story) { s.reads(0, "-MOVED 1 a:1\r\n") }},
	} {
		s := &story{l: *New(Promises{Sharded: true, Fresh: true}), m: map[int]*Memory{}}
		s.sends(0, Set, key)
		s.sends(0, GetRange, key)
		s.sends(0, Set, key)
		s.sends(0, Set, key)
		s.sends(1, Block, "{t}list")
		s.sends(2, Block, "{t}list")
		s.sends(3, Scan)
		c.tell(s)
		s.l.Pops()
		if (c.want == "") != (s.l.Fault == "") || !strings.Contains(s.l.Fault, c.want) {
			t.Errorf("%s: the ledger says %q", c.name, s.l.Fault)
		}
	}
}
