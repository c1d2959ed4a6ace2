package config

import "evergate/routing"

// UpstreamAuth is as whom requests reach the servers.
type UpstreamAuth string

const (
	// AuthService: as the gateway's own user, for all clients.
	AuthService UpstreamAuth = "service"
	// AuthPass: as the user as whom the client has authenticated. The servers know the users and their passwords, and
	// decide what each may do; the gateway's own user serves the control plane only.
	AuthPass UpstreamAuth = "pass"
)

// Passes reports whether the servers know the users.
func (s *Service) Passes() bool { return s.UpstreamAuth == AuthPass }

// aclCommands are those that a user's own connection may carry, since the server decides about them.
func aclCommands() []string {
	names, _ := routing.Allowed("acl")
	return names
}

// upstreamAuth checks that only one side knows the users.
func (v *validation) upstreamAuth(s *Service) {
	v.oneOf("upstream-auth", string(s.UpstreamAuth), string(AuthService), string(AuthPass))
	if !s.Passes() {
		return
	}
	conflict := func(with string) {
		v.fault(Fault{Setting: "upstream-auth", Other: with, Text: "conflicts with " + with + ": where it is 'pass' the " +
			"servers know the users, and the gateway asks them"})
	}
	switch {
	case len(s.Access.Users) > 0:
		conflict("users")
	case s.Access.UsersFile != "":
		conflict("users-file")
	case !s.Password.IsZero():
		conflict(passwordSetting(s.Password))
	}
}
