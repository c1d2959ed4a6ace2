package watch

import "testing"

func TestZones(t *testing.T) {
	z := NewZones("a", map[string]string{
		"10.0.0.1:7000": "port", "10.0.0.1": "host", "10.0.0.0/24": "narrow", "10.0.0.0/8": "wide",
		"[fd00::1]:7000": "six", "fd00::/16": "sixes", "Redis.Example.com": "name",
		"*.example.com": "pattern", "*.b.example.com": "longer",
	})
	for _, c := range []struct {
		reported string
		addrs    []string
		want     string
	}{
		{"", []string{"10.0.0.1:7000"}, "port"},
		{"", []string{"10.0.0.1:7001"}, "host"},
		{"r", []string{"10.0.0.2:7000"}, "narrow"},
		{"", []string{"10.1.0.2:7000"}, "wide"},
		{"", []string{"::ffff:10.1.0.2:7000"}, "wide"},
		{"", []string{"[fd00::1]:7000"}, "six"},
		{"", []string{"fd00::1:7000"}, "six"},
		{"", []string{"[fd00::2]:7000"}, "sixes"},
		{"", []string{"redis.example.com:1"}, "name"},
		{"", []string{"x.b.example.com:1"}, "longer"},
		{"", []string{"x.c.example.com:1"}, "pattern"},
		{"r", []string{"192.0.2.1:1"}, "r"},
		{"", []string{"192.0.2.1:1"}, ""},
		{"", []string{"192.0.2.1:1", "10.1.0.2:1"}, "wide"}, // one of its addresses
		{"", []string{"10.1.0.2:1", "10.0.0.1:1"}, "host"},  // the most exact
		{"", []string{"redis-1.A.example.org:1"}, "a"},
		{"r", []string{"redis-1.a.example.org:1"}, "r"},
		{"", []string{"redis-a.example.org:1"}, ""},
	} {
		if got := z.Of(c.reported, c.addrs...); got != c.want {
			t.Errorf("the zone of %q, which reports %q, is %q, want %q", c.addrs, c.reported, got, c.want)
		}
	}
	if none := (Zones{}); none.Of("", "a.b:1") != "" || none.Of("r", "a.b:1") != "r" {
		t.Error("without rules another zone is known than the reported one")
	}
}
