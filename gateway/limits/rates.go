package limits

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"evergate/gateway/ratelimit"
)

// idleSweep is how often the accounts without clients are looked through.
const idleSweep = time.Second

// holder is whose account one is: a user of a service, or an address.
type holder struct {
	service int
	user    string
	address netip.Prefix
}

// held is an account, with the number of its clients. Of a holder whose rate has changed there are two, until all
// clients have left the old one.
type held struct {
	*ratelimit.Account
	holder
	clients int
}

// Rates has the accounts of all users and addresses: what their clients may do in a second, and how many there are. An
// account without clients is kept until nothing is missing there, so that to reconnect is no way around a rate. Its
// methods may be called from any goroutine.
type Rates struct {
	workers   int
	ofAddress atomic.Pointer[ratelimit.Rate]

	mu    sync.Mutex
	count map[holder]int // of clients
	by    map[holder]*held
	of    map[*ratelimit.Account]*held
	idle  map[*held]bool
	swept time.Duration
}

// NewRates has a rate for each address, and no account yet.
func NewRates(ofAddress ratelimit.Rate, workers int) *Rates {
	r := &Rates{workers: workers, count: map[holder]int{}, by: map[holder]*held{},
		of: map[*ratelimit.Account]*held{}, idle: map[*held]bool{}}
	r.SetOfAddress(ofAddress)
	return r
}

// SetOfAddress replaces the rate of each address, for the clients that come from now on.
func (r *Rates) SetOfAddress(rate ratelimit.Rate) { r.ofAddress.Store(&rate) }

// OfAddress returns the account of an address such as "192.0.2.1:5000", and counts one more client; nil: none has one.
// Left must follow.
func (r *Rates) OfAddress(remote string) *ratelimit.Account {
	rate := *r.ofAddress.Load()
	if !rate.Bounds() {
		return nil
	}
	network, ok := networkOf(remote)
	if !ok {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.enter(holder{address: network}, network.String(), rate).Account
}

// OfUser returns the account of a user of a service, and counts one more client unless there are most already: 0 stands
// for any number. Left must follow if it returns one.
func (r *Rates) OfUser(service int, user string, rate ratelimit.Rate, most int) *ratelimit.Account {
	r.mu.Lock()
	defer r.mu.Unlock()
	who := holder{service: service, user: user}
	if most > 0 && r.count[who] >= most {
		return nil
	}
	return r.enter(who, user, rate).Account
}

func (r *Rates) enter(who holder, name string, rate ratelimit.Rate) *held {
	h := r.by[who]
	if h == nil || h.Rate != rate {
		if r.idle[h] {
			r.forget(h)
		}
		h = &held{Account: ratelimit.NewAccount(name, rate, r.workers), holder: who}
		r.by[who], r.of[h.Account] = h, h
	}
	h.clients++
	r.count[who]++
	delete(r.idle, h)
	return h
}

// forget drops an account without clients.
func (r *Rates) forget(h *held) {
	delete(r.idle, h)
	delete(r.of, h.Account)
	if r.by[h.holder] == h {
		delete(r.by, h.holder)
	}
}

// Left counts one client less. now is the time of a worker.
func (r *Rates) Left(a *ratelimit.Account, now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.of[a]
	if r.count[h.holder]--; r.count[h.holder] == 0 {
		delete(r.count, h.holder)
	}
	switch h.clients--; {
	case h.clients > 0:
	case r.by[h.holder] == h:
		r.idle[h] = true
	default: // another rate has replaced it
		r.forget(h)
	}
	if now-r.swept < idleSweep {
		return
	}
	r.swept = now
	for h := range r.idle {
		if h.Full(now) {
			r.forget(h)
		}
	}
}
