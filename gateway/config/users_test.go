package config

import (
	"strings"
	"testing"
)

func TestAccessIsValidated(t *testing.T) {
	service := func(change func(*Service)) string {
		s := DefaultService()
		s.Primary = "a:1"
		change(&s)
		c := Default()
		c.Services = []Service{s}
		if err := c.Validate(); err != nil {
			return err.Error()
		}
		return ""
	}
	lines := func(lines ...string) func(*Service) {
		return func(s *Service) { s.Access.Users = lines }
	}
	for name, c := range map[string]struct {
		change func(*Service)
		want   string
	}{
		"right": {change: lines("user app on >x ~* +@all")},
		"wrong": {lines("user app on >hidden", "user app on", "user b +@no"),
			"users: line 2: Duplicate user 'app' found; users: line 3: Error in applying operation '+@no'"},
		"both": {func(s *Service) { s.Access = Access{Users: []string{"user app on"}, UsersFile: "f"} },
			"users-file: conflicts with users: set only one"},
		"beside a password": {func(s *Service) { s.Access.UsersFile, s.Password.Value = "f", "x" },
			"users-file: conflicts with a password for clients"},
		"open to all": {func(s *Service) {
			s.Access.Users, s.Listen = []string{"user default on nopass"}, []string{"127.0.0.1:1", "0.0.0.0:2"}
		}, `users: the default user needs no password, and "0.0.0.0:2" is reachable from other machines`},
		"denied": {change: func(s *Service) { s.Access.Deny = []string{"dangerous", "CONFIG SET", "@write"} }},
		"denied wrongly": {func(s *Service) { s.Access.Deny = []string{"flushal", "auth"} },
			`deny: "flushal" is neither a command nor a category, nor "dangerous"; deny: "auth" cannot be denied`},
		"denied at a listener": {change: func(s *Service) {
			s.Access.Deny = []string{s.Listen[0] + "=keys"}
		}},
		"denied nowhere": {func(s *Service) { s.Access.Deny = []string{"127.0.0.1:1=no"} },
			`deny: "no" is neither a command nor a category, nor "dangerous"`},
		"open on purpose": {change: func(s *Service) {
			s.Access.Users, s.Listen, s.NoAuth = []string{"user default on nopass"}, []string{"0.0.0.0:2"}, true
		}},
		"closed": {change: func(s *Service) {
			s.Access.Users, s.Listen = []string{"user app on >x"}, []string{"0.0.0.0:2"}
		}},
	} {
		got := service(c.change)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) || strings.Contains(got, "hidden") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestUsedReads(t *testing.T) {
	for _, c := range []struct{ service, user, want ReadPolicy }{
		{ReadPrimary, "", ReadPrimary}, {ReadPrimary, ReadPrimary, ReadPrimary},
		{ReadPrimary, ReadPreferReplica, ReadPreferReplica}, {ReadPreferReplica, ReadPrimary, ReadPreferReplica},
		{ReadReplica, ReadPrimary, ReadReplica},
	} {
		s := Service{Reads: c.service, UserSettings: map[string]UserSettings{"app": {Reads: c.user}}}
		if got := s.UsedReads(); got != c.want {
			t.Errorf("%s, and %q of a user: %s", c.service, c.user, got)
		}
	}
}
