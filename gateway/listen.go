package gateway

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"evergate/gateway/certs"
	"evergate/gateway/config"
)

// listener is one address of one service.
type listener struct {
	net.Listener
	service *service
	// id is the workers' name of the listener, address its text in the settings. isTLS: it is one of TLSListen.
	id      int
	address string
	isTLS   bool
	terms   *atomic.Pointer[terms]
	life    *life
}

// life is that of a listener: end ends what its connections must pass before they are clients. entering has those.
type life struct {
	ctx      context.Context
	end      context.CancelFunc
	entering sync.WaitGroup
}

func newLife() *life {
	l := &life{}
	l.ctx, l.end = context.WithCancel(context.Background())
	return l
}

// terms are what a listener asks of a connection before it is a client. They never change.
type terms struct {
	// tls is what clients are shown; nil: the listener is one without TLS.
	tls *certs.Server
	origins
}

// use puts valid settings to use.
func (ln *listener) use(c *config.Service, tls *tlsOf) {
	t := &terms{origins: newOrigins(&c.Networks, ln.address)}
	if ln.isTLS {
		t.tls = tls.server
	}
	ln.terms.Store(t)
}

// acceptPause is the pause after an error of accept such as too many open files.
const acceptPause = 50 * time.Millisecond

var tooManyClients = []byte("-ERR max number of clients reached\r\n")

// listen opens all listeners; after an error the open ones are left to closeListeners.
func (g *Gateway) listen() (err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listeners, err = openListeners(g.conf(), g.roster.Load(), g.directory.Load(), nil, g.inheritedFor)
	if err != nil {
		return err
	}
	for i := range g.listeners {
		ln := &g.listeners[i]
		ln.use(ln.service.conf(), ln.service.tls.Load())
	}
	g.directory.Load().announce(g.conf(), g.roster.Load().services, g.listeners)
	return g.unused()
}

// openListeners returns the listeners of settings, in their order: those of open that have their IDs, and others that
// it opens; one takes over the socket of a listener that is to be closed and has its address. inherited returns sockets
// for those of a service that are open already, by their addresses. After an error what it opened is closed.
func openListeners(c *config.Gateway, r *roster, d *directory, open []listener,
	inherited func(*config.Service) map[string]net.Listener) (all []listener, err error) {
	ids := d.ids
	for i := range c.Services {
		s := &c.Services[i]
		sockets := inherited(s)
		for n, address := range s.Listeners() {
			id := ids[0]
			ids = ids[1:]
			if at := slices.IndexFunc(open, func(ln listener) bool { return ln.id == id }); at >= 0 {
				all = append(all, open[at])
				continue
			}
			ln := sockets[address]
			if ln == nil {
				ln, err = takeOver(d.keys[id-d.first].place, open, d)
			}
			if ln == nil && err == nil {
				ln, err = listenOn(address)
			}
			if err != nil {
				closeBeside(all, open)
				return nil, err
			}
			all = append(all, listener{Listener: ln, service: r.services[i], id: id, address: address, isTLS: s.IsTLS(n),
				terms: &atomic.Pointer[terms]{}, life: newLife()})
		}
	}
	return all, nil
}

// takeOver returns a listener on the socket of one that has this place or its address, and is not among those of d; nil
// for none. So an address can pass from one service or facade to another, and no connection is refused meanwhile.
func takeOver(to place, open []listener, d *directory) (net.Listener, error) {
	at := slices.IndexFunc(open, func(ln listener) bool {
		same := ln.address == to.address && !strings.HasSuffix(to.address, ":0") || d.keys[ln.id-d.first].place == to
		return same && !slices.Contains(d.ids, ln.id)
	})
	if at < 0 {
		return nil, nil
	}
	old, ok := open[at].Listener.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, nil
	}
	file, err := old.File()
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", to.address, err)
	}
	defer file.Close()
	return net.FileListener(file) // which removes no path
}

// passPaths has the paths of unix sockets that pass from closed listeners to others stay until those are closed. The
// path of an inherited socket stays for ever: its service manager listens there, too.
func (e *entry) passPaths(closed, to []listener) {
	for _, old := range closed {
		was, ok := old.Listener.(*net.UnixListener)
		at := slices.IndexFunc(to, func(ln listener) bool { return ln.address == old.address })
		if !ok || at < 0 {
			continue
		}
		was.SetUnlinkOnClose(false)
		if now, ok := to[at].Listener.(*net.UnixListener); ok && !e.inherits(old.Addr()) {
			now.SetUnlinkOnClose(true)
		}
	}
}

// beside returns the listeners that are not among others.
func beside(all, others []listener) []listener {
	return slices.DeleteFunc(slices.Clone(all), func(ln listener) bool {
		return slices.ContainsFunc(others, func(other listener) bool { return other.id == ln.id })
	})
}

// closeBeside closes the listeners that are not among others.
func closeBeside(all, others []listener) {
	for _, ln := range beside(all, others) {
		_ = ln.Close()
	}
}

func listenOn(address string) (net.Listener, error) {
	network, at, err := config.SplitListen(address)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, err)
	}
	if network == "unix" {
		removeStale(at)
	}
	return net.Listen(network, at)
}

// removeStale removes a unix socket without a listener, as a killed process leaves it.
func removeStale(path string) {
	st, err := os.Lstat(path)
	if err != nil || st.Mode()&os.ModeSocket == 0 {
		return
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = c.Close()
		return
	}
	_ = os.Remove(path)
}
