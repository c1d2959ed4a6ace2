package routing

import (
	"bytes"
	"slices"
	"testing"
)

// TestReplicaRefusesWhatServersFlag: a replica rejects the commands that servers flag "write".
func TestReplicaRefusesWhatServersFlag(t *testing.T) {
	scripts := []string{"eval", "evalsha", "fcall"}
	refused := 0
	for _, file := range []string{"redis-6.2.16", "redis-7.0.15", "redis-7.4.1", "valkey-8.0.1"} {
		_, rows := readRecording(t, "testdata/command/"+file+".jsonl")
		for _, r := range rows {
			c := Lookup(bytes.Split([]byte(r.Name), []byte("|")))
			if c == nil || c.within != nil || c.Has(Harmful) {
				continue
			}
			want := r.flag("write") || slices.Contains(scripts, r.Name)
			if want {
				refused++
			}
			if got := c.ReplicaRefuses(); got != want {
				t.Errorf("%s, %s: refused is %v, want %v; flags %v", file, r.Name, got, want, r.Flags)
			}
		}
	}
	if refused < 400 {
		t.Errorf("only %d commands would be refused", refused)
	}
}
