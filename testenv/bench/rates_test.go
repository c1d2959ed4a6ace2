//go:build linux

package main

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestRatedLatencyCountsFromTheSchedule: requests that could not be sent in time because of the target are late, and
// none is left out.
func TestRatedLatencyCountsFromTheSchedule(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		defer theirs.Close()
		request := make([]byte, 4)
		for _, err := io.ReadFull(theirs, request); err == nil; _, err = io.ReadFull(theirs, request) {
			if _, err := theirs.Write([]byte("pong")); err != nil {
				return
			}
		}
	}()
	c := &ratedClient{conn: ours, batch: batch{request: []byte("ping"), replies: []byte("pong")}}
	now := time.Now()
	late := now.Add(-time.Second)
	if err := c.run(late, late.Add(100*time.Millisecond), now, 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if c.latencies.count != 9 || c.latencies.quantile(1) < 900*time.Millisecond {
		t.Errorf("%d latencies up to %s", c.latencies.count, c.latencies.quantile(1))
	}
	c.batch.replies = []byte("PONG")
	if err := c.run(now, now, now.Add(1), time.Second); err == nil || !strings.Contains(err.Error(), "wrong reply") {
		t.Error(err)
	}
}
