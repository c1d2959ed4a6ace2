package gateway

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/access"
	"evergate/gateway/config"
)

// gate has the users of a service's clients: those that are defined, or the default user with a password or none. A
// file is read again every second, outside the loops, so that a rotated password or a new user is accepted without a
// restart, and checking one costs no I/O.
type gate struct {
	users atomic.Pointer[access.Users]

	mu sync.Mutex // guards all below
	gateSource
	// text is what was read last, taken what the users were made of.
	text, taken string
}

// gateSource is what users are made of. It never changes.
type gateSource struct {
	secret config.Secret
	access config.Access
	// rules are those of single listeners, by their IDs.
	rules map[int]listenerRules
	// passes: the servers know the users.
	passes bool
}

const gateRefresh = time.Second

// gates are those of a service: for its clients, and for those of its Sentinel facade;
// nil without one.
type gates struct{ own, facade *gate }

// newGates makes the gates of each service. d has the listeners.
func newGates(c *config.Gateway, r *roster, d *directory) (all []gates, err error) {
	for i, of := range r.services {
		var made gates
		s := &c.Services[i]
		if s.Access.Defined() {
			_, err = s.Access.Check(s.Listen, s.NoAuth)
		}
		if err == nil {
			made.own, err = newGate(gateSource{s.Password, s.Access, d.rulesOf(of), s.Passes()})
		}
		if err == nil && of.sentinel != noPart {
			made.facade, err = newGate(gateSource{secret: s.FacadePassword})
		}
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", s.Name, err)
		}
		all = append(all, made)
	}
	return all, nil
}

// newGate makes a gate.
func newGate(from gateSource) (*gate, error) {
	g := &gate{gateSource: from}
	if from.passes {
		g.users.Store(g.less(access.OfServers()))
		return g, nil
	}
	if from.secret.IsZero() && !from.access.Defined() {
		g.users.Store(g.less(access.WithoutPassword()))
		return g, nil
	}
	if err := g.read(); err != nil {
		return nil, err
	}
	_, err := g.take()
	return g, err
}

// read reads the password or the users.
func (g *gate) read() (err error) {
	if g.access.Defined() {
		g.text, err = g.access.ReadFile()
	} else {
		g.text, err = g.secret.Read()
	}
	return err
}

// take makes what was read the users, and reports whether it differs from what they are made of.
func (g *gate) take() (changed bool, err error) {
	if g.users.Load() != nil && g.text == g.taken {
		return false, nil
	}
	users := access.WithPassword(g.text)
	if g.access.Defined() {
		if users, err = g.access.Parse(g.text); err != nil {
			return false, err
		}
	}
	g.taken = g.text
	g.users.Store(g.less(users))
	return true, nil
}

// less returns users without the commands that are denied, or not among the only ones, for all clients and for those of
// single listeners.
func (g *gate) less(users *access.Users) *access.Users {
	names, _ := g.access.Denied()
	all, _ := g.access.Only()
	users = users.Without(names)
	at := map[int]*access.Users{}
	for id, r := range g.rules {
		only := r.only
		if len(only) == 0 {
			only = all
		}
		at[id] = users.Without(r.denied).Only(only)
	}
	return users.Only(all).Vary(at)
}

// replace has the gate become another one, which nobody uses, and reports whether its users differ.
func (g *gate) replace(other *gate) (changed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if reflect.DeepEqual(g.gateSource, other.gateSource) && g.taken == other.taken {
		return false
	}
	g.gateSource, g.text, g.taken = other.gateSource, other.text, other.taken
	g.users.Store(other.users.Load())
	return true
}

// refresh reads the file again, if there is one. It reports whether there are new users.
func (g *gate) refresh() (isNew bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.secret.File == "" && g.access.UsersFile == "" {
		return false, nil
	}
	before := g.text
	if err = g.read(); err == nil && (g.text == before || !g.access.Defined()) {
		isNew, err = g.take()
	}
	return isNew, err
}

// follow re-reads the file until ctx ends, and calls changed when there are new users. While the file cannot be read,
// or a line of it is wrong, the old users stay. A file of users is taken when it was the same for a second: one that is
// being written may be right by chance, and lack users whose clients would be closed.
func (g *gate) follow(ctx context.Context, logger hclog.Logger, changed func()) {
	tick := time.NewTicker(gateRefresh)
	defer tick.Stop()
	failed := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		isNew, err := g.refresh()
		if err == nil {
			failed = ""
		} else if err.Error() != failed {
			failed = err.Error()
			g.warn(logger, err)
		}
		if isNew {
			g.inform(logger)
			changed()
		}
	}
}

func (g *gate) warn(logger hclog.Logger, err error) {
	if g.source().access.Defined() {
		logger.Warn("users reload failed, old users kept", "error", err.Error()) // a list of mistakes as one text
		return
	}
	logger.Warn("password reload failed, old password kept", "error", err)
}

func (g *gate) inform(logger hclog.Logger) {
	if a := &g.source().access; a.Defined() {
		logger.Info("users reloaded", "file", a.UsersFile, "users", len(g.users.Load().Names()))
	}
}

// source returns what the users are made of.
func (g *gate) source() *gateSource {
	g.mu.Lock()
	defer g.mu.Unlock()
	from := g.gateSource
	return &from
}

// guessed logs that wrong passwords come from an address.
func (g *Gateway) guessed(address, user string, failures int) {
	g.logger.Warn("many wrong passwords, replies delayed", "address", address, "user", user, "failures", failures)
}
