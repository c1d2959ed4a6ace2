package gateway

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/topology"
)

// Descriptors: how many clients fit beside what servers, dials and name servers need.

const (
	// descriptorsBase are those of the process: standard streams, look-ups of names, files of passwords.
	descriptorsBase = 32
	// descriptorsLoop are those of a loop, descriptorsNode those that the control plane needs of a node or a Sentinel,
	// descriptorsLanes those of a loop's shared connections to a node.
	descriptorsLoop  = 3
	descriptorsNode  = 3
	descriptorsLanes = 5
	// descriptorsMany stands for no limit.
	descriptorsMany = 1 << 30
	// refusalsPause is the time between two lines about refused connections.
	refusalsPause = 10 * time.Second
)

// descriptors parts the numbers below the process's limit. A new descriptor has the lowest number that is free, so one
// with a high number tells that all below it are in use: clients get none of the last kept ones, connections that serve
// one client each none of the last half of these. The rest is for shared connections, dials and the control plane.
type descriptors struct {
	limit   int
	loops   int
	clients int // what the settings allow
	nodes   []atomic.Int64
	// want is what should be kept, kept what is.
	want, kept atomic.Int64
}

// errNoDescriptor is why a connection for one client is not opened.
var errNoDescriptor = errors.New("no file descriptor to spare")

func newDescriptors(conf *Config, limit int) *descriptors {
	d := &descriptors{limit: limit, loops: conf.Workers, clients: conf.Limits.ClientsMax,
		nodes: make([]atomic.Int64, len(conf.Services))}
	for i := range conf.Services {
		s := &conf.Services[i]
		d.nodes[i].Store(int64(max(3, len(s.Sentinels), len(s.Cluster), 1+len(s.Replicas))))
	}
	d.count()
	return d
}

// count reckons what is kept; never more than half of all.
func (d *descriptors) count() {
	nodes := 0
	for i := range d.nodes {
		nodes += int(d.nodes[i].Load())
	}
	want := descriptorsBase + d.loops*descriptorsLoop + nodes*(descriptorsNode+d.loops*descriptorsLanes)
	d.want.Store(int64(want))
	d.kept.Store(int64(min(want, d.limit/2)))
}

// seen takes note of how many nodes a service has.
func (d *descriptors) seen(service int, v *topology.View) {
	n := int64(0)
	for _, node := range v.Nodes {
		if node != nil {
			n++
		}
	}
	if n > d.nodes[service].Load() {
		d.nodes[service].Store(n)
		d.count()
	}
}

// clientsMax is the most clients at once.
func (d *descriptors) clientsMax() int { return min(d.clients, d.limit-int(d.kept.Load())) }

// needed is the limit under which the settings' clients would fit.
func (d *descriptors) needed() int { return d.clients + int(d.want.Load()) }

// forClient says whether a client's new connection leaves what is kept.
func (d *descriptors) forClient(c net.Conn) bool { return number(c) < d.limit-int(d.kept.Load()) }

// forPrivate says the same of a connection to a server that serves one client.
func (d *descriptors) forPrivate(c net.Conn) bool { return number(c) < d.limit-int(d.kept.Load())/2 }

// number is a connection's descriptor; 0 where it has none.
func number(c net.Conn) int {
	n := 0
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { n = int(fd) })
		}
	}
	return n
}

// refusals tells of connections that were refused: the first at once, then how many more there were.
type refusals struct {
	logger hclog.Logger
	all    atomic.Uint64
	came   chan struct{}
}

func newRefusals(logger hclog.Logger) *refusals {
	return &refusals{logger: logger, came: make(chan struct{}, 1)}
}

// note counts one. It never blocks.
func (r *refusals) note() {
	r.all.Add(1)
	select {
	case r.came <- struct{}{}:
	default:
	}
}

// run logs until ctx ends. clientsMax is how many clients there may be.
func (r *refusals) run(ctx context.Context, clientsMax func() int) {
	told := uint64(0)
	for {
		select {
		case <-r.came:
		case <-ctx.Done():
			return
		}
		if all := r.all.Load(); all > told {
			r.logger.Warn("clients rejected, max-clients reached", "rejected", all-told,
				"max-clients", clientsMax())
			told = all
		}
		select {
		case <-time.After(refusalsPause):
		case <-ctx.Done():
			return
		}
	}
}
