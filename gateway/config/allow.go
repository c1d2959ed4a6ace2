package config

import "evergate/routing"

// Allowed are the names of all dangerous commands that a service permits.
func (s *Service) Allowed() map[string]bool {
	all := map[string]bool{}
	for _, word := range s.Allow {
		names, _ := routing.Allowed(word)
		for _, name := range names {
			all[name] = true
		}
	}
	if s.Passes() {
		for _, name := range aclCommands() {
			all[name] = true
		}
	}
	return all
}

// allow checks that each word names a dangerous command that may be permitted.
func (v *validation) allow(s *Service) {
	for _, word := range s.Allow {
		if _, none := routing.Allowed(word); none != "" {
			v.fault(Fault{Setting: "allow", Item: word, Given: word, Choices: routing.Allowables(),
				Text: quoted(word) + " " + none})
		}
	}
}
