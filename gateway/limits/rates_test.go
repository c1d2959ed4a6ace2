package limits

import (
	"testing"
	"time"

	"evergate/gateway/ratelimit"
)

func TestRatesOutliveTheirClients(t *testing.T) {
	r := NewRates(ratelimit.Rate{Commands: 10}, 1)
	a := r.OfAddress("192.0.2.1:1000")
	if r.OfAddress("[::ffff:192.0.2.1]:1001") != a || r.OfAddress("192.0.2.2:1000") == a {
		t.Error("not the clients of one address share an account")
	}
	if r.OfAddress("/run/evergate.sock:0") != nil || NewRates(ratelimit.Rate{}, 1).OfAddress("192.0.2.1:1") != nil {
		t.Error("an account without a rate, or without an address")
	}
	l := ratelimit.NewLease(a.Commands)
	l.Ready(0)
	l.Spend(0, 20)
	r.Left(a, 0)
	r.Left(a, 999*time.Millisecond)
	if r.OfAddress("192.0.2.1:1002") != a {
		t.Error("the rate of an address begins anew when its clients reconnect")
	}
	r.Left(a, time.Second)
	if len(r.by) != 2 || len(r.of) != 2 {
		t.Errorf("%d accounts are kept", len(r.by))
	}
	if r.Left(r.OfAddress("192.0.2.3:1"), 3*time.Second); len(r.by)+len(r.of) != 2 || len(r.idle) != 0 {
		t.Errorf("%d accounts are kept of one address with clients", len(r.by))
	}
}

func TestUsersHaveTheirShareOfClients(t *testing.T) {
	r := NewRates(ratelimit.Rate{}, 1)
	rate := ratelimit.Rate{Bytes: 100}
	a, b := r.OfUser(0, "app", rate, 2), r.OfUser(0, "app", rate, 2)
	if a == nil || a != b || a.Rate != rate || r.OfUser(0, "app", rate, 2) != nil {
		t.Fatal("not two clients share an account")
	}
	if other := r.OfUser(1, "app", rate, 2); other == nil || other == a {
		t.Error("the users of two services are taken for one")
	}
	if r.Left(a, 0); r.OfUser(0, "app", rate, 2) != a || r.OfUser(0, "app", rate, 2) != nil {
		t.Error("not one place is free when one has left")
	}
	if r.OfUser(0, "app", rate, 0) != a {
		t.Error("no client enters without a limit")
	}
}

// TestRatesChange: clients of the old rate and of the new one are counted together, and nothing is kept of the old one
// when they have left it.
func TestRatesChange(t *testing.T) {
	r := NewRates(ratelimit.Rate{Commands: 10}, 1)
	slow, fast := ratelimit.Rate{Commands: 1}, ratelimit.Rate{Commands: 9}
	a := r.OfUser(0, "app", slow, 2)
	b := r.OfUser(0, "app", fast, 2)
	if b == nil || a == b || b.Rate != fast || r.OfUser(0, "app", fast, 2) != nil {
		t.Fatal("the new rate is not that of a second client, or there are three")
	}
	stays := r.OfUser(0, "app", fast, 0) // the first client stays
	if r.Left(a, 0); stays != b || len(r.of) != 1 || r.OfUser(0, "app", fast, 2) != nil {
		t.Errorf("%d accounts are kept of the old rate", len(r.of)-1)
	}
	r.Left(b, 0)
	r.Left(b, 0)
	c := r.OfUser(0, "app", slow, 2) // the idle account of the other rate makes room
	if c == b || len(r.by) != 1 || len(r.of) != 1 || len(r.idle) != 0 {
		t.Errorf("%d accounts", len(r.of))
	}
	if r.Left(c, 0); len(r.count) != 0 {
		t.Errorf("%v are counted", r.count)
	}
	if r.SetOfAddress(ratelimit.Rate{}); r.OfAddress("192.0.2.1:1") != nil {
		t.Error("an address without a rate has an account")
	}
}
