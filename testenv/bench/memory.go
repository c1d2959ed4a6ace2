//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"evergate/testenv/servers"
)

const (
	// fewIdle and manyIdle are the numbers of idle connections between which resident memory is compared: with the first
	// of them the process has its tables and its heap.
	fewIdle  = 1_000
	manyIdle = 10_000
	// idleGoal is how many bytes of resident memory an idle connection may take, idleSecuredGoal one with TLS.
	idleGoal        = 1 << 10
	idleSecuredGoal = 10 << 10
	// idleWrittenGoal is that for one with TLS after a value of 64 KiB.
	idleWrittenGoal = 45 << 10
)

// idleMemory is the memory of a target's process for clients that are idle after one GET.
type idleMemory struct {
	Target string `json:"target"`
	// Written is the size in bytes of a value that each has sent before; 0: none.
	Written int   `json:"written,omitempty"`
	Few     int64 `json:"resident_bytes_at_1000"`
	Many    int64 `json:"resident_bytes_at_10000"`
	// PerConnection is the slope, in bytes.
	PerConnection float64 `json:"bytes_per_connection"`
}

// measureIdle connects clients to a target, one GET each, and disconnects all of them before it returns. If written is
// not 0, each has sent a value of that many bytes as well.
func measureIdle(ctx context.Context, t *target, written int) (m idleMemory, err error) {
	m.Target, m.Written = t.name, written
	var conns []net.Conn
	defer func() {
		for _, conn := range conns {
			err = errors.Join(err, conn.Close())
		}
	}()
	idle := func(count int) (int64, error) {
		for len(conns) < count {
			conn, err := t.ask(bulk(value(len(conns))), "GET", key(len(conns)))
			if err != nil {
				return 0, fmt.Errorf("client %d of %d: %w", len(conns)+1, count, err)
			}
			conns = append(conns, conn)
			if written > 0 {
				if err := write(conn, written); err != nil {
					return 0, fmt.Errorf("client %d of %d: %w", len(conns), count, err)
				}
			}
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

// write sends one value of a size.
func write(conn net.Conn, size int) error {
	_, err := conn.Write(servers.AppendCommand(nil, "SET", "written", strings.Repeat("x", size)))
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, len("+OK\r\n")))
	}
	return err
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
		name, bound := m.Target, map[string]float64{subject: idleGoal, secured: idleSecuredGoal}[m.Target]
		if m.Written > 0 {
			name, bound = fmt.Sprintf("%s after %d KB", name, m.Written>>10), idleWrittenGoal
		}
		if bound > 0 {
			goal, verdict = fmt.Sprintf("<= %.0f", bound), judged(m.PerConnection <= bound)
		}
		fmt.Fprintf(tw, "%s\t%.1f\t%.1f\t%.0f\t%s\t%s\t\n", name, megabytes(m.Few), megabytes(m.Many),
			m.PerConnection, goal, verdict)
	}
	tw.Flush()
}
