package limits

import "testing"

func TestAddressesHaveTheirShare(t *testing.T) {
	a := NewAddresses(2)
	for _, step := range []struct {
		remote string
		enters bool
	}{
		{"192.0.2.1:1000", true}, {"192.0.2.1:1001", true}, {"192.0.2.1:1002", false}, {"192.0.2.2:1000", true},
		{"[::ffff:192.0.2.1]:1003", false}, // the same machine, seen by a listener for both families
		{"[2001:db8::1]:1", true}, {"[2001:db8::2:3]:1", true}, {"[2001:db8::4]:1", false}, {"[2001:db8:0:1::1]:1", true},
		{"[fe80::1%eth0]:1", true}, {"[fe80::1%eth1]:2", true}, {"[fe80::2]:3", false},
		{"/run/evergate.sock:0", true}, {"/run/evergate.sock:0", true}, {"/run/evergate.sock:0", true},
	} {
		if got := a.Enters(step.remote); got != step.enters {
			t.Errorf("%s enters: %t", step.remote, got)
		}
	}
	if n := a.Rejected(); n != 4 {
		t.Errorf("%d rejected", n)
	}
	a.Leaves("192.0.2.1:1000")
	if !a.Enters("192.0.2.1:1004") || a.Enters("192.0.2.1:1005") {
		t.Error("not one place is free after one client has left")
	}
	for _, remote := range []string{"192.0.2.1:1001", "192.0.2.1:1004", "192.0.2.2:1000", "[2001:db8::1]:1",
		"[2001:db8::2:3]:1", "[2001:db8:0:1::1]:1", "[fe80::1%eth0]:1", "[fe80::1]:2", "/run/evergate.sock:0"} {
		a.Leaves(remote)
	}
	if len(a.count) != 0 {
		t.Errorf("counted when all have left: %v", a.count)
	}
	free := NewAddresses(0)
	for _, remote := range []string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3"} {
		if !free.Enters(remote) {
			t.Error("an address has a limit")
		}
	}
	free.SetMost(2) // below what is there
	if free.Leaves("192.0.2.1:1"); free.Enters("192.0.2.1:4") {
		t.Error("the limit is exceeded once more")
	}
	if free.Leaves("192.0.2.1:2"); !free.Enters("192.0.2.1:5") || free.Enters("192.0.2.1:6") {
		t.Error("clients from before the limit are not counted")
	}
}
