// Package measured has what the gateway has measured of requests: hot keys (hotkeys.go), slow requests (slowlog.go) and
// the times of commands (latency.go). The workers measure; it keeps what belongs to a whole service, joins what the
// workers have, and serves HOTKEYS, SLOWLOG, LATENCY and the API.
//
// Begin with Measured and Env.
package measured

import (
	"context"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/config"
)

// Env is what it needs of the gateway.
type Env struct {
	// Conf returns the settings in use.
	Conf func() *config.Gateway
	// Service is that of a sub-service, Parts are the sub-services of a service. Sharded reports whether the servers of a
	// sub-service are a cluster.
	Service func(of int) int
	Parts   func(service int) []int
	Sharded func(of int) bool
	// Gather has all workers do their shares of a request, and done called with them on the goroutine of one. Collect
	// waits for them.
	Gather  func(r *admin.Request, done func([]admin.Partial))
	Collect func(r *admin.Request) []admin.Partial
	// Ask asks the primaries of a service; none if not all answer. Configure serves CONFIG.
	Ask       func(ctx context.Context, service int, words []string) []Reply
	Configure func(ctx context.Context, r *admin.Request) []byte
	// Holds are the newest of a service that have ended, oldest first.
	Holds func(service int) []Hold
}

// Reply is what a server at an address has answered: what go-redis makes of it, nil for an error.
type Reply struct {
	Addr  string
	Reply any
}

// Hold is a time in which the requests of a shard were held. Kept: it kept its primary.
type Hold struct {
	Ended time.Time
	Took  time.Duration
	Kept  bool
}

// Measured is what was measured. New makes it. Its methods may be called from any goroutine.
type Measured struct {
	env Env
	// hotSessions has the session of HOTKEYS of each service, slowLogs its slow requests, latencies what was reset of
	// LATENCY.
	hotSessions []hotSession
	slowLogs    []slowLog
	latencies   []latencyState
}

// New makes it for the services of a configuration.
func New(conf *config.Gateway, env Env) *Measured {
	n := len(conf.Services)
	return &Measured{env: env, hotSessions: make([]hotSession, n), slowLogs: newSlowLogs(conf),
		latencies: make([]latencyState, n)}
}

// UseSettings puts settings to use that have changed.
func (m *Measured) UseSettings(was, conf *config.Gateway) {
	if was.SlowLogSlowerThan == conf.SlowLogSlowerThan && was.SlowLogMax == conf.SlowLogMax {
		return // a CONFIG SET may have set others
	}
	for service := range m.slowLogs {
		m.useSlowLog(service, SlowerThan(conf), conf.SlowLogMax)
	}
}
