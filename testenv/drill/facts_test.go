package drill

import (
	"testing"
)

func TestTheProcessorIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"processor\t: 0\nvendor_id\t: X\nmodel name\t: Fast CPU @ 2.00GHz\nprocessor\t: 1\n": "Fast CPU @ 2.00GHz",
		"processor\t: 0\nBogoMIPS\t: 50.00\n":                                                "",
		"":                                                                                   "",
	} {
		if got := cpuModel([]byte(text)); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if m := proxyVersion.FindStringSubmatch("HAProxy version 2.6.12-1 2023/12/16 - https://haproxy.org/"); m == nil ||
		m[1] != "2.6.12-1" {
		t.Errorf("%q", m)
	}
}
