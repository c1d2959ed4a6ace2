package gateway

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"evergate/gateway/certs"
	"evergate/gateway/config"
)

// listener is one address of one service.
type listener struct {
	net.Listener
	service int
	// id is the workers' name of the listener, address its text in the settings. isTLS: it is one of TLSListen.
	id      int
	address string
	isTLS   bool
	terms   *atomic.Pointer[terms]
}

// terms are what a listener asks of a connection before it is a client. They never change.
type terms struct {
	// tls is what clients are shown; nil: the listener is one without TLS.
	tls *certs.Server
	origins
}

// use puts valid settings to use.
func (ln *listener) use(c *config.Gateway, m *material) {
	t := &terms{origins: newOrigins(&c.Services[ln.service].Networks, ln.address)}
	if ln.isTLS {
		t.tls = m.servers[ln.service]
	}
	ln.terms.Store(t)
}

// acceptPause is the pause after an error of accept such as too many open files.
const acceptPause = 50 * time.Millisecond

var tooManyClients = []byte("-ERR max number of clients reached\r\n")

// listen opens all listeners; after an error the open ones are left to closeListeners.
func (g *Gateway) listen() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	ids, _ := listenerIDs(g.conf())
	for i := range g.conf().Services {
		s := &g.conf().Services[i]
		open := g.inheritedFor(s)
		for n, address := range s.Listeners() {
			ln, err := open[address], error(nil)
			if ln == nil {
				ln, err = listenOn(address)
			}
			if err != nil {
				return err
			}
			l := listener{Listener: ln, service: i, id: ids[len(g.listeners)], address: address,
				isTLS: s.IsTLS(n), terms: &atomic.Pointer[terms]{}}
			l.use(g.conf(), g.material.Load())
			g.listeners = append(g.listeners, l)
		}
	}
	g.announceFacades()
	return g.unused()
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
