package limits

import (
	"net/netip"
	"sync"
	"sync/atomic"
)

// One address should not take all the clients that there may be. IPv6 addresses count by their network of 64 bits, of
// which one machine usually has all.

// addressBits are the bits of an IPv6 address that count.
const addressBits = 64

// Addresses counts the clients of each address. Its methods may be called from any goroutine.
type Addresses struct {
	most     int // of one; 0: any number, and nothing is counted
	rejected atomic.Uint64

	mu    sync.Mutex
	count map[netip.Prefix]int
}

// NewAddresses lets each address have so many clients; 0: any number.
func NewAddresses(most int) *Addresses { return &Addresses{most: most, count: map[netip.Prefix]int{}} }

// Enters counts a client with an address such as "192.0.2.1:5000", and reports whether the address may have it. If so
// Leaves must follow.
func (a *Addresses) Enters(remote string) bool {
	of, counts := a.network(remote)
	if !counts {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count[of] >= a.most {
		a.rejected.Add(1)
		return false
	}
	a.count[of]++
	return true
}

// Leaves forgets a client.
func (a *Addresses) Leaves(remote string) {
	of, counts := a.network(remote)
	if !counts {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count[of]--; a.count[of] <= 0 {
		delete(a.count, of)
	}
}

// Rejected is how many clients did not enter.
func (a *Addresses) Rejected() uint64 { return a.rejected.Load() }

// network returns what a client counts for; counts is false for one of a unix socket, and where nothing is counted.
func (a *Addresses) network(remote string) (of netip.Prefix, counts bool) {
	if a.most == 0 {
		return of, false
	}
	return networkOf(remote)
}

// networkOf is what a client's address counts for; ok is false for that of a unix socket.
func networkOf(remote string) (of netip.Prefix, ok bool) {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return of, false
	}
	ip, bits := at.Addr().Unmap().WithZone(""), addressBits
	if ip.Is4() {
		bits = ip.BitLen()
	}
	of, err = ip.Prefix(bits)
	return of, err == nil
}
