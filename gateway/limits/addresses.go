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
	most     atomic.Int64 // of one; 0: any number
	rejected atomic.Uint64

	mu    sync.Mutex
	count map[netip.Prefix]int
}

// NewAddresses lets each address have so many clients; 0: any number.
func NewAddresses(most int) *Addresses {
	a := &Addresses{count: map[netip.Prefix]int{}}
	a.SetMost(most)
	return a
}

// SetMost changes how many clients each address may have. Those that are there stay.
func (a *Addresses) SetMost(most int) { a.most.Store(int64(most)) }

// Enters counts a client with an address such as "192.0.2.1:5000", and reports whether the address may have it. If so
// Leaves must follow.
func (a *Addresses) Enters(remote string) bool {
	of, counts := networkOf(remote)
	if !counts {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if most := int(a.most.Load()); most > 0 && a.count[of] >= most {
		a.rejected.Add(1)
		return false
	}
	a.count[of]++
	return true
}

// Leaves forgets a client.
func (a *Addresses) Leaves(remote string) {
	of, counts := networkOf(remote)
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
