package worker_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/ratelimit"
	"evergate/gateway/worker"
)

// playedRates are the accounts of a script, and how many sessions are held to each.
type playedRates struct {
	ofUser   map[string]*ratelimit.Account
	address  *ratelimit.Account
	sessions map[*ratelimit.Account]int
}

// add reads NAME:COMMANDS:BYTES, with ":refuse" behind it for an error instead of a wait. The name "address" stands for
// the address of all clients.
func (r *playedRates) add(text string) {
	words := append(strings.Split(text, ":"), "", "", "")
	rate := ratelimit.Rate{Refuses: words[3] == "refuse"}
	rate.Commands, _ = strconv.ParseInt(words[1], 10, 64)
	rate.Bytes, _ = strconv.ParseInt(words[2], 10, 64)
	a := ratelimit.NewAccount(words[0], rate, 1)
	if r.sessions == nil {
		r.ofUser, r.sessions = map[string]*ratelimit.Account{}, map[*ratelimit.Account]int{}
	}
	if words[0] == "address" {
		r.address = a
	} else {
		r.ofUser[words[0]] = a
	}
}

// env is none without rates.
func (r *playedRates) env(p *player) (e worker.Rates) {
	if r.sessions == nil {
		return e
	}
	enter := func(a *ratelimit.Account) *ratelimit.Account {
		if a != nil {
			r.sessions[a]++
		}
		return a
	}
	return worker.Rates{
		RateOfUser:    func(_ int, user string) *ratelimit.Account { return enter(r.ofUser[user]) },
		RateOfAddress: func(string) *ratelimit.Account { return enter(r.address) },
		RateLeft: func(a *ratelimit.Account, _ time.Duration) {
			if r.sessions[a]--; r.sessions[a] < 0 {
				p.t.Fatalf("more sessions have left %s than entered", a.Name)
			}
		},
		RateExceeded: func(_ int, a *ratelimit.Account, count uint64) {
			p.reports = append(p.reports, fmt.Sprintf("rate exceeded: %s, %d times", a.Name, count))
		},
	}
}
