package wait

import (
	"slices"
	"testing"
	"time"

	"evergate/gateway/session"
)

func TestClockWakesOnce(t *testing.T) {
	c := NewClock()
	places := map[session.Ref]*Place{{ID: 1}: {}, {ID: 2}: {}}
	find := func(ref session.Ref) *Place { return places[ref] }
	one, two := session.Ref{ID: 1}, session.Ref{ID: 2}
	places[one].Reason, places[two].Reason = InFlight, Asking
	c.Alarm(one, places[one], 5*time.Second)
	c.Alarm(one, places[one], 9*time.Second) // it looks again before that
	c.Alarm(two, places[two], 3*time.Second)
	c.Alarm(session.Ref{ID: 3}, &Place{}, 2*time.Second) // one that has left
	if c.Next() != 2*time.Second || c.Due() {
		t.Fatalf("the next round is at %v", c.Next())
	}
	c.Now = 3 * time.Second
	if !c.Due() || c.Next() != Never {
		t.Fatalf("nothing is due, and the next round is at %v", c.Next())
	}
	c.Ring(c.Now, find)
	if c.Next() != 5*time.Second || c.Check(2) != nil {
		t.Fatalf("the next round is at %v, %v", c.Next(), c.Check(2))
	}
	c.Wake(two, places[two])
	if turn := c.Turn(); !slices.Equal(turn, []session.Ref{two}) || !places[two].Take() || places[two].Take() ||
		!c.Idle() {
		t.Fatalf("the turn is %v", turn)
	}
	c.Now = 6 * time.Second
	places[one].Reason = Running
	if c.Ring(c.Now, find); !c.Idle() {
		t.Error("a session that waits for nothing is woken by its alarm")
	}
	c.next = Never
	c.alarms = append(c.alarms, alarm{one, 7 * time.Second})
	if c.Check(2) == nil {
		t.Error("an alarm that no round rings is not found")
	}
}

func TestLoadIsTheSumOfWhatWaits(t *testing.T) {
	var l Load
	var a, b Place
	l.Weigh(&a, 10) // it does not wait
	l.Count(&a)
	l.Count(&a)
	l.Count(&b)
	l.Weigh(&a, 10)
	l.Weigh(&b, 5)
	l.Weigh(&a, 20)
	if l != (Load{Sessions: 2, Bytes: 25}) {
		t.Fatalf("%+v", l)
	}
	l.Release(&a)
	l.Release(&a)
	if l.Release(&b); l != (Load{}) {
		t.Errorf("%+v is left", l)
	}
}
