package gateway

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"

	"evergate/gateway/config"
)

// inherited is a listening socket that was open before the process began: one of a socket unit of systemd. Connections
// wait in it while no gateway runs.
type inherited struct {
	net.Listener
	// name is the socket's FileDescriptorName.
	name  string
	taken bool
}

// Inherit has Start use open sockets: each in place of the listener with its address, or else of the first listener
// left of the service that has its name. Start fails if one fits no listener. Only before Start; it closes the files.
func (e *entry) Inherit(sockets []*os.File) (err error) {
	for _, f := range sockets {
		ln, listenErr := net.FileListener(f)
		if listenErr == nil {
			e.sockets = append(e.sockets, inherited{Listener: ln, name: f.Name()})
		} else {
			err = errors.Join(err, fmt.Errorf("socket %q: %w", f.Name(), listenErr))
		}
		_ = f.Close()
	}
	return err
}

// inheritedFor returns the sockets in place of a service's listeners, by their addresses in the settings.
func (e *entry) inheritedFor(s *config.Service) map[string]net.Listener {
	found := map[string]net.Listener{}
	addresses := s.Listeners()
	take := func(address string, fits func(*inherited) bool) {
		for i := range e.sockets {
			if socket := &e.sockets[i]; !socket.taken && found[address] == nil && fits(socket) {
				socket.taken, found[address] = true, socket.Listener
			}
		}
	}
	for _, address := range addresses {
		take(address, func(socket *inherited) bool { return isAt(socket.Addr(), address) })
	}
	for _, address := range addresses {
		take(address, func(socket *inherited) bool { return socket.name == s.Name })
	}
	return found
}

// inherits reports whether a socket with this address was open before the process began.
func (e *entry) inherits(addr net.Addr) bool {
	return slices.ContainsFunc(e.sockets, func(s inherited) bool { return s.Addr().String() == addr.String() })
}

// unused returns an error for each socket that fits no listener: its clients would wait for ever.
func (e *entry) unused() (err error) {
	for _, socket := range e.sockets {
		if !socket.taken {
			err = errors.Join(err, fmt.Errorf("the socket %s (%s) fits no listener: it needs the address of one, or a "+
				"service's name as FileDescriptorName", socket.Addr(), socket.name))
		}
	}
	return err
}

// isAt reports whether a socket has an address of the settings. All addresses that stand for every interface are one.
func isAt(addr net.Addr, address string) bool {
	network, at, err := config.SplitListen(address)
	if err != nil {
		return false
	}
	tcp, isTCP := addr.(*net.TCPAddr)
	if !isTCP || network == "unix" {
		return network == addr.Network() && filepath.Clean(at) == filepath.Clean(addr.String())
	}
	wants, err := net.ResolveTCPAddr(network, at)
	if err != nil || wants.Port != tcp.Port {
		return false
	}
	return wants.IP.Equal(tcp.IP) || (len(wants.IP) == 0 || wants.IP.IsUnspecified()) && tcp.IP.IsUnspecified()
}
