package shared

import (
	"maps"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// guessesFree is how many wrong passwords cost no time. The next attempt waits for guessDelayMin, each further one
	// twice as long, up to guessDelayMax: less than client libraries wait for a reply.
	guessesFree   = 10
	guessDelayMin = 50 * time.Millisecond
	guessDelayMax = 2 * time.Second
	// guessForget is how long after the last wrong password all are forgotten.
	guessForget = time.Minute
	// guessersMax bounds the memory. Beyond it one is forgotten for each that is new.
	guessersMax = 10_000
)

// guesser is who tries passwords: an address, for one user. So clients of other users behind the same address are not
// delayed. Of names that no user has there is one.
type guesser struct {
	service    int
	host, user string
}

type guessed struct {
	failures int
	last     time.Time
}

// Guesses slows those who guess passwords.
type Guesses struct {
	mu   sync.Mutex
	seen map[guesser]*guessed
	many func(host, user string, failures int)
	now  func() time.Time
	// swept is when those who have stopped were forgotten last.
	swept time.Time
}

// NewGuesses makes one. many is called once for an address and a user, when attempts begin to wait.
func NewGuesses(many func(host, user string, failures int)) *Guesses {
	return &Guesses{seen: map[guesser]*guessed{}, many: many, now: time.Now}
}

// Delay is how long the next attempt must wait, whether its password is right or wrong.
func (g *Guesses) Delay(service int, remote, user string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.seen[guesser{service, hostOf(remote), user}]
	if s == nil || s.failures < guessesFree || g.now().Sub(s.last) >= guessForget {
		return 0
	}
	d := guessDelayMin
	for n := guessesFree; n < s.failures && d < guessDelayMax; n++ {
		d *= 2
	}
	return min(d, guessDelayMax)
}

// Failed counts a wrong password.
func (g *Guesses) Failed(service int, remote, user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	who, now := guesser{service, hostOf(remote), user}, g.now()
	s := g.seen[who]
	if s == nil {
		g.makeRoom(now)
		s = &guessed{}
		g.seen[who] = s
	}
	if now.Sub(s.last) >= guessForget {
		s.failures = 0
	}
	s.failures++
	if s.last = now; s.failures == guessesFree {
		g.many(who.host, user, s.failures)
	}
}

// makeRoom forgets those who have stopped, once in a while, or else any one.
func (g *Guesses) makeRoom(now time.Time) {
	if len(g.seen) < guessersMax {
		return
	}
	if now.Sub(g.swept) >= guessForget {
		g.swept = now
		maps.DeleteFunc(g.seen, func(_ guesser, s *guessed) bool { return now.Sub(s.last) >= guessForget })
	}
	for who := range g.seen {
		if len(g.seen) < guessersMax {
			return
		}
		delete(g.seen, who)
	}
}

// hostOf is the address of a client without its port. Of IPv6 it is the network, since a machine has all of its
// addresses.
func hostOf(remote string) string {
	if at, err := netip.ParseAddrPort(remote); err == nil {
		if ip := at.Addr().Unmap(); ip.Is6() {
			network, _ := ip.WithZone("").Prefix(64)
			return network.String()
		}
		return at.Addr().Unmap().String()
	}
	if at := strings.LastIndexByte(remote, ':'); at >= 0 {
		return remote[:at]
	}
	return remote
}
