// Package descriptors divides the file descriptors of the process: how many clients fit beside the connections to
// servers, dials and name servers. Begin with Descriptors. Refusals logs the clients that did not fit.
package descriptors

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
	"evergate/topology"
)

const (
	// base are those of the process: standard streams, name look-ups, password files, spares.
	base = 32
	// ofLoop are those of a loop, ofNode those of the control plane for a node or a Sentinel,
	// ofShared those of a loop's shared connections to a node.
	ofLoop   = 3
	ofNode   = 3
	ofShared = 5
	// many stands for no limit.
	many = 1 << 30
	// Pause is the time between two lines about refused connections.
	Pause = 10 * time.Second
)

// descriptors divides the numbers below the process's limit. A new descriptor gets the lowest free number, so a high
// number shows that all below are in use: clients get none of the last kept ones, dedicated connections none of the
// last half of these. The rest is for shared connections, dials and the control plane.
type Descriptors struct {
	limit   int
	loops   int
	clients atomic.Int64 // as configured
	// admin are those of the HTTP server, nodes the nodes of each service by its name; mu guards both.
	mu    sync.Mutex
	admin int
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

// ErrNone is the reason why a dedicated connection is not opened.
var ErrNone = errors.New("no file descriptor to spare")

// New divides so many descriptors by settings. admin is how many the HTTP server may take.
func New(conf *config.Gateway, limit, admin int) *Descriptors {
	d := &Descriptors{limit: limit, loops: conf.Workers, admin: admin, nodes: map[string]int{}}
	d.clients.Store(int64(conf.Limits.ClientsMax))
	for i := range conf.Services {
		d.Expect(&conf.Services[i])
	}
	return d
}

// Expect takes in the settings of a service: how many nodes it may have.
func (d *Descriptors) Expect(s *config.Service) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nodes[s.Name] = max(3, len(s.Sentinels), len(s.Cluster), 1+len(s.Replicas))
	d.count()
}

// Forget forgets a service.
func (d *Descriptors) Forget(service string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.nodes, service)
	d.count()
}

// count computes kept; never more than half of all. The caller has mu.
func (d *Descriptors) count() {
	nodes := 0
	for _, n := range d.nodes {
		nodes += n
	}
	want := base + d.admin + d.loops*ofLoop + nodes*(ofNode+d.loops*ofShared)
	d.want.Store(int64(want))
	d.kept.Store(int64(min(want, d.limit/2)))
}

// SetAside sets some aside for a time without any, until Release.
func (d *Descriptors) SetAside() { d.spares.setAside() }

// Release closes those that are set aside.
func (d *Descriptors) Release() { d.spares.release() }

// SetClients replaces how many clients there may be.
func (d *Descriptors) SetClients(n int) { d.clients.Store(int64(n)) }

// SetAdmin replaces how many the HTTP server may take.
func (d *Descriptors) SetAdmin(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.admin = n
	d.count()
}

// Seen records how many nodes a service has.
func (d *Descriptors) Seen(service string, v *topology.View) {
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

// ClientsMax is the most clients at once.
func (d *Descriptors) ClientsMax() int { return min(int(d.clients.Load()), d.limit-int(d.kept.Load())) }

// Warn logs that fewer clients than max-clients fit below the limit of open files.
func (d *Descriptors) Warn(logger hclog.Logger) {
	if clients := int(d.clients.Load()); d.ClientsMax() < clients {
		logger.Warn("max-clients lowered to the limit of open files", "max-clients", d.ClientsMax(),
			"configured", clients, "open-files", d.limit, "required", d.needed())
	}
}

// needed is the limit of open files that the configured clients need.
func (d *Descriptors) needed() int { return int(d.clients.Load() + d.want.Load()) }

// Note takes note of an error about a new descriptor: there may be fewer than the limit says, for the whole system
// (ENFILE) or since it was lowered. What is free from now on is for servers: clients that wait would take it first.
func (d *Descriptors) Note(err error) {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		d.spentUntil.Store(time.Now().Add(spentFor).UnixNano())
		d.spares.release()
	}
}

// Spent reports whether there was none left lately. When that is over some are set aside again.
func (d *Descriptors) Spent() bool {
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

// ForClient reports whether a client's new connection leaves those that are kept free.
func (d *Descriptors) ForClient(c net.Conn) bool { return number(c) < d.limit-int(d.kept.Load()) }

// ForDedicated reports the same for a dedicated connection.
func (d *Descriptors) ForDedicated(c net.Conn) bool { return number(c) < d.limit-int(d.kept.Load())/2 }

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
type Refusals struct {
	logger hclog.Logger
	count  atomic.Uint64
	came   chan struct{}
}

// NewRefusals has none.
func NewRefusals(logger hclog.Logger) *Refusals {
	return &Refusals{logger: logger, came: make(chan struct{}, 1)}
}

// Note counts one. It never blocks.
func (r *Refusals) Note() {
	r.count.Add(1)
	select {
	case r.came <- struct{}{}:
	default:
	}
}

// Count is how many there were.
func (r *Refusals) Count() uint64 { return r.count.Load() }

// Run logs until ctx ends. clientsMax returns how many clients are possible.
func (r *Refusals) Run(ctx context.Context, clientsMax func() int) {
	logged := uint64(0)
	for {
		select {
		case <-r.came:
		case <-ctx.Done():
			return
		}
		if all := r.Count(); all > logged {
			r.logger.Warn("clients rejected, max-clients reached", "rejected", all-logged,
				"max-clients", clientsMax())
			logged = all
		}
		select {
		case <-time.After(Pause):
		case <-ctx.Done():
			return
		}
	}
}
