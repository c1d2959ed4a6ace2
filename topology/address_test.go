package topology

import (
	"testing"
)

func TestAddresses(t *testing.T) {
	for _, c := range []struct{ addr, host, port string }{
		{"a:1", "a", "1"}, {"::1:7000", "::1", "7000"}, {"[2001:db8::1]:7000", "2001:db8::1", "7000"}, {":1", "", "1"},
		{"a", "a", ""}, {"", "", ""}, {"[]:1", "", "1"},
	} {
		if host, port := SplitAddr(c.addr); host != c.host || port != c.port {
			t.Errorf("SplitAddr(%q) = %q %q", c.addr, host, port)
		}
	}
	m := map[string]string{"10.0.0.1": "h", "10.0.0.2:1": "h:2", "fe80::1": "2001:db8::2", "10.0.0.3:1": "[::1]:5",
		"10.0.0.4": "[::1]"}
	for from, to := range map[string]string{"10.0.0.1:7": "h:7", "10.0.0.2:1": "h:2", "10.0.0.2:3": "10.0.0.2:3",
		"fe80::1:7": "[2001:db8::2]:7", "10.0.0.3:1": "[::1]:5", "10.0.0.4:9": "[::1]:9", "::1:7": "[::1]:7"} {
		if got := MapAddr(m, from); got != to {
			t.Errorf("MapAddr(%q) = %q, want %q", from, got, to)
		}
	}
}

func TestNodeNamed(t *testing.T) {
	from := &Node{ID: 0, Addr: "mapped:1", Announced: "10.0.0.1:1"}
	peer := &Node{ID: 1, Addr: "mapped:2", Announced: "10.0.0.1:2"}
	six := &Node{ID: 2, Addr: "[::1]:3", Announced: "::1:3"}
	v := &View{Nodes: []*Node{from, peer, nil, six}}
	for addr, want := range map[string]*Node{"10.0.0.1:2": peer, ":2": peer, "::1:3": six, "[::1]:3": six, ":4": nil,
		"": nil, "10.0.0.9:2": nil} {
		if got := v.NodeNamed(addr, from); got != want {
			t.Errorf("NodeNamed(%q) = %v, want %v", addr, got, want)
		}
	}
	if v.NodeNamed(":2", nil) != nil {
		t.Error("an empty host of nobody was found")
	}
}
