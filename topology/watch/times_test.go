package watch_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"evergate/testenv/servers"
	"evergate/topology/watch"
)

// TestOtherTimes: a service that is changed goes by the times of the moment.
func TestOtherTimes(t *testing.T) {
	var polls atomic.Int32
	addr := fakeSentinel(t, func(name string, args [][]byte) bool {
		if name == "sentinel" && strings.EqualFold(string(args[1]), "myid") {
			polls.Add(1)
		}
		return false
	})
	service := watch.Service{Name: "s", Sentinels: []string{addr}, MasterName: "main"}
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
