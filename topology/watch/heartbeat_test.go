package watch_test

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tidwall/redcon"

	"evergate/testenv/servers"
	"evergate/topology/watch"
)

// TestDeadSubscriptionIsReplaced: a subscription whose connection does not even answer PING, while other connections to
// its Sentinel work, is renewed.
func TestDeadSubscriptionIsReplaced(t *testing.T) {
	var subscriptions, pings atomic.Int32
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := redcon.NewServer("", func(conn redcon.Conn, cmd redcon.Command) {
		switch strings.ToLower(string(cmd.Args[0])) {
		case "psubscribe":
			subscriptions.Add(1)
			conn.WriteArray(3)
			conn.WriteBulkString("psubscribe")
			conn.WriteBulk(cmd.Args[1])
			conn.WriteInt(1)
		case "ping":
			pings.Add(1)
		default:
			conn.WriteError("ERR No such master with that name")
		}
	}, nil, nil)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	follow(t, watch.Service{Name: "s", Sentinels: []string{listener.Addr().String()}, MasterName: "main"})
	servers.Until(t, servers.Patience, "a second subscription", func() error {
		if s, p := subscriptions.Load(), pings.Load(); s < 2 || p < 1 {
			return fmt.Errorf("%d subscriptions, %d PINGs", s, p)
		}
		return nil
	})
}
