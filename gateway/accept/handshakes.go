package accept

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/certs"
	"evergate/gateway/tlsconn"
)

// Handshakes are the PROXY headers and TLS handshakes of clients that are under way, each on a goroutine of its own.
type Handshakes struct {
	timeout  atomic.Int64 // a time.Duration
	turns    tlsconn.Turns
	underWay atomic.Int64
	done     atomic.Uint64
	failed   atomic.Uint64
	logger   hclog.Logger
	repeats  *Repeats
}

// NewHandshakes bounds each header and each handshake by timeout.
func NewHandshakes(timeout time.Duration, logger hclog.Logger, repeats *Repeats) *Handshakes {
	// One core computes: the others serve, and a flood of handshakes holds up nobody for long.
	turns := make(tlsconn.Turns, max(1, runtime.GOMAXPROCS(0)/2))
	h := &Handshakes{turns: turns, logger: logger, repeats: repeats}
	h.SetTimeout(timeout)
	return h
}

// SetTimeout bounds each header and each handshake that begins from now on.
func (h *Handshakes) SetTimeout(timeout time.Duration) { h.timeout.Store(int64(timeout)) }

// Begin counts a client as one under way, End ends that. Such a client counts against the limits of clients.
func (h *Handshakes) Begin() { h.underWay.Add(1) }
func (h *Handshakes) End()   { h.underWay.Add(-1) }

// UnderWay is how many clients there are between Begin and End.
func (h *Handshakes) UnderWay() int { return int(h.underWay.Load()) }

// Counts returns how many TLS handshakes succeeded and how many did not.
func (h *Handshakes) Counts() (done, failed uint64) { return h.done.Load(), h.failed.Load() }

// TLS makes a client's connection one of TLS, or returns nil and closes it: in time, and when ctx ends.
func (h *Handshakes) TLS(ctx context.Context, raw net.Conn, material *certs.Server, listener string) net.Conn {
	conn := tlsconn.Server(raw, material.Config(), h.turns)
	if err := h.within(ctx, raw, conn.Handshake); err != nil {
		h.failed.Add(1)
		if ctx.Err() == nil && (conn.Heard() || !errors.Is(err, io.EOF)) { // a health check says nothing and leaves
			h.log(listener, raw.RemoteAddr().String(), certs.ExplainClient(err))
		}
		_ = conn.Close()
		return nil
	}
	h.done.Add(1)
	return conn
}

// Header is ReadHeader, in time and until ctx ends.
func (h *Handshakes) Header(ctx context.Context, conn net.Conn) (client net.Conn, err error) {
	err = h.within(ctx, conn, func() (err error) {
		client, err = ReadHeader(conn)
		return err
	})
	return client, err
}

// within runs what waits for a connection.
func (h *Handshakes) within(ctx context.Context, conn net.Conn, do func() error) error {
	_ = conn.SetDeadline(time.Now().Add(time.Duration(h.timeout.Load())))
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err := do()
	if !stop() && err == nil {
		err = fmt.Errorf("the gateway stops: %w", ctx.Err())
	}
	if err == nil {
		_ = conn.SetDeadline(time.Time{})
	}
	return err
}

func (h *Handshakes) log(listener, client, why string) {
	if more, due := h.repeats.Due(listener + " " + why); due {
		h.logger.Warn("TLS handshake failed", "listener", listener, "client", client, "error", why, "repeated", more)
	}
}
