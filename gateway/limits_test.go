package gateway

import (
	"crypto/tls"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"evergate/gateway/config"
	"evergate/gateway/session"
)

func TestTooManyClientsOfOneAddress(t *testing.T) {
	onAll(t, func(t *testing.T, makeLoop maker) {
		g, addr := start(t, makeLoop, startNode(t), func(c *config.Gateway) { c.Limits.ClientsPerAddress = 2 })
		first := connect(t, addr)
		first.want("+PONG\r\n", "PING")
		connect(t, addr).want("+PONG\r\n", "PING")
		want := "-ERR max number of clients reached\r\n"
		if isSecure(t) {
			want = "closed"
		}
		if got := connect(t, addr).reply(); got != want {
			t.Fatalf("the third client got %q", got)
		}
		if n := g.addresses.Rejected(); n != 1 {
			t.Errorf("%d are rejected", n)
		}
		_ = first.Close()
		until(t, "a place is free again", func() bool {
			q := connect(t, addr)
			_, err := q.Write([]byte("PING\r\n"))
			return err == nil && q.reply() == "+PONG\r\n"
		})
	})
}

// TestClientsOfAllWorkersShareMemory sends the beginnings of values until the largest clients are closed, whichever
// worker they belong to. A small client does not notice.
func TestClientsOfAllWorkersShareMemory(t *testing.T) {
	onBoth(t, func(t *testing.T, makeLoop maker) {
		g, addr := start(t, makeLoop, startNode(t), func(c *config.Gateway) {
			c.Workers, c.Limits.ClientMemoryMax = 2, 8<<20
		})
		small := connect(t, addr)
		begin := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3000000\r\n" + strings.Repeat("x", 2<<20)
		for range 10 {
			p := connect(t, addr)
			_, _ = p.Write([]byte(begin)) // it may be closed meanwhile
		}
		until(t, "clients are closed", func() bool { return g.Snapshot().ClientsClosed[session.MemoryLimit] >= 5 })
		until(t, "the bound holds", func() bool { return g.clientMemory.Load() <= 8<<20 })
		small.want("+PONG\r\n", "PING")
		if n := g.Snapshot().ClientsClosed[session.MemoryLimit]; n > 9 {
			t.Errorf("all %d clients are closed", n)
		}
	})
}

// TestEncryptedAheadCounts: of what a client does not read, TLS keeps a part a second time.
func TestEncryptedAheadCounts(t *testing.T) {
	_, addr, secured, _ := startBoth(t, loops["system"], nil)
	observer := connect(t, addr)
	observer.want("+OK\r\n", "SET", "k", strings.Repeat("x", 1<<20))
	for range 4 {
		p := connect(t, secured)
		p.Conn = tls.Client(p.Conn, testClientTLS(t))
		for range 24 { // more than the sockets take
			p.send("GET", "k")
		}
	}
	listed := func() (sum int) {
		observer.send("CLIENT", "LIST")
		for _, words := range regexp.MustCompile(`tot-mem=(\d+)`).FindAllStringSubmatch(observer.reply(), -1) {
			n, err := strconv.Atoi(words[1])
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
		return sum
	}
	counted := func() int {
		observer.send("INFO", "gateway")
		_, text, _ := strings.Cut(observer.reply(), "client_memory:")
		text, _, _ = strings.Cut(text, "\r\n")
		all, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	list, all, same := 0, 0, 0
	until(t, "nothing moves any more", func() bool {
		if l, a := listed(), counted(); l != list || a != all || l < 1<<20 {
			list, all, same = l, a, 0
		}
		same++
		return same == 20
	})
	if all <= list { // by the rest of the records that a socket took in part
		t.Errorf("%d bytes are kept for what clients do not read, %d count", list, all)
	}
}
