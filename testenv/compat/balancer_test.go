package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGuideHasTheMeasuredHAProxy: the guide shows the settings with which restarts are measured.
func TestGuideHasTheMeasuredHAProxy(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", "two-gateways.md"))
	if err != nil {
		t.Fatal(err)
	}
	servers := "  server gateway-1 10.0.0.8:6379\n  server gateway-2 10.0.0.9:6379\n"
	if want := fmt.Sprintf(haproxyLines, ":6379", servers); !strings.Contains(string(guide), want) {
		t.Errorf("the guide lacks\n%s", want)
	}
}
