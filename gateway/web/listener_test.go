package web

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// dials opens a connection and sends a request, or the beginning of one.
func dials(t *testing.T, s *Server, request string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn
}

// taken returns how many connections have a place, and how many of them a request under way.
func taken(s *Server) (all, busy int) {
	s.ln.mu.Lock()
	defer s.ln.mu.Unlock()
	return len(s.ln.all), s.ln.count(func(c *conn) bool { return c.busy })
}

// await waits until a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	late := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-look.C:
		case <-late:
			t.Fatal("waited in vain for " + what)
		}
	}
}

// monitor asks for health on new connections, as monitors do; each answer must come at once.
func monitor(t *testing.T, s *Server, rounds int) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Second}
	for range rounds {
		for _, path := range []string{"/livez", "/readyz"} {
			answer, err := client.Get("http://" + s.Addr().String() + path)
			if err != nil || answer.StatusCode != http.StatusOK {
				t.Fatalf("%s: %v, %v", path, answer, err)
			}
			_ = answer.Body.Close()
		}
	}
}

// TestHostileClientsDoNotKeepHealthFromMonitors: connections that send nothing, the beginning of a request, or read
// slowly, all from the address of the monitor.
func TestHostileClientsDoNotKeepHealthFromMonitors(t *testing.T) {
	long := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		line := strings.Repeat("evergate_metric 1\n", 1000)
		for range 2000 {
			if _, err := io.WriteString(w, line); err != nil {
				return
			}
		}
	})
	s, _ := serve(t, Config{Metrics: long}, true)
	for _, request := range []string{"", "GET /metr"} {
		for range 2 * connsMax {
			dials(t, s, request)
		}
		monitor(t, s, 20)
	}
	for range connsMax + healthMax {
		dials(t, s, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
	}
	await(t, "slow readers in all places", func() bool {
		_, busy := taken(s)
		return busy >= connsMax
	})
	monitor(t, s, 20)
	for range healthMax {
		dials(t, s, "")
	}
	monitor(t, s, 20)
	if all, _ := taken(s); all > connsMax+healthMax {
		t.Errorf("%d connections are open", all)
	}
	other := dials(t, s, "GET /api/v1/services HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if got, err := io.ReadAll(other); err != nil || !strings.Contains(string(got), "503 Service Unavailable") {
		t.Errorf("a place for health serves for more: %.100q, %v", got, err)
	}
	await(t, "silent connections to end", func() bool {
		all, _ := taken(s)
		return all <= connsMax
	})
}

// nobody is a connection that can only be closed.
type nobody struct {
	net.Conn
	closed *int
}

func (n nobody) Close() error {
	*n.closed++
	return nil
}

// TestAddressesShareThePlaces: an address with many connections gives way to others, with idle connections first.
func TestAddressesShareThePlaces(t *testing.T) {
	closed := 0
	p := &places{}
	comes := func(last int) (c, left *conn) {
		addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(last)})
		c = &conn{Conn: nobody{closed: &closed}, of: p, from: netip.PrefixFrom(addr, 32)}
		return c, p.admit(c)
	}
	var first []*conn
	for i := range connsMax {
		c, left := comes(1)
		if left != nil || c.health {
			t.Fatalf("connection %d has no place", i)
		}
		c.begins(i != 5)
		first = append(first, c)
	}
	if c, left := comes(1); left != first[5] || c.health {
		t.Errorf("of an address with one idle connection %v leaves", left)
	}
	// The newest one is idle, and leaves next. Then the busy ones do, the oldest first.
	other, left := comes(2)
	if left == nil || left.busy || other.health {
		t.Errorf("for another address %v leaves", left)
	}
	other.begins(true)
	if c, left := comes(3); left != first[0] || c.health {
		t.Errorf("for a third address %v leaves", left)
	}
	if err := first[0].Close(); err != nil || p.remove(first[0]) {
		t.Error("a connection that has left has a place", err)
	}
	first[0].begins(false)
	if p.remove(first[0]) {
		t.Error("the end of its request gives it a place")
	}
	p.oldest(func(c *conn) bool { return !c.busy }).begins(true)
	for i := range healthMax {
		if c, left := comes(1); left != nil || !c.health {
			t.Errorf("connection %d has no place for health", i)
		}
	}
	if c, left := comes(1); left == nil || !left.health || !c.health {
		t.Errorf("of the places for health %v leaves", left)
	}
	// As many addresses as there are places: none has more than another, and health is what is left.
	for last := 4; last < 4+connsMax-3; last++ {
		c, left := comes(last)
		if left == nil || c.health {
			t.Fatalf("address %d has no place", last)
		}
		c.begins(true)
	}
	if c, left := comes(200); left != nil && !left.health || !c.health {
		t.Errorf("%v leaves for one more address", left)
	}
}

// TestNetworksOfIPv6CountAsOne, since a machine has a whole one.
func TestNetworksOfIPv6CountAsOne(t *testing.T) {
	at := func(text string) netip.Prefix { return whose(&net.TCPAddr{IP: net.ParseIP(text), Port: 1}) }
	if at("2001:db8::1") != at("2001:db8::ffff:1") || at("2001:db8::1") == at("2001:db8:0:1::1") {
		t.Error("networks of IPv6")
	}
	if at("::ffff:10.0.0.1") != at("10.0.0.1") || at("10.0.0.1") == at("10.0.0.2") {
		t.Error("addresses of IPv4")
	}
	if whose(&net.UnixAddr{}) != whose(&net.UnixAddr{Name: "x"}) {
		t.Error("Unix sockets")
	}
}
