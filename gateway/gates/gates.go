// Package gates has the users of the clients of each service: those that are defined, or the default user with a
// password or none. A file is read again every second, outside the loops, so that a rotated password or a new user is
// accepted without a restart, and checking one costs no I/O. Begin with Gate and Source.
package gates

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/access"
	"evergate/gateway/config"
)

// Gate has the users of some clients. New makes it.
type Gate struct {
	users atomic.Pointer[access.Users]

	mu sync.Mutex // guards all below
	Source
	// text is what was read last, taken what the users were made of.
	text, taken string
}

// Source is what users are made of. It never changes.
type Source struct {
	// Secret is the password of the default user, Access defines the users.
	Secret config.Secret
	Access config.Access
	// Rules are those of single listeners, by their IDs.
	Rules map[int]Rules
	// Passes: the servers know the users.
	Passes bool
}

const refreshEvery = time.Second

// New makes a gate; it reads the file of its source, if there is one.
func New(from Source) (*Gate, error) {
	g := &Gate{Source: from}
	if from.Passes {
		g.users.Store(g.less(access.OfServers()))
		return g, nil
	}
	if from.Secret.IsZero() && !from.Access.Defined() {
		g.users.Store(g.less(access.WithoutPassword()))
		return g, nil
	}
	if err := g.read(); err != nil {
		return nil, err
	}
	_, err := g.take()
	return g, err
}

// Users returns those of the moment: the same value until they change.
func (g *Gate) Users() *access.Users { return g.users.Load() }

// read reads the password or the users.
func (g *Gate) read() (err error) {
	if g.Access.Defined() {
		g.text, err = g.Access.ReadFile()
	} else {
		g.text, err = g.Secret.Read()
	}
	return err
}

// take makes what was read the users, and reports whether it differs from what they are made of.
func (g *Gate) take() (changed bool, err error) {
	if g.users.Load() != nil && g.text == g.taken {
		return false, nil
	}
	users := access.WithPassword(g.text)
	if g.Access.Defined() {
		if users, err = g.Access.Parse(g.text); err != nil {
			return false, err
		}
	}
	g.taken = g.text
	g.users.Store(g.less(users))
	return true, nil
}

// less returns users without the commands that are denied, or not among the only ones, for all clients and for those of
// single listeners.
func (g *Gate) less(users *access.Users) *access.Users {
	names, _ := g.Access.Denied()
	all, _ := g.Access.Only()
	users = users.Without(names)
	at := map[int]*access.Users{}
	for id, r := range g.Rules {
		only := r.Only
		if len(only) == 0 {
			only = all
		}
		at[id] = users.Without(r.Denied).Only(only)
	}
	return users.Only(all).Vary(at)
}

// Replace has the gate become another one, which nobody uses, and reports whether its users differ.
func (g *Gate) Replace(other *Gate) (changed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if reflect.DeepEqual(g.Source, other.Source) && g.taken == other.taken {
		return false
	}
	g.Source, g.text, g.taken = other.Source, other.text, other.taken
	g.users.Store(other.users.Load())
	return true
}

// refresh reads the file again, if there is one. It reports whether there are new users.
func (g *Gate) refresh() (isNew bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.Secret.File == "" && g.Access.UsersFile == "" {
		return false, nil
	}
	before := g.text
	if err = g.read(); err == nil && (g.text == before || !g.Access.Defined()) {
		isNew, err = g.take()
	}
	return isNew, err
}

// Follow re-reads the file until ctx ends, and calls changed when there are new users. While the file cannot be read,
// or a line of it is wrong, the old users stay. A file of users is taken when it was the same for a second: one that is
// being written may be right by chance, and lack users whose clients would be closed.
func (g *Gate) Follow(ctx context.Context, logger hclog.Logger, changed func()) {
	tick := time.NewTicker(refreshEvery)
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

func (g *Gate) warn(logger hclog.Logger, err error) {
	if g.source().Access.Defined() {
		logger.Warn("users reload failed, old users kept", "error", err.Error()) // a list of mistakes as one text
		return
	}
	logger.Warn("password reload failed, old password kept", "error", err)
}

func (g *Gate) inform(logger hclog.Logger) {
	if a := &g.source().Access; a.Defined() {
		logger.Info("users reloaded", "file", a.UsersFile, "users", len(g.users.Load().Names()))
	}
}

// source returns what the users are made of.
func (g *Gate) source() *Source {
	g.mu.Lock()
	defer g.mu.Unlock()
	from := g.Source
	return &from
}

// Rules are for the clients of one listener: commands that are denied, and the only ones that are not; none: as
// for all clients of the service.
type Rules struct{ Denied, Only []string }

// RulesAt returns those of a listener by its text in the settings, which must be valid.
func RulesAt(a *config.Access, listen string) Rules {
	_, denied := a.Denied()
	_, only := a.Only()
	return Rules{denied[listen], only[listen]}
}
