package maintenance

import (
	"testing"
	"time"
)

// TestServices: however many workers hold requests of a service, its clients get one beginning and one end.
func TestServices(t *testing.T) {
	s, now := NewServices(2), time.UnixMilli(1000)
	for i, step := range []struct {
		service int
		held    bool
		seq     int64 // 0: no notice
	}{
		{0, true, 1000}, {0, true, 0}, {1, true, 1001}, {0, false, 0}, {0, true, 0}, {0, false, 0}, {0, false, 1002},
		{1, false, 1003}, {0, true, 1004},
	} {
		n, ok := s.Held(step.service, step.held, now)
		want := Notice{Seq: step.seq}
		if !step.held && ok {
			want.Kind = FailedOver
		}
		if n != want || ok != (step.seq > 0) {
			t.Errorf("step %d: %+v, %v", i, n, ok)
		}
	}
	if seq := s.Next(now.Add(time.Minute)); seq != 61000 {
		t.Errorf("a minute later the next number is %d", seq)
	}
	if seq := s.Next(now); seq != 61001 {
		t.Errorf("when the clock goes back the next number is %d", seq)
	}
}

func TestAddress(t *testing.T) {
	for _, c := range []struct{ host, port, local, want string }{
		{"", "", "10.0.0.1:6379", ""},
		{"other", "6380", "10.0.0.1:6379", "other:6380"},
		{"other", "", "10.0.0.1:6379", "other:6379"},
		{"[::1]", "", "[::2]:7000", "[::1]:7000"},
		{"other", "", "", ""},
		{"other", "", "/run/gate.sock:0", ""},
		{"other", "6380", "/run/gate.sock:0", "other:6380"},
	} {
		n := Notice{Host: c.host, Port: c.port}
		if got := n.address(c.local); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]int64{
		-time.Second: 1, 0: 1, time.Millisecond: 1, time.Second: 1, 1001 * time.Millisecond: 2, 15 * time.Second: 15,
	} {
		if got := seconds(d); got != want {
			t.Errorf("%v: %d", d, got)
		}
	}
}
