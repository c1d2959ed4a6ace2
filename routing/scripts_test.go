package routing

import (
	"maps"
	"testing"
)

func TestDeclaresNoWrites(t *testing.T) {
	for body, want := range map[string]bool{
		"#!lua flags=no-writes":                            true,
		"#!lua name=x flags=allow-stale,no-writes\nreturn": true,
		"#!lua name=no-writes\nreturn 1":                   false,
		"#!lua flags=allow-stale flags=no-writes":          false, // servers reject it
		"\n#!lua flags=no-writes":                          false,
		"return 1 --#! flags=no-writes":                    false,
		"":                                                 false,
	} {
		if DeclaresNoWrites([]byte(body)) != want {
			t.Errorf("%q: %v", body, !want)
		}
	}
}

func TestFunctions(t *testing.T) {
	list := []any{
		[]any{"library_name", "functions", "engine", "LUA", "functions", []any{
			[]any{"name", "Reads", "description", nil, "flags", []any{"allow-stale", "no-writes"}},
			[]any{"name", "writes", "description", "no-writes", "flags", []any{}},
			[]any{"description", "has no name", "flags", []any{"no-writes"}},
		}},
		[]any{"functions", "none"}, "nonsense", nil,
		[]any{"functions", []any{[]any{"name", "odd", "flags"}, []any{"name", int64(1)}}},
	}
	want := map[string]bool{"reads": true, "writes": false, "odd": false}
	if got := Functions(list); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := Functions(nil); got == nil || len(got) > 0 {
		t.Errorf("%v of an error", got)
	}
}
