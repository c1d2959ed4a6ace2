package gateway

import (
	"context"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/certs"
	"evergate/gateway/tlsconn"
)

// handshakes are the TLS handshakes of clients that are under way, each on a goroutine of its own. A client counts
// against max-clients from its first byte on.
type handshakes struct {
	timeout  time.Duration
	turns    tlsconn.Turns
	underWay atomic.Int64
	done     atomic.Uint64
	failed   atomic.Uint64
	logger   hclog.Logger
	repeats  *repeats
}

func newHandshakes(timeout time.Duration, logger hclog.Logger, repeats *repeats) *handshakes {
	// One core computes: the others serve, and a flood of handshakes holds up nobody for long.
	turns := make(tlsconn.Turns, max(1, runtime.GOMAXPROCS(0)/2))
	return &handshakes{timeout: timeout, turns: turns, logger: logger, repeats: repeats}
}

// handshake makes a TLS connection of a client's, or returns nil and closes it: in time, and when ctx ends.
func (h *handshakes) handshake(ctx context.Context, raw net.Conn, material *certs.Server, listener string) net.Conn {
	_ = raw.SetDeadline(time.Now().Add(h.timeout))
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	conn := tlsconn.Server(raw, material.Config(), h.turns)
	err := conn.Handshake()
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		h.failed.Add(1)
		if ctx.Err() == nil {
			h.log(listener, raw.RemoteAddr().String(), certs.ExplainClient(err))
		}
		_ = conn.Close()
		return nil
	}
	h.done.Add(1)
	_ = raw.SetDeadline(time.Time{})
	return conn
}

func (h *handshakes) log(listener, client, why string) {
	if more, due := h.repeats.due(listener + " " + why); due {
		h.logger.Warn("TLS handshake failed", "listener", listener, "client", client, "error", why, "repeated", more)
	}
}
