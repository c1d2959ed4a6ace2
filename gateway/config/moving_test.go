package config

import (
	"testing"
	"time"
)

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

func TestServesOnFor(t *testing.T) {
	for _, c := range []struct {
		facade      Facade
		moving      string
		delay, want time.Duration
	}{
		{FacadeNone, "other", 0, 0},
		{FacadeCluster, "", 0, 0},
		{FacadeCluster, "other", 0, reloadsWithin},
		{FacadeCluster, "other", time.Minute, time.Minute},
		{FacadeReplica, "other", time.Minute, time.Minute},
	} {
		g := Gateway{DrainDelay: c.delay, Services: []Service{{}, {Listen: []string{"127.0.0.1:1"}, Facade: c.facade,
			MovingEndpoint: c.moving}}}
		if got := g.ServesOnFor(); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
