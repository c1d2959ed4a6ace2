package gateway

import (
	"evergate/gateway/accept"
	"evergate/gateway/config"
	"evergate/gateway/limits"
	"evergate/gateway/ratelimit"
	"evergate/gateway/session"
	"evergate/gateway/worker"
)

// userLimits are those of the users of a service, by name.
type userLimits map[string]*userLimit

// userLimit bounds the clients of one user.
type userLimit struct {
	networks   *accept.Networks // where they come from; nil: anywhere
	clientsMax int              // 0: any number
	rate       ratelimit.Rate
}

// userLimitsOf needs valid settings.
func userLimitsOf(s *config.Service) userLimits {
	all := userLimits{}
	for name, u := range s.UserSettings {
		l := &userLimit{clientsMax: u.ClientsMax, rate: u.Rate.Limit()}
		if len(u.Networks) > 0 {
			l.networks, _ = accept.ParseNetworks(u.Networks)
		}
		all[name] = l
	}
	return all
}

// rates is how the workers learn of the rates of users and addresses.
func (g *Gateway) rates() worker.Rates {
	limitOf := func(of int, user string) *userLimit {
		p := g.part(of)
		if p.sentinel {
			return nil // it has users of its own
		}
		return (*p.service.limits.Load())[user]
	}
	return worker.Rates{
		RateOfUser: func(of int, user string, stays bool) (*ratelimit.Account, bool) {
			l := limitOf(of, user)
			if l == nil || l.clientsMax == 0 && !l.rate.Bounds() {
				return nil, true
			}
			most := l.clientsMax
			if stays {
				most = 0
			}
			a := g.accounts.OfUser(g.of(of).parts[0], user, l.rate, most)
			return a, a != nil
		},
		RateOfAddress: g.accounts.OfAddress,
		RateLeft:      g.accounts.Left,
		RateExceeded:  g.rateExceeded,
		UserComes: func(of int, user, remote string) bool {
			l := limitOf(of, user)
			return l == nil || l.networks == nil || l.networks.ContainsRemote(remote)
		},
	}
}

// rateExceeded logs requests that exceeded a rate.
func (g *Gateway) rateExceeded(of int, a *ratelimit.Account, ofUser bool, count uint64) {
	whose, done := "address", "waited"
	if ofUser {
		whose = "user"
	}
	if a.Rate.Refuses {
		done = "refused"
	}
	g.logger.Named("clients").Warn("rate limit exceeded", "service", g.of(of).name, whose, a.Name,
		"requests", count, "outcome", done)
}

// newAccounts has no account yet.
func newAccounts(c *config.Gateway) *limits.Rates {
	return limits.NewRates(c.Limits.AddressRate.Limit(), c.Workers)
}

// userTermsOf are what is set for single users of a service, for a worker. A Sentinel facade has users of its own.
func userTermsOf(s *config.Service, p *subService, bounds *userBounds) map[string]worker.UserTerms {
	all := map[string]worker.UserTerms{}
	for name, u := range s.UserSettings {
		if p.sentinel {
			continue
		}
		t := worker.UserTerms{Memory: bounds.get(userName{p.service, name}, u.ClientMemoryMax)}
		if u.Hold != nil {
			hold := session.Hold(*u.Hold)
			t.Hold = &hold
		}
		t.Acks = u.Acks
		if u.AcksTimeout > 0 {
			t.AcksTimeout = &u.AcksTimeout
		}
		if u.Reads != "" {
			from := u.Reads.Session()
			t.Reads = &from
		}
		if u.Consistency != "" {
			consistency := u.Consistency.Session()
			t.Consistency = &consistency
		}
		t.Lag = u.MaxLag
		t.Output, t.Push = outputLimit(u.Output), outputLimit(u.Push)
		for _, n := range u.Databases {
			t.Databases = append(t.Databases, int32(n))
		}
		all[name] = t
	}
	return all
}
