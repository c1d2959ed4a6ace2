package main

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"evergate/testenv/servers"
)

// hostility is one way to harm a gateway: once makes it once, and ends soon after ctx does.
type hostility struct {
	name string
	once func(ctx context.Context, t *target)
	// every is the time from one to the next: attackers have their own machines, and here they share that of the gateway.
	every time.Duration
	// tls: it is made at the listener with TLS.
	tls  bool
	made atomic.Int64
}

var attacks = [...]hostility{
	{name: "slow-loris", once: slowLoris, every: time.Second},
	{name: "half-values", once: halfValues, every: 2 * time.Second},
	{name: "giant-counts", once: giantCounts, every: 50 * time.Millisecond},
	{name: "connections", once: connections, every: 200 * time.Millisecond},
	{name: "passwords", once: passwords, every: 50 * time.Millisecond},
	{name: "unread-replies", once: unreadReplies, every: 2 * time.Second},
	{name: "unread-messages", once: unreadMessages, every: 2 * time.Second},
	{name: "monitors", once: monitors, every: 2 * time.Second},
	{name: "transactions", once: transactions, every: 2 * time.Second},
	{name: "port-scan", once: portScan, every: 100 * time.Millisecond},
	{name: "http", once: http, every: 100 * time.Millisecond},
	{name: "garbage", once: garbage, every: 100 * time.Millisecond},
	{name: "tls-handshakes", once: handshakes, every: 200 * time.Millisecond, tls: true},
	{name: "tls-half", once: halfHandshakes, every: time.Second, tls: true},
	{name: "tls-broken", once: brokenHandshakes, every: 100 * time.Millisecond, tls: true},
	{name: "tls-key-updates", once: keyUpdates, every: 100 * time.Millisecond, tls: true},
	{name: "tls-unread", once: unreadSecrets, every: 2 * time.Second, tls: true},
}

// chosen returns the attacks with these names; none: all.
func chosen(only []string) (all []*hostility) {
	for i := range attacks {
		if a := &attacks[i]; len(only) == 0 || slices.Contains(only, a.name) {
			all = append(all, a)
		}
	}
	return all
}

// target is what is attacked, and the address from which: the gateway makes an address that guesses passwords wait.
type target struct {
	addr, from string
	config     *tls.Config // nil for a listener without TLS
}

const (
	// attacker is where attacks come from, guesser where passwords are guessed.
	attacker = "127.0.0.2"
	guesser  = "127.0.0.3"
)

// repeat makes an attack until ctx ends.
func (t *target) repeat(ctx context.Context, a *hostility) {
	for ctx.Err() == nil {
		a.once(ctx, t)
		a.made.Add(1)
		pause(ctx, a.every)
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// dial connects; nil where that fails, which is no mistake of a gateway under attack.
func (t *target) dial() net.Conn {
	c, err := servers.DialFrom(t.from, t.addr)
	if err != nil {
		return nil
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c.Conn
}

// login connects and authenticates.
func (t *target) login() (*servers.Conn, error) { return login(t.from, t.addr, password, t.config) }

// gang connects so many authenticated clients and calls f for each. close closes them.
func (t *target) gang(n int, f func(c *servers.Conn)) (leave func()) {
	var all []*servers.Conn
	for range n {
		c, err := t.login()
		if err != nil {
			continue
		}
		c.Within(2 * time.Second)
		all = append(all, c)
		f(c)
	}
	return func() {
		for _, c := range all {
			_ = c.Close()
		}
	}
}

// many is gang for clients that stay so long.
func (t *target) many(ctx context.Context, n int, stay time.Duration, f func(c *servers.Conn)) {
	leave := t.gang(n, f)
	pause(ctx, stay)
	leave()
}

// slowLoris sends the beginning of a command byte by byte.
func slowLoris(ctx context.Context, t *target) {
	var all []net.Conn
	for range 100 {
		if c := t.dial(); c != nil {
			all = append(all, c)
		}
	}
	for _, b := range []byte("*2\r\n$4\r\nAUTH\r\n") {
		for _, c := range all {
			_, _ = c.Write([]byte{b})
		}
		pause(ctx, 200*time.Millisecond)
	}
	for _, c := range all {
		_ = c.Close()
	}
}

// halfValues announces values of 100 MB and sends a fifth of each.
func halfValues(ctx context.Context, t *target) {
	part := make([]byte, 20<<20)
	t.many(ctx, 10, 2*time.Second, func(c *servers.Conn) {
		_ = c.SendRaw([]byte("*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$104857600\r\n"))
		_ = c.SendRaw(part)
	})
}

// giantCounts announces more than there can be.
func giantCounts(ctx context.Context, t *target) {
	for _, text := range []string{"*1000000000\r\n", "*2\r\n$99999999999\r\n", "*1048576\r\n", "*-7\r\n", "$-9\r\n",
		"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$268435455\r\n", "%5\r\n", "*1\r\n*1\r\n"} {
		c, err := t.login()
		if err != nil {
			return
		}
		_ = c.SendRaw([]byte(text))
		_ = c.Close()
		if ctx.Err() != nil {
			return
		}
	}
}

// unreadReplies asks for more than it reads.
func unreadReplies(ctx context.Context, t *target) {
	c, err := t.login()
	if err != nil {
		return
	}
	_, err = c.Do("SET", "large", string(make([]byte, 1<<20)))
	_ = c.Close()
	if err != nil {
		return
	}
	request := servers.AppendCommand(nil, "GET", "large")
	for range 5 {
		request = append(request, request...)
	}
	t.many(ctx, 10, 2*time.Second, func(c *servers.Conn) { _ = c.SendRaw(request) })
}

// unreadMessages subscribes and does not read what another client publishes.
func unreadMessages(ctx context.Context, t *target) {
	message := string(make([]byte, 40<<10))
	defer t.gang(50, func(c *servers.Conn) { _, _ = c.Do("SUBSCRIBE", "channel") })()
	t.send(ctx, 50, "PUBLISH", "channel", message)
}

// monitors watches all commands and reads nothing, while another client writes.
func monitors(ctx context.Context, t *target) {
	defer t.gang(50, func(c *servers.Conn) { _, _ = c.Do("MONITOR") })()
	t.send(ctx, 20, "SET", "monitored", string(make([]byte, 20<<10)))
}

// send has one client send a command several times.
func (t *target) send(ctx context.Context, times int, args ...string) {
	t.many(ctx, 1, 0, func(c *servers.Conn) {
		for range times {
			if _, err := c.Do(args...); err != nil || ctx.Err() != nil {
				return
			}
		}
	})
}

// transactions queues commands and never executes them.
func transactions(ctx context.Context, t *target) {
	value := string(make([]byte, 4<<20))
	t.many(ctx, 10, 2*time.Second, func(c *servers.Conn) {
		if _, err := c.Do("MULTI"); err != nil {
			return
		}
		for range 5 {
			if _, err := c.Do("SET", "queued", value); err != nil || ctx.Err() != nil {
				return
			}
		}
	})
}
