//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"evergate/testenv/servers"
)

const (
	// fewIdle and manyIdle are the numbers of idle connections between which resident memory is compared: with the first
	// of them the process has its tables and its heap.
	fewIdle  = 1_000
	manyIdle = 10_000
	// idleGoal is how many bytes of resident memory an idle connection may take.
	idleGoal = 1 << 10
)

// idleMemory is the memory of a target's process for clients that are idle after one GET.
type idleMemory struct {
	Target string `json:"target"`
	Few    int64  `json:"resident_bytes_at_1000"`
	Many   int64  `json:"resident_bytes_at_10000"`
	// PerConnection is the slope, in bytes.
	PerConnection float64 `json:"bytes_per_connection"`
}

// measureIdle connects clients to a target, one GET each, and disconnects all of them before it returns.
func measureIdle(ctx context.Context, t *target) (m idleMemory, err error) {
	m.Target = t.name
	var conns []net.Conn
	defer func() {
		for _, conn := range conns {
			err = errors.Join(err, conn.Close())
		}
	}()
	buf := make([]byte, 4<<10)
	idle := func(count int) (int64, error) {
		for len(conns) < count {
			conn, err := idleClient(t.addr, len(conns), buf)
			if err != nil {
				return 0, fmt.Errorf("client %d of %d: %w", len(conns)+1, count, err)
			}
			conns = append(conns, conn)
		}
		return settled(ctx, t.pid)
	}
	if m.Few, err = idle(fewIdle); err != nil {
		return m, err
	}
	if m.Many, err = idle(manyIdle); err != nil {
		return m, err
	}
	m.PerConnection = float64(m.Many-m.Few) / (manyIdle - fewIdle)
	return m, nil
}

// idleClient connects and sends one GET.
func idleClient(addr string, i int, buf []byte) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	want := bulk(value(i))
	err = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if err == nil {
		_, err = conn.Write(servers.AppendCommand(nil, "GET", key(i)))
	}
	if err == nil {
		_, err = io.ReadFull(conn, buf[:len(want)])
	}
	if err == nil && !bytes.Equal(buf[:len(want)], want) {
		err = fmt.Errorf("wrong reply %q", buf[:len(want)])
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// settled returns the resident memory of a process once it has stayed within 64 KiB for 3 s; after 30 s, as it is.
func settled(ctx context.Context, pid int) (int64, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	start, still := time.Now(), time.Now()
	level := int64(0)
	for {
		now, err := servers.ResidentBytes(pid)
		if err != nil {
			return 0, err
		}
		if now > level+64<<10 || now < level-64<<10 {
			level, still = now, time.Now()
		}
		if time.Since(still) > 3*time.Second || time.Since(start) > 30*time.Second {
			return now, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func writeIdle(w io.Writer, all []idleMemory) {
	tw := columns(w)
	fmt.Fprintf(tw, "idle clients\tMB at %d\tMB at %d\tbytes a client\tgoal\t\t\n", fewIdle, manyIdle)
	for _, m := range all {
		goal, verdict := "", ""
		if m.Target == subject {
			goal, verdict = fmt.Sprintf("<= %d", idleGoal), judged(m.PerConnection <= idleGoal)
		}
		fmt.Fprintf(tw, "%s\t%.1f\t%.1f\t%.0f\t%s\t%s\t\n", m.Target, megabytes(m.Few), megabytes(m.Many),
			m.PerConnection, goal, verdict)
	}
	tw.Flush()
}
