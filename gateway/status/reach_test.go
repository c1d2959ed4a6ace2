package status

import (
	"testing"

	"evergate/topology/decide"
)

// TestReachHasTheNewestReason: why a Sentinel does not answer may change, and since when it does not stays.
func TestReachHasTheNewestReason(t *testing.T) {
	var r Reach
	r.Note(decide.Event{Kind: decide.SentinelGone, Subject: "s:1", Why: "it closes the connection"})
	before := r.Sentinels()[0]
	r.Note(decide.Event{Kind: decide.SentinelGone, Subject: "s:1", Why: "connection refused"})
	if s := r.Sentinels()[0]; s.Reachable || s.Why != "connection refused" || !s.Since.Equal(*before.Since) {
		t.Errorf("%+v, since %v", s, before.Since)
	}
	r.Note(decide.Event{Kind: decide.SentinelHeard, Subject: "s:1"})
	if s := r.Sentinels()[0]; !s.Reachable || s.Why != "" || s.Since.Equal(*before.Since) {
		t.Errorf("%+v, since %v", s, before.Since)
	}
}
