package acks

import (
	"testing"
	"time"

	"evergate/topology"
)

func TestLevelsAreReadAsTheyAreWritten(t *testing.T) {
	for _, text := range []string{"0", "1", "16", "majority", "all"} {
		if l, err := Parse(text); err != nil || l.String() != text {
			t.Errorf("%q is read as %v, %v", text, l, err)
		}
	}
	for _, text := range []string{"", "-1", "17", "ALL", "1.5", "most"} {
		if l, err := Parse(text); err == nil {
			t.Errorf("%q is read as %v", text, l)
		}
	}
}

func TestNeed(t *testing.T) {
	for _, c := range []struct {
		level  Level
		copies topology.Copies
		need   int
		lacks  bool
	}{
		{1, topology.Copies{Attached: 1, Promotable: 2}, 1, false},
		{2, topology.Copies{Attached: 1, Promotable: 2}, 2, true},
		{1, topology.Copies{Attached: -1}, 1, false}, // not known: the server decides
		{Majority, topology.Copies{Attached: 1, Promotable: 1}, 1, false},
		{Majority, topology.Copies{Attached: 1, Promotable: 2}, 1, false},
		{Majority, topology.Copies{Attached: 1, Promotable: 3}, 2, true},
		{Majority, topology.Copies{Attached: 3, Promotable: 4}, 2, false},
		{Majority, topology.Copies{Attached: 2, Promotable: 2, Bystanders: 1}, 2, false},
		{All, topology.Copies{Attached: 2, Promotable: 2}, 2, false},
		{All, topology.Copies{Attached: 1, Promotable: 2}, 2, true},
		{All, topology.Copies{Attached: 2, Promotable: 2, Bystanders: 1}, 3, true},
		{All, topology.Copies{Attached: 0}, 1, true},                // none is no promise
		{All, topology.Copies{Attached: 1, Bystanders: 1}, 2, true}, // nor is one that is never promoted
		{Majority, topology.Copies{Attached: 0}, 1, true},
	} {
		if need, lacks := c.level.Need(c.copies), c.level.Lacks(c.copies); need != c.need || lacks != c.lacks {
			t.Errorf("%v of %+v: needs %d (lacks: %t), want %d (%t)", c.level, c.copies, need, lacks, c.need, c.lacks)
		}
	}
}

func TestAppendWait(t *testing.T) {
	for timeout, want := range map[time.Duration]string{
		time.Second:      "*3\r\n$4\r\nWAIT\r\n$1\r\n2\r\n$4\r\n1000\r\n",
		time.Microsecond: "*3\r\n$4\r\nWAIT\r\n$1\r\n2\r\n$1\r\n1\r\n", // 0 would be for ever
	} {
		if got := string(AppendWait(nil, 2, timeout)); got != want {
			t.Errorf("%v: %q", timeout, got)
		}
	}
}

// TestOneWaitForARound: what was sent before a WAIT is taken by its answer, and what is sent meanwhile wants another.
func TestOneWaitForARound(t *testing.T) {
	terms := Terms{Level: 1, Timeout: time.Second}
	var q Queue
	if !q.Sent(terms, false) || q.Sent(terms, true) || !q.Wanted() || !q.NeedsAhead() {
		t.Fatalf("two writes were sent: %+v", q)
	}
	if n := q.Ask(100, 1, time.Minute); n != 2 || q.Wanted() || q.Asked() != 100 || q.NeedsAhead() {
		t.Fatalf("a WAIT for %d writes: %+v", n, q)
	}
	q.Keep(Reply{Seq: 1, Part: -1}, []byte("+OK\r\n"))
	if n := q.Keep(Reply{Seq: 2, Part: -1, Spent: Spent{Head: []byte("INCR")}}, []byte(":7\r\n")); n != 8 {
		t.Errorf("%d bytes are kept", n)
	}
	if q.Sent(Terms{Level: All, Timeout: time.Second}, false); q.Wanted() {
		t.Fatal("a second WAIT is wanted while one is under way")
	}
	r := q.Answered()
	if r.Need != 1 || r.Terms != terms || r.AskedAt != time.Minute || r.Len() != 2 || !q.Wanted() || q.Kept() != 0 {
		t.Fatalf("answered: %+v, then %+v", r, q)
	}
	got := ""
	for reply, b := range r.All {
		got += string(b) + string(reply.Spent.Head)
		if int(reply.Seq) != 1 && int(reply.Seq) != 2 || reply.Size() != len(b)+len(reply.Spent.Head) {
			t.Errorf("%+v has %q", reply, b)
		}
	}
	if got != "+OK\r\n:7\r\nINCR" {
		t.Errorf("the replies are %q", got)
	}
	q.Keep(Reply{Seq: 3}, []byte("+KEPT\r\n")) // while the round is being passed on
	q.Recycle(&r)
	if last := q.End(); last.Len() != 1 || last.Need != 0 || last.Terms.Level != All || q.Owes() {
		t.Errorf("the connection ended: %+v, then %+v", last, q)
	}
}
