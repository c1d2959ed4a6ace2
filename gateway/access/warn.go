package access

import "evergate/routing"

// Warnings returns what rules allow and their author may not expect: a server checks each command of a script by the
// rights of the user, and the gateway cannot.
func (u *Users) Warnings() (all []string) {
	for _, user := range u.sorted {
		if user.on && !user.unlimited && user.RunsScripts() {
			all = append(all, "user "+user.name+" may run scripts: what a script does to keys that it does not declare, and "+
				"by which commands, is not checked (-@scripting forbids scripts; with upstream-auth 'pass' the servers check them)")
		}
	}
	return all
}

// RunsScripts reports whether a user may run a script or a function.
func (u *User) RunsScripts() bool {
	for _, c := range routing.Rows() {
		if !c.Has(routing.RunsScript) {
			continue
		}
		for _, s := range u.selectors {
			if s.commands.allow(c, nil) {
				return true
			}
		}
	}
	return false
}
