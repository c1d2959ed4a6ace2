package main

import (
	"slices"
	"testing"
)

func TestParseFindsWhatPassedAndWhatDidNot(t *testing.T) {
	r := parse([]byte("Starting test server\n" +
		"[\x1b[0;32;49mok\x1b[0m]: MULTI / EXEC basics (1 ms)\n" +
		"[\x1b[0;32;49mok\x1b[0m]: twice (0 ms)\n[\x1b[0;32;49mok\x1b[0m]: twice (1 ms)\n" +
		"[\x1b[0;32;49mok\x1b[0m]: once more (0 ms)\n" +
		"[\x1b[0;31;49merr\x1b[0m]: once more in tests/unit/multi.tcl\n" +
		"[ignore]: MULTI with BGREWRITEAOF: Not supported on external server\n" +
		"[exception]: Executing test client: ERR nothing.\n"))
	if want := []string{"MULTI / EXEC basics", "twice"}; !slices.Equal(r.passed, want) {
		t.Errorf("passed: %q", r.passed)
	}
	if len(r.failed) != 2 || len(r.printed) != 2 || !slices.Contains(r.failed, "once more") {
		t.Errorf("failed: %q, said %q", r.failed, r.printed)
	}
}

func TestExceptionsHaveReasons(t *testing.T) {
	listed, err := exceptions()
	if err != nil {
		t.Error(err)
	}
	if len(listed) > 29 {
		t.Errorf("%d exceptions, 29 are allowed", len(listed))
	}
}

func TestTallyFailsForWhatIsNotListed(t *testing.T) {
	var s tally
	straight := &result{passed: []string{"a", "b", "c"}}
	s.add("unit/x", straight, &result{passed: []string{"a", "c"}}, map[string]string{"unit/x: c": "why"})
	if err := s.print(false); err == nil || len(s.missing) != 1 || len(s.stale) != 1 {
		t.Errorf("%v, missing %q, stale %q", err, s.missing, s.stale)
	}
	var listed tally
	listed.add("unit/x", straight, &result{passed: []string{"a", "c"}}, map[string]string{"unit/x: b": "why"})
	if err := listed.print(false); err != nil {
		t.Error(err)
	}
	if err := (&tally{}).print(true); err == nil {
		t.Error("no test at all is fine")
	}
}
