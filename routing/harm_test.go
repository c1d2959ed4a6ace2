package routing

import (
	"slices"
	"testing"
)

func TestAllowed(t *testing.T) {
	for word, want := range map[string][]string{
		"debug": {"debug"}, "SHUTDOWN": {"shutdown"}, "ACL SETUSER": {"acl|setuser"}, "acl|setuser": {"acl|setuser"},
		"module": {"module|load", "module|loadex", "module|unload"}, "CONFIG|SET": {"config|set"},
		"PSYNC": {"psync"},
	} {
		got, none := Allowed(word)
		slices.Sort(got)
		if !slices.Equal(got, want) || none != "" {
			t.Errorf("%q: %q %s", word, got, none)
		}
	}
	for _, word := range []string{"", "|", "get", "script|debug", "nosuch", "config", "acl|nosuch", "host:"} {
		if got, none := Allowed(word); got != nil || none == "" {
			t.Errorf("%q: %q %s", word, got, none)
		}
	}
	all := Allowables()
	for _, name := range all {
		if got, none := Allowed(name); len(got) == 0 {
			t.Errorf("%q is offered: %s", name, none)
		}
	}
	if !slices.Contains(all, "acl") || !slices.Contains(all, "acl|setuser") || slices.Contains(all, "post") {
		t.Errorf("%q are offered", all)
	}
}

// TestEveryHarmHasAReason: a command that may be permitted has a name for the setting that works; others have none.
func TestEveryHarmHasAReason(t *testing.T) {
	for _, c := range allRows() {
		if !c.Has(Harmful) {
			continue
		}
		if name := c.Allowable(); c.Harm() == "" || (name == "") != slices.Contains(neverAllowed, c.Name) {
			t.Errorf("%s: %q, %q", c.Name, c.Harm(), name)
		}
	}
	learnt := Learn(Definition{Name: "mod.reload", Arity: 1, Flags: []string{"admin"}})
	if learnt.Allowable() != "" {
		t.Error("a learnt command can be let through")
	}
}
