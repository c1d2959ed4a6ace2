package e2e

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"evergate/testenv/servers"
)

// TestRequestTooLongForTheServer: a server with a lower limit than the gateway closes the connection on a longer
// request. Its error is the reply, and retries end.
func TestRequestTooLongForTheServer(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{Config: []string{"proto-max-bulk-len 1mb"}})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr)
	value := strings.Repeat("x", 2<<20)
	reply := "-ERR Protocol error: invalid bulk length\r\n"
	neighbour := servers.MustDial(t, gate.Addr)
	for range 3 {
		c := servers.MustDial(t, gate.Addr)
		expect(t, c, reply, "SET", "k", value)
		if rest, err := c.Rest(); len(rest) > 0 || err != nil {
			t.Errorf("the connection is not closed behind it, but says %.60q, %v", rest, err)
		}
		c = servers.MustDial(t, gate.Addr)
		expect(t, c, "+OK\r\n", "MULTI")
		expect(t, c, "+QUEUED\r\n", "SET", "k", value)
		expect(t, c, reply, "EXEC")
		expect(t, neighbour, "+OK\r\n", "SET", "n", "1")
	}
}

// TestRequestTooLongForTheServersBuffer: a server with a smaller query buffer closes the connection without an error.
func TestRequestTooLongForTheServersBuffer(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{Config: []string{"client-query-buffer-limit 1mb"}})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr)
	c := servers.MustDial(t, gate.Addr)
	reply, err := c.Do("SET", "k", strings.Repeat("x", 32<<20)) // sockets do not take it whole
	if err != nil || !strings.HasPrefix(string(reply), "-ERR evergate: the server closed two connections") {
		t.Errorf("answered %.200q, %v", reply, err)
	}
	expect(t, c, ":0\r\n", "EXISTS", "k")
}

// TestReplyTooLongForTheServer: a reply over the server's limit costs other clients their connection once, not twice.
func TestReplyTooLongForTheServer(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{Config: []string{"client-output-buffer-limit normal 2mb 2mb 0"}})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--workers", "1")
	c := servers.MustDial(t, gate.Addr)
	item := strings.Repeat("e", 10_000)
	for range 2_000 {
		if _, err := c.Do("RPUSH", "l", item); err != nil {
			t.Fatal(err)
		}
	}
	var stop atomic.Bool
	const writers = 4
	uncertain := make(chan int, writers)
	for i := range writers {
		w := servers.MustDial(t, gate.Addr)
		go func() {
			n := 0
			for !stop.Load() {
				reply, err := w.Do("INCR", fmt.Sprint("c", i))
				if err != nil || reply[0] != ':' {
					n++
				}
			}
			uncertain <- n
		}()
	}
	for range 5 {
		reply, err := c.Do("LRANGE", "l", "0", "-1")
		if err != nil || !strings.HasPrefix(string(reply), "-ERR evergate: the connection to the server was lost") {
			t.Errorf("answered %.200q, %v", reply, err)
		}
	}
	stop.Store(true)
	for range writers {
		if n := <-uncertain; n > 1 {
			t.Errorf("a writer was answered with %d errors", n)
		}
	}
}
