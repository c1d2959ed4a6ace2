package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// guard decides which requests are answered.
type guard struct {
	logger hclog.Logger
	// unix: browsers cannot reach the listener. local: nor can other machines.
	unix, local bool
	terms       atomic.Pointer[Terms] // Hosts are all names, as plainName has them
}

// wrongPasswordPause is how long the answer to a wrong password takes.
const wrongPasswordPause = 250 * time.Millisecond

func newGuard(conf *Config, addr net.Addr, local bool) *guard {
	g := &guard{logger: conf.Logger, unix: addr.Network() == "unix", local: local}
	g.use(conf.Terms)
	return g
}

// use has the guard go by other terms.
func (g *guard) use(t Terms) {
	hosts := []string{"localhost"}
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, plainName(name))
	}
	for _, name := range t.Hosts {
		hosts = append(hosts, plainName(name))
	}
	t.Hosts = hosts
	g.terms.Store(&t)
}

// plainName is a name without what does not distinguish it.
func plainName(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// headers sets those of every answer. A page may load what this server has, and nothing else.
func (g *guard) headers(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Security-Policy":      "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
			"X-Frame-Options":              "DENY",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cache-Control":                "no-store",
		} {
			w.Header().Set(name, value)
		}
		if r.ContentLength != 0 { // no answer needs a body: it must not keep the connection
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(headerTimeout))
		}
		h.ServeHTTP(w, r)
	})
}

// authenticated answers requests that may come from here, with the password if there is one.
func (g *guard) authenticated(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !g.unix && !g.named(r.Host):
			refuse(w, http.StatusMisdirectedRequest, "this server is not called "+shown(r.Host)+
				": ask for it by its address, or add the name to admin-hosts")
		case foreign(r):
			refuse(w, http.StatusForbidden, "the request comes from a page of another server")
		case !g.admitted(w, r):
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// protect is authenticated for what other machines see with a password only.
func (g *guard) protect(h http.Handler) http.Handler {
	return g.authenticated(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t := g.terms.Load(); !g.local && t.Password == nil && !t.Open {
			refuse(w, http.StatusForbidden, "other machines can reach this address, so this needs a password: "+
				"set admin-password-file, bind admin to a loopback address, or set admin-no-auth")
			return
		}
		h.ServeHTTP(w, r)
	}))
}

// changing is authenticated for what changes the gateway: it needs a password, or a unix socket, whose permissions are
// one. No browser sends such a request for a page of another origin, not even by a form or a link.
func (g *guard) changing(h http.Handler) http.Handler {
	return g.authenticated(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site := r.Header.Get("Sec-Fetch-Site")
		switch {
		case !g.unix && g.terms.Load().Password == nil:
			refuse(w, http.StatusForbidden, "this changes the gateway, so it needs a password: set admin-password-file, or "+
				"send SIGHUP")
		case site != "" && site != "same-origin":
			refuse(w, http.StatusForbidden, "the request comes from a page of another server")
		default:
			h.ServeHTTP(w, r)
		}
	}))
}

// named reports whether a Host header names this server. An IP address does: a foreign page has no way to be loaded
// from it.
func (g *guard) named(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return slices.Contains(g.terms.Load().Hosts, plainName(host))
}

// foreign reports whether a browser sends the request for a page of another origin. Following a link to here is none of
// that: nothing of the answer goes back.
func foreign(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Host != r.Host {
			return true
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
}

// profiles is protect for what is there only if the terms say so.
func (g *guard) profiles(h http.Handler) http.Handler {
	return g.protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.terms.Load().Pprof {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}))
}

// admitted reports whether a request has the password, if there is one; otherwise it is answered. The name of the user
// does not matter.
func (g *guard) admitted(w http.ResponseWriter, r *http.Request) bool {
	password := g.terms.Load().Password
	if password == nil {
		return true
	}
	want, err := password()
	if err != nil {
		g.logger.Warn("admin password unreadable", "error", err)
		refuse(w, http.StatusServiceUnavailable, "the file of the password cannot be read; see the log")
		return false
	}
	_, given, sent := r.BasicAuth()
	wantSum, givenSum := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(given))
	if subtle.ConstantTimeCompare(wantSum[:], givenSum[:]) == 1 && sent {
		return true
	}
	if sent {
		select {
		case <-time.After(wrongPasswordPause):
		case <-r.Context().Done():
		}
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="evergate", charset="UTF-8"`)
	refuse(w, http.StatusUnauthorized, "a password is needed (HTTP basic authentication, any user name)")
	return false
}

// shown is a Host header as an error may repeat it.
func shown(host string) string {
	const most = 128
	if len(host) > most {
		host = host[:most] + "..."
	}
	return "'" + strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, host) + "'"
}
