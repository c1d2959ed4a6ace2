package config

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// MovingTo returns where the clients of a service are asked to move when the gateway drains, as they write it: IPv6 in
// brackets. host is empty where nothing is set, port where it is the one that a client has connected to.
func (s *Service) MovingTo() (host, port string) {
	host, number := splitAnnounce(s.MovingEndpoint)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if number > 0 {
		port = strconv.Itoa(number)
	}
	return host, port
}

// reloadsWithin is for how long a gateway that drains accepts connections at least where cluster clients are to move:
// they may open one to ask for the slots, and go-redis gives up if it is refused.
const reloadsWithin = time.Second

// MovesSlots reports whether clients of a cluster facade find another gateway when this one drains.
func (c *Gateway) MovesSlots() bool {
	return slices.ContainsFunc(c.Services, func(s Service) bool {
		return s.MovingEndpoint != "" && s.HasFacade(FacadeCluster)
	})
}

// ServesOnFor returns for how long a drain serves clients as before: drain-delay, or longer where slots move.
func (c *Gateway) ServesOnFor() time.Duration {
	if c.MovesSlots() {
		return max(c.DrainDelay, reloadsWithin)
	}
	return c.DrainDelay
}

// moving checks moving-endpoint.
func (v *validation) moving(s *Service) {
	if s.MovingEndpoint == "" {
		return
	}
	if err := checkHostMaybePort(s.MovingEndpoint); err != nil {
		text := strings.ReplaceAll(err.Error(), "FROM=TO", "HOST or HOST:PORT")
		v.addf("moving-endpoint", "%s %s", quoted(s.MovingEndpoint), text)
	} else if host, _ := splitAnnounce(s.MovingEndpoint); unusable(host) {
		v.addf("moving-endpoint", "%s is every address of a machine, which no client can connect to",
			quoted(s.MovingEndpoint))
	}
}
