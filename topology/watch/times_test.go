package watch_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/redcon"

	"evergate/testenv/servers"
	"evergate/topology/watch"
)

// TestOtherTimes: a service that is changed goes by the times of the moment.
func TestOtherTimes(t *testing.T) {
	var polls atomic.Int32
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := redcon.NewServer("", func(conn redcon.Conn, cmd redcon.Command) {
		switch name := strings.ToLower(string(cmd.Args[0])); name {
		case "psubscribe":
			conn.WriteArray(3)
			conn.WriteBulkString(name)
			conn.WriteBulk(cmd.Args[1])
			conn.WriteInt(1)
		case "sentinel":
			if strings.EqualFold(string(cmd.Args[1]), "myid") {
				polls.Add(1)
			}
			fallthrough
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
	service := watch.Service{Name: "s", Sentinels: []string{listener.Addr().String()}, MasterName: "main"}
	w := watch.New(watch.Options{RefreshInterval: time.Hour})
	added := w.Add(service)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	defer func() {
		cancel()
		<-done
	}()
	until := func(what string, n int32) {
		t.Helper()
		servers.Until(t, servers.Patience, what, func() error {
			if got := polls.Load(); got < n {
				return fmt.Errorf("%d polls", got)
			}
			return nil
		})
	}
	until("a poll", 1)
	w.SetTimes(time.Second, time.Millisecond)
	w.Change(added, service)
	until("many polls", 400) // more than a Sentinel is asked for other reasons in all that time
}
