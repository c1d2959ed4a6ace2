//go:build linux

package main

import (
	"bufio"
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
	// bigSize is the size of the big value in bytes.
	bigSize = 64 << 20
	// bigNeighbours is the number of clients that send small GETs meanwhile, without pipelining.
	bigNeighbours = 20
	// bigEvery is how often a transfer begins. Without pauses, transfers would keep the server's one thread busy, and
	// neighbours would wait for that through any proxy.
	bigEvery = time.Second
	// bigRound is how long the neighbours are measured in a round.
	bigRound = 2 * time.Second

	// The goals: the growth of resident memory while the value is read and written, in bytes, and the neighbours' p99 over
	// that without transfers.
	readGrowth  = 8 << 20
	writeGrowth = bigSize + bigSize/4
	bigP99      = 3.0

	bigRead, bigWritten = "bench:big:read", "bench:big:written"
)

// bigTransfer is the effect of the transfer of a big value on the target and on its other clients.
type bigTransfer struct {
	Target string `json:"target"`
	Verb   string `json:"verb"` // GET or SET
	// Growth is the peak of resident memory over its start, in bytes, for one transfer without other clients.
	Growth int64 `json:"growth_bytes"`
	// Quiet and Busy are the neighbours' p99 in ns, round by round, without and with transfers.
	Quiet []float64 `json:"neighbours_p99_ns_quiet"`
	Busy  []float64 `json:"neighbours_p99_ns_busy"`
	// Worst is the longest wait of a neighbour in the busy rounds, in ns.
	Worst     float64       `json:"neighbours_worst_ns"`
	Transfers int           `json:"transfers"`
	Moving    time.Duration `json:"transfers_took_ns"`
}

// measureBig needs bigRead on the server. Memory comes first, while the process is fresh.
func measureBig(ctx context.Context, t *target, rounds int) ([]*bigTransfer, error) {
	all := []*bigTransfer{{Target: t.name, Verb: "GET"}, {Target: t.name, Verb: "SET"}}
	neighbours := load{addr: t.addr, tls: t.tls, command: "GET", conns: bigNeighbours, pipeline: 1}
	quiet := func() (float64, error) {
		r, err := neighbours.run(ctx, bigRound/10, bigRound, func() error { return nil })
		if err != nil {
			return 0, err
		}
		return float64(r.latencies.quantile(0.99)), nil
	}
	if _, err := quiet(); err != nil {
		return nil, err
	}
	for _, b := range all {
		if err := b.grow(t); err != nil {
			return nil, fmt.Errorf("%s of a big value: %w", b.Verb, err)
		}
	}
	for range rounds {
		for _, b := range all {
			p99, err := quiet()
			if err != nil {
				return nil, err
			}
			b.Quiet = append(b.Quiet, p99)
			if err := b.round(ctx, neighbours); err != nil {
				return nil, fmt.Errorf("%s of a big value: %w", b.Verb, err)
			}
		}
	}
	return all, nil
}

// grow transfers one big value and records the growth of the process's resident memory.
func (b *bigTransfer) grow(t *target) error {
	before, err := servers.ResidentBytes(t.pid)
	if err != nil {
		return err
	}
	if err := resetPeak(t.pid); err != nil {
		return err
	}
	c, err := dialBig(t.addr)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	if err := c.move(b.Verb); err != nil {
		return err
	}
	peak, err := peakBytes(t.pid)
	b.Growth = peak - before
	return err
}

// round measures the neighbours while another client transfers big values.
func (b *bigTransfer) round(ctx context.Context, neighbours load) error {
	c, err := dialBig(neighbours.addr)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	moving, stop := context.WithCancel(ctx)
	moved := make(chan error, 1)
	go func() { moved <- b.keepMoving(moving, c) }()
	r, err := neighbours.run(ctx, bigRound/10, bigRound, func() error { return nil })
	stop()
	if err := errors.Join(err, <-moved); err != nil {
		return err
	}
	b.Busy = append(b.Busy, float64(r.latencies.quantile(0.99)))
	b.Worst = max(b.Worst, float64(r.latencies.quantile(1)))
	return nil
}

func (b *bigTransfer) keepMoving(ctx context.Context, c *bigClient) error {
	every := time.NewTicker(bigEvery)
	defer every.Stop()
	for {
		began := time.Now()
		if err := c.move(b.Verb); err != nil {
			return err
		}
		b.Transfers++
		b.Moving += time.Since(began)
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// bigClient reads and writes big values on one connection, as fast as the target lets it.
type bigClient struct {
	conn    net.Conn
	replies *bufio.Reader
}

func dialBig(addr string) (*bigClient, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &bigClient{conn: conn, replies: bufio.NewReaderSize(conn, 256<<10)}, nil
}

var bigValue = bytes.Repeat([]byte("evergate"), bigSize/8)

func (c *bigClient) move(verb string) error {
	if verb == "GET" {
		return c.get()
	}
	return c.set(bigWritten)
}

func (c *bigClient) get() error {
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if _, err := c.conn.Write(servers.AppendCommand(nil, "GET", bigRead)); err != nil {
		return err
	}
	if err := c.line(fmt.Sprintf("$%d\r\n", bigSize)); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, c.replies, bigSize); err != nil {
		return err
	}
	return c.line("\r\n")
}

func (c *bigClient) set(key string) error {
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	head := fmt.Appendf(nil, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n", len(key), key, bigSize)
	frame := net.Buffers{head, bigValue, []byte("\r\n")}
	if _, err := frame.WriteTo(c.conn); err != nil {
		return err
	}
	return c.line("+OK\r\n")
}

func (c *bigClient) line(want string) error {
	got, err := c.replies.ReadString('\n')
	if err == nil && got != want {
		err = fmt.Errorf("got %.60q, want %q", got, want)
	}
	return err
}

func writeBig(w io.Writer, all []*bigTransfer) {
	tw := columns(w)
	fmt.Fprintf(tw, "%d MB value\tby\tMB/s\tgrowth MB\tgoal\t\tneighbours' p99 us\tmeanwhile\tworst\tratio\tgoal\t\t\n",
		bigSize>>20)
	for _, b := range all {
		var ratios []float64
		for i := range b.Busy {
			ratios = append(ratios, b.Busy[i]/b.Quiet[i])
		}
		ratio := summaryOf(ratios)
		bound := int64(readGrowth)
		if b.Verb == "SET" {
			bound = writeGrowth
		}
		var goals [4]string
		if b.Target == subject {
			goals = [4]string{fmt.Sprintf("<= %d", bound>>20), judged(b.Growth <= bound), fmt.Sprintf("<= %.0f", bigP99),
				judged(ratio.Median <= bigP99)}
		}
		fmt.Fprintf(tw, "%s\t%s\t%.0f\t%.1f\t%s\t%s\t%.0f\t%.0f\t%.0f\t%.1f (%.1f-%.1f)\t%s\t%s\t\n", b.Verb, b.Target,
			megabytes(int64(b.Transfers)*bigSize)/b.Moving.Seconds(), megabytes(b.Growth), goals[0], goals[1],
			summaryOf(b.Quiet).Median/1e3, summaryOf(b.Busy).Median/1e3, b.Worst/1e3, ratio.Median, ratio.Min, ratio.Max,
			goals[2], goals[3])
	}
	tw.Flush()
}
