package config

import (
	"strings"
	"testing"
)

func TestOnlyOneSideKnowsTheUsers(t *testing.T) {
	for _, c := range []struct {
		change func(*Service)
		want   string
	}{
		{func(*Service) {}, ""},
		{func(s *Service) { s.Listen = []string{"0.0.0.0:1"} }, ""}, // the servers ask for passwords
		{func(s *Service) { s.UpstreamAuth = "both" }, `"both" is not one of service, pass`},
		{func(s *Service) { s.Access.UsersFile = "users" }, "conflicts with users-file"},
		{func(s *Service) { s.Access.Users = []string{"user default on >x +@all"} }, "conflicts with users"},
		{func(s *Service) { s.Password.File = "p" }, "conflicts with password-file"},
		{func(s *Service) { s.Password.Value = "p" }, "conflicts with password"},
	} {
		conf := Default()
		conf.Services = []Service{DefaultService()}
		s := &conf.Services[0]
		s.Primary, s.UpstreamAuth = "127.0.0.1:2", AuthPass
		c.change(s)
		switch err := conf.Validate(); {
		case c.want == "" && err != nil:
			t.Errorf("valid settings: %v", err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	s := Service{UpstreamAuth: AuthPass}
	if all := s.Allowed(); !all["acl|setuser"] || all["shutdown"] {
		t.Errorf("users of servers may send %v", all)
	}
}
