package watch

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"evergate/topology"
)

// Offsets asks one server for its replication offset, over one connection at a time. The run of a server is queried
// once for each connection, since it is the same as long as the connection lasts. One goroutine uses it.
type Offsets struct {
	service *service
	addr    string
	client  *redis.Client
	conn    *redis.Conn
	// server is what INFO server reported on this connection; empty before that.
	server string
}

// Offsets returns an Offsets for the server at addr, without a connection.
func (w Watched) Offsets(addr string) *Offsets { return &Offsets{service: w.now.Load(), addr: addr} }

// Ask returns the server's role, run, history and offset (INFO replication). It opens a connection if there is none,
// and waits at most DialTimeout for that and for the answer, or until ctx ends. An error for which Refused is true is
// the server's. An answer without a replication ID or a run ID proves nothing.
func (o *Offsets) Ask(ctx context.Context) (topology.RoleSeen, error) {
	if o.conn == nil {
		// A connection that go-redis replaces by itself would have another run.
		o.client = redis.NewClient(options(o.addr, o.service.watch.dialTimeout(), o.service.toServers()))
		o.conn = o.client.Conn()
	}
	client := o.client
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
	seen, err := o.put(ctx)
	if err != nil && !replied(err) {
		o.Close()
	}
	return seen, err
}

func (o *Offsets) put(ctx context.Context) (topology.RoleSeen, error) {
	seen := topology.RoleSeen{Addr: o.addr, Priority: -1, Offset: -1, Asked: time.Now()}
	replication, server := redis.NewStringCmd(ctx, "info", "replication"), redis.NewStringCmd(ctx, "info", "server")
	commands := []redis.Cmder{replication}
	if o.server == "" {
		commands = append(commands, server)
	}
	if err := together(ctx, o.conn, commands...); err != nil {
		return seen, err
	}
	for _, c := range commands {
		if err := c.Err(); err != nil {
			return seen, err
		}
	}
	if o.server == "" {
		o.server = server.Val()
	}
	parseInfo(o.server, &seen, false)
	parseInfo(replication.Val(), &seen, true)
	return seen, nil
}

// Close closes the connection; the next Ask opens another one.
func (o *Offsets) Close() {
	if o.conn != nil {
		_ = o.conn.Close()
		_ = o.client.Close()
		o.client, o.conn, o.server = nil, nil, ""
	}
}
