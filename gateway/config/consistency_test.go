package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"evergate/gateway/session"
)

func TestConsistencyIsChecked(t *testing.T) {
	halfASecond := session.Lag{Time: 500 * time.Millisecond}
	bounded := func(s *Service) { s.Consistency, s.MaxLag = ConsistencyBounded, halfASecond }
	for name, c := range map[string]struct {
		reads ReadPolicy
		set   func(s *Service)
		want  string // of the fault; empty: none
	}{
		"default":           {ReadPreferReplica, func(*Service) {}, ""},
		"default, replica":  {ReadReplica, func(*Service) {}, ""},
		"eventual, replica": {ReadReplica, func(s *Service) { s.Consistency = ConsistencyEventual }, ""},
		"unknown":           {ReadPreferReplica, func(s *Service) { s.Consistency = "perfect" }, `"perfect" is not one of`},
		"gateway, replica": {ReadReplica, func(s *Service) { s.Consistency = ConsistencyGateway },
			"could not go to the primary"},
		"bounded":          {ReadPreferReplica, bounded, ""},
		"bounded, no lag":  {ReadPreferReplica, func(s *Service) { s.Consistency = ConsistencyBounded }, "needs max-lag"},
		"lag, not bounded": {ReadPreferReplica, func(s *Service) { s.MaxLag = halfASecond }, "needs consistency"},
		"lag, no replicas": {ReadPrimary, bounded, "needs reads"},
		"tiny lag": {ReadPreferReplica, func(s *Service) { bounded(s); s.MaxLag.Time = time.Microsecond },
			"is not between 10ms"},
		"listener": {ReadPreferReplica, func(s *Service) {
			s.ListenConsistency = map[string]Consistency{s.Listen[0]: ConsistencyBounded}
			s.ListenMaxLag = map[string]session.Lag{s.Listen[0]: {Bytes: 1 << 20}}
		}, ""},
		"no such listener": {ReadPreferReplica, func(s *Service) {
			s.ListenConsistency = map[string]Consistency{"127.0.0.1:9": ConsistencyStrong}
		}, "127.0.0.1:9"},
		"user": {ReadPreferReplica, func(s *Service) {
			s.UserSettings = map[string]UserSettings{"default": {Consistency: ConsistencyBounded, MaxLag: &halfASecond}}
		}, ""},
		"user, no lag": {ReadPreferReplica, func(s *Service) {
			s.UserSettings = map[string]UserSettings{"default": {Consistency: ConsistencyBounded}}
		}, "needs max-lag"},
		"user, not bounded": {ReadPreferReplica, func(s *Service) {
			s.UserSettings = map[string]UserSettings{"default": {MaxLag: &halfASecond}}
		}, "needs consistency"},
	} {
		s := DefaultService()
		s.Primary, s.Reads = "10.0.0.1:6379", c.reads
		c.set(&s)
		g := Default()
		g.Services = []Service{s}
		err := g.Validate()
		var faults Faults
		switch {
		case c.want == "" && err != nil, c.want != "" && (!errors.As(err, &faults) || len(faults) != 1 ||
			!strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestReadsWhere(t *testing.T) {
	for _, c := range []struct{ policy, here, evicting ReadPolicy }{
		{ReadAuto, ReadPreferReplica, ReadPrimary}, {ReadPrimary, ReadPrimary, ReadPrimary},
		{ReadPreferReplica, ReadPreferReplica, ReadPreferReplica}, {ReadReplica, ReadReplica, ReadReplica},
	} {
		if here, evicting := c.policy.Where(false), c.policy.Where(true); here != c.here || evicting != c.evicting {
			t.Errorf("%s: %s and %s, want %s and %s", c.policy, here, evicting, c.here, c.evicting)
		}
	}
}

func TestReadingAtListeners(t *testing.T) {
	s := DefaultService()
	byDefault := session.Reading{From: session.PreferReplica, Consistency: session.Gateway}
	if s.Reads != ReadAuto || s.ReadingAt("") != byDefault {
		t.Errorf("by default %s: %+v", s.Reads, s.ReadingAt(""))
	}
	s.Reads = ReadPrimary
	s.Listen = []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}
	s.ListenFacade = map[string]Facade{"127.0.0.1:2": FacadeReplica}
	s.ListenConsistency = map[string]Consistency{"127.0.0.1:3": ConsistencyBounded}
	s.ListenMaxLag = map[string]session.Lag{"127.0.0.1:3": {Bytes: 5}}
	for listen, want := range map[string]session.Reading{
		"127.0.0.1:1": {From: session.FromPrimary, Consistency: session.Gateway},
		"127.0.0.1:2": {From: session.PreferReplica, Consistency: session.Gateway},
		"127.0.0.1:3": {From: session.FromPrimary, Consistency: session.Bounded, Lag: session.Lag{Bytes: 5}},
	} {
		if got := s.ReadingAt(listen); got != want {
			t.Errorf("%s: %+v, want %+v", listen, got, want)
		}
	}
	s.ListenReads = map[string]ReadPolicy{"127.0.0.1:1": ReadReplica, "127.0.0.1:3": ReadAuto}
	for listen, want := range map[string]session.Reading{
		"127.0.0.1:1": {From: session.OnlyReplica},
		"127.0.0.1:3": {From: session.PreferReplica, Consistency: session.Bounded, Lag: session.Lag{Bytes: 5}},
	} {
		if got := s.ReadingAt(listen); got != want {
			t.Errorf("%s with reads of its own: %+v, want %+v", listen, got, want)
		}
	}
	if got := s.Where(true).ReadingAt("127.0.0.1:3").From; got != session.FromPrimary || !s.DependsOnEviction() ||
		s.UsedReads() != ReadPreferReplica {
		t.Errorf("%v, %v, %v", got, s.DependsOnEviction(), s.UsedReads())
	}
	s.ListenReads, s.Reads = nil, ReadReplica
	if got := s.ReadingAt("127.0.0.1:1"); got != (session.Reading{From: session.OnlyReplica}) {
		t.Errorf("%+v", got)
	}
}
