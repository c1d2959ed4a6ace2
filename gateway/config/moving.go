package config

import (
	"strconv"
	"strings"
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
