package gateway

import (
	"fmt"

	"evergate/gateway/config"
	"evergate/gateway/gates"
)

// gatesOf are the gates of a service: for its clients, and for those of its Sentinel facade.
type gatesOf struct{ own, facade *gates.Gate }

// newGates makes the gates of each service. d has the listeners.
func newGates(c *config.Gateway, r *roster, d *directory) (all []gatesOf, err error) {
	for i, of := range r.services {
		var made gatesOf
		s := &c.Services[i]
		if s.Access.Defined() {
			_, err = s.Access.Check(s.Listen, s.NoAuth)
		}
		if err == nil {
			made.own, err = gates.New(gates.Source{Secret: s.Password, Access: s.Access, Rules: d.rulesOf(of),
				Passes: s.Passes()})
		}
		if err == nil {
			made.facade, err = gates.New(gates.Source{Secret: s.FacadePassword})
		}
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", s.Name, err)
		}
		all = append(all, made)
	}
	return all, nil
}

// guessed logs that wrong passwords come from an address.
func (g *Gateway) guessed(address, user string, failures int) {
	g.logger.Warn("many wrong passwords, replies delayed", "address", address, "user", user, "failures", failures)
}
