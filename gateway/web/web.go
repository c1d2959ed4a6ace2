// Package web serves the gateway's administration over HTTP: metrics, health, the API and the page. It knows HTTP, and
// who may read what; the answers come from a Source. Begin with Config, New and Server.Serve.
//
// It must not know workers, servers or topology. All that it can change is to have the gateway read its settings again.
//
// A browser that visits a page of somebody else must not become a way in: a request must name this server as its Host,
// so that no foreign name can be made to resolve to it, and requests that other pages cause are refused. No header
// permits them to read an answer.
package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/api"
)

// Source has the answers. Its methods are called on goroutines of connections, several at a time. They may take a
// moment, and must end by themselves. A service is a name of the settings, or empty for all.
type Source interface {
	Overview() api.Overview
	Ready() api.Ready
	Services() api.Services
	Failovers() api.Failovers
	// Clients returns at most limit clients, sorted by a key of api.Client that SortsBy reports as known.
	Clients(service, sort string, limit int) api.Clients
	SortsBy(key string) bool
	Slowlog(service string, limit int) api.Slowlog
	HotKeys(service string) api.HotKeys
	Config() api.Config
	Series(seconds int) api.Series
	// Reload has the gateway read its settings again, and returns when that has ended. The error says why it cannot.
	Reload(ctx context.Context) (api.Reload, error)
}

// Config has what a Server needs.
type Config struct {
	Source Source
	// Events is what PathEvents streams, Metrics answers PathMetrics.
	Events  *Events
	Metrics http.Handler
	// Page answers every other path; nil: they are not found.
	Page   http.Handler
	Terms  Terms
	Logger hclog.Logger
}

// Terms say who may ask for what. Server.SetTerms replaces them.
type Terms struct {
	// Hosts are names by which the server may be asked, beside IP addresses, localhost and the machine's own name.
	Hosts []string
	// Password returns what every request must authenticate with, except for health; nil: none is set.
	Password func() (string, error)
	// Open answers everything without a password on an address that other machines reach. Otherwise these are told
	// nothing but health and metrics.
	Open bool
	// Pprof adds /debug/pprof/.
	Pprof bool
}

const (
	// headerTimeout and idleTimeout end connections that send no request, writeTimeout those that do not read the answer.
	headerTimeout = 5 * time.Second
	idleTimeout   = time.Minute
	writeTimeout  = 10 * time.Second
	headerBytes   = 16 << 10
	// drainTimeout is how long Drain waits for answers.
	drainTimeout = 2 * time.Second
)

// Descriptors is how many file descriptors a Server may take.
const Descriptors = connsMax + healthMax + 1

// Server serves on one listener. New makes it.
type Server struct {
	conf   Config
	guard  *guard
	ln     *places
	http   *http.Server
	ctx    context.Context
	cancel context.CancelFunc
}

// New returns a Server for a listener, which it closes with Close. local: only this machine reaches the listener.
func New(conf Config, ln net.Listener, local bool) *Server {
	s := &Server{conf: conf, ln: &places{Listener: ln}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	g := newGuard(&conf, ln.Addr(), local)
	s.guard = g
	mux := http.NewServeMux()
	s.health(mux)
	s.routes(func(path string, answer http.HandlerFunc) {
		mux.Handle("GET "+path, g.protect(answer))
	})
	mux.Handle("POST "+api.PathReload, g.changing(http.HandlerFunc(s.reload)))
	mux.Handle("GET "+api.PathMetrics, g.authenticated(timed(conf.Metrics)))
	for path, answer := range map[string]http.HandlerFunc{"": pprof.Index, "cmdline": pprof.Cmdline,
		"profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace} {
		mux.Handle("GET /debug/pprof/"+path, g.profiles(answer))
	}
	if conf.Page != nil {
		mux.Handle("GET /", g.protect(timed(conf.Page)))
	}
	s.http = &http.Server{
		Handler: g.headers(seated(mux)), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, ConnContext: withConn,
		MaxHeaderBytes: headerBytes, BaseContext: func(net.Listener) context.Context { return s.ctx },
		ErrorLog: conf.Logger.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
	return s
}

// Serve serves until Close.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// SetTerms replaces the terms, from the next request on. Streams that are open stay.
func (s *Server) SetTerms(t Terms) { s.guard.use(t) }

// Drain ends the server as Close does, and before that waits a moment for answers that are under way.
func (s *Server) Drain() {
	ctx, cancel := context.WithTimeout(s.ctx, drainTimeout)
	defer cancel()
	_ = s.http.Shutdown(ctx) // it fails where streams are open, or Close is called
	_ = s.Close()            // the listener is gone
}

// Addr is the address of the listener.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// Close ends all connections, and the listener. It does not wait for answers.
func (s *Server) Close() error {
	s.cancel()
	return errors.Join(s.http.Close(), s.ln.Close())
}

// timed bounds how long a client may take to read the answer.
func timed(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		extend(w)
		h.ServeHTTP(w, r)
	})
}

// extend gives the client writeTimeout from now on.
func extend(w http.ResponseWriter) {
	// Without a deadline the answer is still right: a failure is that of a writer in a test.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
}
