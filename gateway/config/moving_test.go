package config

import "testing"

func TestMovingTo(t *testing.T) {
	for endpoint, want := range map[string][2]string{
		"": {"", ""}, "other": {"other", ""}, "other:6380": {"other", "6380"}, "10.0.0.2": {"10.0.0.2", ""},
		"[::1]:6380": {"[::1]", "6380"}, "::1": {"[::1]", ""},
	} {
		s := Service{MovingEndpoint: endpoint}
		if host, port := s.MovingTo(); host != want[0] || port != want[1] {
			t.Errorf("%q: %q %q", endpoint, host, port)
		}
	}
}
