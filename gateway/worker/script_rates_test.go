package worker_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/account"
	"evergate/gateway/ratelimit"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/worker"
)

// userTerms reads NAME:HOLD:DATABASE/DATABASE:READS:MEMORY:OUTPUT:PUSH. Each may be left out; READS is "primary" or
// "replica", the last three are bytes.
func userTerms(text string) (name string, u worker.UserTerms) {
	words := append(strings.Split(text, ":"), "", "", "", "", "", "", "")
	if words[1] != "" {
		hold := holdSetting(words[1])
		u.Hold = &hold
	}
	for number := range strings.SplitSeq(words[2], "/") {
		if n, err := strconv.Atoi(number); err == nil {
			u.Databases = append(u.Databases, int32(n))
		}
	}
	if words[3] != "" {
		from := map[string]session.Reads{"primary": session.FromPrimary, "replica": session.PreferReplica}[words[3]]
		u.Reads = &from
	}
	if most, err := strconv.Atoi(words[4]); err == nil {
		u.Memory = &account.Bound{Max: most}
	}
	if words[7] != "" {
		level := acksSetting(words[7]).Level
		u.Acks = &level
	}
	for i, limit := range []**sessions.OutputLimit{&u.Output, &u.Push} {
		if most, err := strconv.Atoi(words[5+i]); err == nil {
			*limit = &sessions.OutputLimit{Max: most}
		}
	}
	return words[0], u
}

// playedRates are the accounts of a script, and how many sessions are held to each.
type playedRates struct {
	ofUser   map[string]*ratelimit.Account
	address  map[string]*ratelimit.Account // by where clients come from, "" for most
	arriving string                        // where the next client comes from
	sessions map[*ratelimit.Account]int
	clients  map[string]int    // the most of a user
	from     map[string]string // where the clients of a user come from
}

// add reads NAME:COMMANDS:BYTES:OVER:CLIENTS:FROM. OVER is "refuse" for an error instead of a wait, CLIENTS the most of
// the user, FROM where they come from. The name "address" stands for the address of all clients, which is "remote";
// "address@WHERE" for the one of those that "open NAME WHERE" opens.
func (r *playedRates) add(text string) {
	words := append(strings.Split(text, ":"), "", "", "", "", "")
	rate := ratelimit.Rate{Refuses: words[3] == "refuse"}
	rate.Commands, _ = strconv.ParseInt(words[1], 10, 64)
	rate.Bytes, _ = strconv.ParseInt(words[2], 10, 64)
	a := ratelimit.NewAccount(words[0], rate, 1)
	if r.sessions == nil {
		r.ofUser, r.sessions = map[string]*ratelimit.Account{}, map[*ratelimit.Account]int{}
		r.clients, r.from = map[string]int{}, map[string]string{}
		r.address = map[string]*ratelimit.Account{}
	}
	if where, ok := strings.CutPrefix(words[0], "address"); ok {
		r.address[strings.TrimPrefix(where, "@")] = a
	} else {
		r.ofUser[words[0]], r.from[words[0]] = a, words[5]
		r.clients[words[0]], _ = strconv.Atoi(words[4])
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
		RateOfUser: func(_ int, user string, stays bool) (*ratelimit.Account, bool) {
			a := r.ofUser[user]
			if most := r.clients[user]; !stays && most > 0 && r.sessions[a] >= most {
				return nil, false
			}
			return enter(a), true
		},
		RateOfAddress: func(string) *ratelimit.Account { return enter(r.address[r.arriving]) },
		RateLeft: func(a *ratelimit.Account, _ time.Duration) {
			if r.sessions[a]--; r.sessions[a] < 0 {
				p.t.Fatalf("more sessions have left %s than entered", a.Name)
			}
		},
		UserComes: func(_ int, user, remote string) bool { return r.from[user] == "" || r.from[user] == remote },
		RateExceeded: func(_ int, a *ratelimit.Account, _ bool, count uint64) {
			p.reports = append(p.reports, fmt.Sprintf("rate exceeded: %s, %d times", a.Name, count))
		},
	}
}
