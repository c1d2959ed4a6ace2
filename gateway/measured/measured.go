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
	// Services are those that there are, in the order of the settings; Service is that of a sub-service. Sharded reports
	// whether the servers of a sub-service are a cluster.
	Services func() []*Service
	Service  func(of int) *Service
	Sharded  func(of int) bool
	// Gather has all workers do their shares of a request, and done called with them on the goroutine of one. Collect
	// waits for them.
	Gather  func(r *admin.Request, done func([]admin.Partial))
	Collect func(r *admin.Request) []admin.Partial
	// Configure serves CONFIG.
	Configure func(ctx context.Context, r *admin.Request) []byte
}

// Service is what was measured of one service. NewService makes it.
type Service struct {
	About
	// hot is its session of HOTKEYS, slow has its slow requests, times what was reset of LATENCY.
	hot   hotSession
	slow  slowLog
	times latencyState
}

// About is what Measured needs of a service.
type About struct {
	Name string
	// Parts are its sub-services.
	Parts []int
	// Ask asks its primaries. why says why not all have answered; empty if they have.
	Ask func(ctx context.Context, words []string) (all []Reply, why string)
	// Holds are its newest that have ended, oldest first.
	Holds func() []Hold
}

// NewService returns a service of which nothing was measured yet.
func NewService(conf *config.Gateway, about About) *Service {
	return &Service{About: about, slow: newSlowLog(conf)}
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
type Measured struct{ env Env }

// New makes it.
func New(env Env) *Measured { return &Measured{env} }

// UseSettings puts settings to use that have changed.
func (m *Measured) UseSettings(was, conf *config.Gateway) {
	if was.SlowLogSlowerThan == conf.SlowLogSlowerThan && was.SlowLogMax == conf.SlowLogMax {
		return // a CONFIG SET may have set others
	}
	for _, service := range m.env.Services() {
		m.useSlowLog(service, SlowerThan(conf), conf.SlowLogMax)
	}
}
