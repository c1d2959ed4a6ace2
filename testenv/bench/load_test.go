//go:build linux

package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"evergate/testenv/servers"
)

func TestLoadRefusesWrongReplies(t *testing.T) {
	now := make(chan struct{})
	close(now)
	for name, reply := range map[string]string{
		"another key's value": "$64\r\n" + string(value(1)) + "\r\n",
		"an error":            "-ERR no\r\n",
		"a reply too many":    "$64\r\n" + string(value(0)) + "\r\n+OK\r\n",
		"a close":             "",
	} {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- answerOnce(l, now, reply) }()
		_, err = load{addr: l.Addr().String(), command: "GET", conns: 1, pipeline: 1}.run(t.Context(), 0, time.Minute,
			func() error { return nil })
		if err == nil || !strings.Contains(err.Error(), "wrong reply") && !strings.Contains(err.Error(), "closed") {
			t.Errorf("%s: %v", name, err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestLoadCountsWhoStillWaits: a request that waits during all of the measured time is among the latencies.
func TestLoadCountsWhoStillWaits(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	release, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- answerOnce(l, release, string(bulk(value(0)))) }()
	samples := 0
	r, err := load{addr: l.Addr().String(), command: "GET", conns: 1, pipeline: 1}.run(t.Context(), 0,
		20*time.Millisecond, func() error {
			if samples++; samples == 2 {
				close(release)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.latencies.quantile(0.99); r.requests != 0 || got < 20*time.Millisecond {
		t.Errorf("%d requests, p99 %v; want none and more than 20ms", r.requests, got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestLoadWritesMoreThanASocketTakes: bytes that a socket does not take at once are written later.
func TestLoadWritesMoreThanASocketTakes(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	request := servers.AppendCommand(nil, "SET", key(0), strings.Repeat("a large value", 1<<20))
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		got := make([]byte, len(request))
		for err == nil {
			if _, err = io.ReadFull(conn, got); err == nil && !bytes.Equal(got, request) {
				err = errors.New("another request came")
			}
			if err == nil {
				_, err = conn.Write([]byte("+OK\r\n"))
			}
		}
		done <- err
	}()
	r, err := load{addr: l.Addr().String(), conns: 1, pipeline: 1,
		batches: []batch{{request: request, replies: []byte("+OK\r\n")}}}.run(t.Context(), 0, 200*time.Millisecond,
		func() error { return nil })
	if err != nil || r.latencies.count == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := <-done; err != io.EOF {
		t.Error(err)
	}
}

// answerOnce reads one request on one connection, replies when released, and closes after the client.
func answerOnce(l net.Listener, release <-chan struct{}, reply string) error {
	defer l.Close()
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	request := servers.AppendCommand(nil, "GET", key(0))
	if _, err := io.ReadFull(conn, request); err != nil || reply == "" {
		return err
	}
	<-release
	if _, err := conn.Write([]byte(reply)); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, conn)
	return nil
}

// TestCompareThroughRelay: the relay keeps replies apart, the load counts them, and the process's CPU is measured.
func TestCompareThroughRelay(t *testing.T) {
	servers.SkipShort(t)
	s, err := newSite("", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	c := &comparison{rounds: 2, conns: 7, measured: 50 * time.Millisecond}
	for _, command := range []string{"GET", "SET"} {
		c.scenarios = append(c.scenarios, scenario{Command: command, Pipeline: 1},
			scenario{Command: command, Pipeline: 16}, scenario{Command: command, Pipeline: 1, Bytes: 64 << 10})
	}
	if c.targets, err = s.targets(t.Context(), "direct", "relay"); err != nil {
		t.Fatal(err)
	}
	c.server = s.server
	if err := valuesOf(64 << 10).fill(s.server.addr); err != nil {
		t.Fatal(err)
	}
	all, err := c.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 12 {
		t.Fatalf("%d series, want 12", len(all))
	}
	for _, s := range all {
		for _, f := range s.Rounds {
			if f.Requests <= 0 || f.P50 <= 0 || f.P99 < f.P50 || f.CPU <= 0 || f.ServerCPU <= 0 {
				t.Errorf("%s, %s: %+v", s.Target, s.Scenario, f)
			}
		}
		if len(s.Rounds) != 2 {
			t.Errorf("%s, %s: %d rounds", s.Target, s.Scenario, len(s.Rounds))
		}
	}
}

func TestPeakOutlivesWhatCausedIt(t *testing.T) {
	if err := resetPeak(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	before, err := peakBytes(os.Getpid())
	if err != nil || before < 1<<20 {
		t.Fatalf("peak = %d, %v", before, err)
	}
	pages, err := unix.Mmap(-1, 0, 32<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(pages) }()
	for i := 0; i < len(pages); i += 4096 {
		pages[i] = 1
	}
	after, err := peakBytes(os.Getpid())
	if err != nil || after < before+24<<20 {
		t.Errorf("peak = %d after 32 MB were touched at %d, %v", after, before, err)
	}
}
