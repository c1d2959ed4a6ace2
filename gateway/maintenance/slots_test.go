package maintenance

import (
	"testing"

	"evergate/gateway/facade"
)

func TestSuccessor(t *testing.T) {
	for _, c := range []struct {
		host, port string
		self, want facade.Address
	}{
		{"", "", facade.Address{Host: "10.0.0.1", Port: 6379}, facade.Address{}},
		{"", "6380", facade.Address{Host: "10.0.0.1", Port: 6379}, facade.Address{}},
		{"other", "6380", facade.Address{Host: "10.0.0.1", Port: 6379}, facade.Address{Host: "other", Port: 6380}},
		{"other", "", facade.Address{Host: "10.0.0.1", Port: 7000}, facade.Address{Host: "other", Port: 7000}},
		{"[2001:db8::2]", "", facade.Address{Host: "2001:db8::1", Port: 1}, facade.Address{Host: "2001:db8::2", Port: 1}},
		{"Balancer", "", facade.Address{Host: "balancer", Port: 6379}, facade.Address{}},
		{"balancer", "6379", facade.Address{Host: "balancer", Port: 6379}, facade.Address{}},
		{"same", "6380", facade.Address{Host: "same", Port: 6379}, facade.Address{Host: "same", Port: 6380}},
	} {
		n := Notice{Host: c.host, Port: c.port}
		if got := n.successor(c.self); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestAddressForms: go-redis compares IPv6 in brackets, redis-py without.
func TestAddressForms(t *testing.T) {
	for _, c := range []struct {
		a                   facade.Address
		bracketed, stripped string
	}{
		{facade.Address{Host: "2001:db8::1", Port: 6379}, "[2001:db8::1]:6379", "2001:db8::1:6379"},
		{facade.Address{Host: "gate.example.com", Port: 6379}, "gate.example.com:6379", "gate.example.com:6379"},
	} {
		if got := c.a.String(); got != c.bracketed {
			t.Errorf("%v: %q", c.a, got)
		}
		if got := unbracketed(c.a); got != c.stripped {
			t.Errorf("%v: %q", c.a, got)
		}
	}
}
