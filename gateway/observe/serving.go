package observe

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"evergate/gateway/api"
	"evergate/gateway/config"
	"evergate/gateway/series"
	"evergate/gateway/web"
)

// The HTTP server opens with the gateway, or by a reload. A reload that names another address opens that before it
// leaves the old one.

// serving has the HTTP server of the moment.
type serving struct {
	conf web.Config // Terms and all else that a new server needs
	// run and ctx are what Start was given. mu guards what follows.
	run     func(func())
	ctx     context.Context
	mu      sync.Mutex
	address string
	server  *web.Server // nil: there is none
	// draining are those of former addresses that still answer.
	draining []*web.Server
	closed   bool
}

// Opened is the HTTP server of other settings, ready to serve; one of Use and Drop follows.
type Opened struct {
	o       *Observer
	address string
	terms   web.Terms
	server  *web.Server // nil where the address stays, and where there is to be none
}

// Open opens the address of the HTTP server with open, unless it serves there.
func (o *Observer) Open(admin *config.Admin, open func(address string) (net.Listener, error)) (*Opened, error) {
	opened := &Opened{o: o, address: admin.Listen}
	opened.terms = web.Terms{Hosts: admin.Hosts, Open: admin.NoAuth, Pprof: admin.Pprof}
	if !admin.Password.IsZero() {
		opened.terms.Password = admin.Password.Read
	}
	o.serving.mu.Lock()
	stays := admin.Listen == o.serving.address
	o.serving.mu.Unlock()
	if stays || admin.Listen == "" {
		return opened, nil
	}
	ln, err := open(admin.Listen)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	conf := o.serving.conf
	conf.Terms = opened.terms
	opened.server = web.New(conf, ln, admin.IsLocal())
	return opened, nil
}

// Drop closes what was opened.
func (p *Opened) Drop() {
	if p.server != nil {
		_ = p.server.Close() // nobody uses it
	}
}

// Use serves at the new address, once the gateway listens, and has the old one answer what is under way.
func (p *Opened) Use() {
	s := &p.o.serving
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.server
	switch {
	case s.closed:
		p.Drop()
		return
	case p.address == s.address:
		if old != nil {
			old.SetTerms(p.terms)
		}
		return
	}
	s.address, s.server = p.address, p.server
	if s.run == nil {
		return
	}
	p.o.begin()
	if old != nil {
		s.draining = append(s.draining, old)
		s.run(func() { s.drain(old) })
	}
}

// drain ends a server when it has answered what is under way.
func (s *serving) drain(old *web.Server) {
	old.Drain()
	s.conf.Logger.Info("admin server closed", "address", old.Addr().String())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = slices.DeleteFunc(s.draining, func(other *web.Server) bool { return other == old })
}

// begin serves, and watches from the first time on. The caller has mu of serving.
func (o *Observer) begin() {
	s := o.serving.server
	if s == nil {
		return
	}
	if !o.watches.Load() {
		o.mu.Lock()
		o.series, o.lastAt = series.New(o.g.Conf().Names()), time.Now()
		o.mu.Unlock()
		o.watches.Store(true)
		o.serving.run(func() { o.watch(o.serving.ctx) })
	}
	o.serving.run(func() {
		o.serving.conf.Logger.Info("admin server listening", "address", s.Addr().String(), "path", api.PathOverview)
		if err := s.Serve(); err != nil {
			o.serving.conf.Logger.Error("admin server ended", "error", err)
		}
	})
}

// Addr is the address of the HTTP server; nil without one, and before Use.
func (o *Observer) Addr() net.Addr {
	o.serving.mu.Lock()
	defer o.serving.mu.Unlock()
	if o.serving.server == nil {
		return nil
	}
	return o.serving.server.Addr()
}

// Start serves and watches with run, now that the gateway listens: HTTP until Close, the rest until ctx ends.
func (o *Observer) Start(ctx context.Context, run func(func())) {
	o.listening.Store(true)
	o.serving.mu.Lock()
	defer o.serving.mu.Unlock()
	o.serving.ctx, o.serving.run = ctx, run
	o.begin()
}

// Close ends the server, if there is one.
func (o *Observer) Close() {
	o.serving.mu.Lock()
	defer o.serving.mu.Unlock()
	o.serving.closed = true
	all := o.serving.draining
	if o.serving.server != nil {
		all = append(all, o.serving.server)
	}
	for _, s := range all {
		_ = s.Close() // the listener is gone with it
	}
}
