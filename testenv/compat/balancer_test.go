package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGuideHasTheMeasuredSettings: the guide shows those of HAProxy and keepalived with which restarts are measured.
func TestGuideHasTheMeasuredSettings(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", "two-gateways.md"))
	if err != nil {
		t.Fatal(err)
	}
	servers := "  server gateway-1 10.0.0.8:6379\n  server gateway-2 10.0.0.9:6379\n"
	check := "/usr/bin/evergate healthcheck --ready --config /etc/evergate/evergate.yaml"
	for _, want := range []string{fmt.Sprintf(haproxyLines, ":6379", servers),
		fmt.Sprintf(keepalivedLines, "evergate", check, 100, "10.0.0.10")} {
		if !strings.Contains(string(guide), want) {
			t.Errorf("the guide lacks\n%s", want)
		}
	}
}

// TestNameServerAnswers: both addresses in turn for the name, and none for another type or name.
func TestNameServerAnswers(t *testing.T) {
	const name = "\x08Gateways\x04test\x00"
	query := func(name string, kind byte) []byte {
		return []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + "\x00" + string([]byte{kind}) + "\x00\x01")
	}
	record := func(last byte) string {
		return "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04\x7f\x00\x00" + string([]byte{last})
	}
	head := func(rcode, answers byte) string {
		return "\x12\x34\x81" + string([]byte{0x80 | rcode}) + "\x00\x01\x00" + string([]byte{answers}) + "\x00\x00\x00\x00"
	}
	other := "\x05other\x04test\x00"
	for _, c := range []struct {
		query []byte
		turn  int
		want  string
	}{
		{query(name, 1), 0, head(0, 2) + name + "\x00\x01\x00\x01" + record(2) + record(3)},
		{query(name, 1), 1, head(0, 2) + name + "\x00\x01\x00\x01" + record(3) + record(2)},
		{query(name, 28), 0, head(0, 0) + name + "\x00\x1c\x00\x01"},
		{query(other, 1), 0, head(3, 0) + other + "\x00\x01\x00\x01"},
		{query(name, 1)[:20], 0, ""},
		{[]byte("short"), 0, ""},
	} {
		if got := answerName(c.query, c.turn); string(got) != c.want {
			t.Errorf("%q, turn %d: %q, want %q", c.query, c.turn, got, c.want)
		}
	}
}
