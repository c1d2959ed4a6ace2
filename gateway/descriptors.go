package gateway

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/config"
	"evergate/gateway/observe"
	"evergate/topology"
)

// File descriptors: how many clients fit beside those for servers, dials and name servers.

const (
	// descriptorsBase are those of the process: standard streams, name look-ups, password files, spares.
	descriptorsBase = 32
	// descriptorsLoop are those of a loop, descriptorsNode those of the control plane for a node or a Sentinel,
	// descriptorsShared those of a loop's shared connections to a node.
	descriptorsLoop   = 3
	descriptorsNode   = 3
	descriptorsShared = 5
	// descriptorsMany stands for no limit.
	descriptorsMany = 1 << 30
	// refusalsPause is the time between two lines about refused connections.
	refusalsPause = 10 * time.Second
)

// descriptors divides the numbers below the process's limit. A new descriptor gets the lowest free number, so a high
// number shows that all below are in use: clients get none of the last kept ones, dedicated connections none of the
// last half of these. The rest is for shared connections, dials and the control plane.
type descriptors struct {
	limit   int
	loops   int
	admin   int          // those of the HTTP server
	clients atomic.Int64 // as configured
	// nodes are those of each service by its name; mu guards them.
	mu    sync.Mutex
	nodes map[string]int
	// want is how many should be kept free, kept how many are.
	want, kept atomic.Int64
	// spentUntil is until when clients get none, in Unix nanoseconds, since there was none left.
	spentUntil atomic.Int64
	// spares are closed then, so that servers find some.
	spares spares
}

const (
	// spentFor is how long after a descriptor could not be had clients get none. While clients wait that lasts on.
	spentFor = 10 * time.Second
	// sparesMax is how many are set aside: a connection to a server takes two while it is made.
	sparesMax = 8
)

// spares are descriptors that are set aside for a time without any.
type spares struct {
	mu    sync.Mutex
	files []*os.File
}

// setAside opens what is missing, as far as it can be had.
func (s *spares) setAside() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.files) < sparesMax {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return
		}
		s.files = append(s.files, f)
	}
}

// release closes all.
func (s *spares) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		_ = f.Close()
	}
	s.files = nil
}

// errNoDescriptor is the reason why a dedicated connection is not opened.
var errNoDescriptor = errors.New("no file descriptor to spare")

func newDescriptors(conf *config.Gateway, limit int) *descriptors {
	d := &descriptors{limit: limit, loops: conf.Workers, nodes: map[string]int{}}
	d.clients.Store(int64(conf.Limits.ClientsMax))
	if conf.Admin.Listen != "" {
		d.admin = observe.Descriptors
	}
	for i := range conf.Services {
		s := &conf.Services[i]
		d.nodes[s.Name] = max(3, len(s.Sentinels), len(s.Cluster), 1+len(s.Replicas))
	}
	d.count()
	return d
}

// count computes kept; never more than half of all. The caller has mu.
func (d *descriptors) count() {
	nodes := 0
	for _, n := range d.nodes {
		nodes += n
	}
	want := descriptorsBase + d.admin + d.loops*descriptorsLoop + nodes*(descriptorsNode+d.loops*descriptorsShared)
	d.want.Store(int64(want))
	d.kept.Store(int64(min(want, d.limit/2)))
}

// seen records how many nodes a service has.
func (d *descriptors) seen(service string, v *topology.View) {
	n := 0
	for _, node := range v.Nodes {
		if node != nil {
			n++
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if n > d.nodes[service] {
		d.nodes[service] = n
		d.count()
	}
}

// clientsMax is the most clients at once.
func (d *descriptors) clientsMax() int { return min(int(d.clients.Load()), d.limit-int(d.kept.Load())) }

// warn logs that fewer clients than max-clients fit below the limit of open files.
func (d *descriptors) warn(logger hclog.Logger) {
	if clients := int(d.clients.Load()); d.clientsMax() < clients {
		logger.Warn("max-clients lowered to the limit of open files", "max-clients", d.clientsMax(),
			"configured", clients, "open-files", d.limit, "required", d.needed())
	}
}

// needed is the limit of open files that the configured clients need.
func (d *descriptors) needed() int { return int(d.clients.Load() + d.want.Load()) }

// note takes note of an error about a new descriptor: there may be fewer than the limit says, for the whole system
// (ENFILE) or since it was lowered. What is free from now on is for servers: clients that wait would take it first.
func (d *descriptors) note(err error) {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		d.spentUntil.Store(time.Now().Add(spentFor).UnixNano())
		d.spares.release()
	}
}

// spent reports whether there was none left lately. When that is over some are set aside again.
func (d *descriptors) spent() bool {
	until := d.spentUntil.Load()
	switch {
	case until == 0:
		return false
	case time.Now().UnixNano() < until:
		return true
	case d.spentUntil.CompareAndSwap(until, 0):
		d.spares.setAside()
	}
	return false
}

// forClient reports whether a client's new connection leaves those that are kept free.
func (d *descriptors) forClient(c net.Conn) bool { return number(c) < d.limit-int(d.kept.Load()) }

// forPrivate reports the same for a dedicated connection.
func (d *descriptors) forPrivate(c net.Conn) bool { return number(c) < d.limit-int(d.kept.Load())/2 }

// number is a connection's descriptor; 0 if it has none.
func number(c net.Conn) int {
	n := 0
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { n = int(fd) })
		}
	}
	return n
}

// refusals logs connections that were rejected: the first at once, then how many more there were.
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

// run logs until ctx ends. clientsMax returns how many clients are possible.
func (r *refusals) run(ctx context.Context, clientsMax func() int) {
	logged := uint64(0)
	for {
		select {
		case <-r.came:
		case <-ctx.Done():
			return
		}
		if all := r.all.Load(); all > logged {
			r.logger.Warn("clients rejected, max-clients reached", "rejected", all-logged,
				"max-clients", clientsMax())
			logged = all
		}
		select {
		case <-time.After(refusalsPause):
		case <-ctx.Done():
			return
		}
	}
}
