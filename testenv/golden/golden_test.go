package golden

import (
	"slices"
	"strings"
	"testing"
)

// shout returns each word of a directive as an effect, except "nothing".
func shout(directive string) (effects string) {
	for word := range strings.FieldsSeq(directive) {
		if word != "nothing" {
			effects += strings.ToUpper(word) + "\n"
		}
	}
	return effects
}

func TestEffectsStandUnderTheirDirective(t *testing.T) {
	const want = "# why\na b\n    A\n    B\nnothing\n\n# and\nc\n    C\n"
	for _, script := range []string{
		"# why\na b\nnothing\n\n# and\nc\n",
		"# why\na b\n    old\nnothing\n    older\n\n# and\nc",
		want,
	} {
		if got := Replay(script, shout); got != want {
			t.Errorf("%q was played as %q", script, got)
		}
		if all := Directives(script); !slices.Equal(all, []string{"a b", "nothing", "c"}) {
			t.Errorf("%q has the directives %q", script, all)
		}
	}
}

func TestDifferenceIsFound(t *testing.T) {
	for _, c := range []struct {
		want, got string
		line      int
	}{
		{"a\n    A\n", "a\n    A\n", 0}, {"a\n    A\n", "a\n", 2}, {"a\n", "a\n    A\n", 2}, {"a\n    A\n", "a\n    B\n", 2},
		{"a", "a\n", 2},
	} {
		line, differs := Difference(c.want, c.got)
		if line != c.line || differs != (c.line > 0) {
			t.Errorf("%q and %q differ at line %d, %t", c.want, c.got, line, differs)
		}
		if differs && !strings.Contains(excerpt(c.got, line), "> ") {
			t.Errorf("the excerpt has no mark: %s", excerpt(c.got, line))
		}
	}
}
