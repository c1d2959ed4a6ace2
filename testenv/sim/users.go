package sim

import (
	"slices"
	"strings"
	"time"

	"evergate/gateway/access"
	"evergate/testenv/play"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/scenario"
	"evergate/topology"
)

// What only worlds with users have: the users of the gateway, and how they change.

// accounts are the users that come and go.
var accounts = []string{"ann", "bob", "eve"}

// topicsOfUsers are what users may be allowed to name.
var topicsOfUsers = []string{"x*", "y", "{t0}", "{t1}", "{t2}"}

// makeUsers has a worker know the users of the world.
func (w *world) makeUsers(g *gate) {
	if !w.Options.Users {
		g.users = access.WithoutPassword()
		return
	}
	if g.number == 0 {
		w.Ledger.Reload(w.someUsers())
	}
	g.know(w.Ledger.Users())
}

// someUsers returns users with rights by chance.
func (w *world) someUsers() ledger.Users {
	all := ledger.Users{}
	for _, name := range append([]string{ledger.Default}, accounts...) {
		u := &ledger.User{Password: name + string(rune('0'+w.Rnd.IntN(2))), Keys: map[string]ledger.Access{}}
		if name == ledger.Default && w.Options.Seed%3 > 0 {
			u.Password = ""
		}
		for _, whose := range append([]string{ledger.Default}, accounts...) {
			if as := ledger.Access(w.Rnd.IntN(4)); as > 0 {
				u.Keys[whose] = as
			}
		}
		if w.Rnd.IntN(8) > 0 {
			u.Keys[name] = ledger.MayRead | ledger.MayWrite
		}
		if w.Rnd.IntN(2) == 0 {
			u.Sets = accounts[w.Rnd.IntN(len(accounts))]
		}
		if w.Rnd.IntN(3) == 0 {
			u.Never = [...]string{"SET", "INCRBY", "MSET", "EVAL", "GETRANGE", "BLPOP"}[w.Rnd.IntN(6)]
		}
		for _, topic := range topicsOfUsers {
			if w.Rnd.IntN(4) > 0 {
				u.Channels = append(u.Channels, topic)
			}
		}
		if name == ledger.Default || w.Rnd.IntN(6) > 0 {
			all[name] = u
		}
	}
	return all
}

// parse returns users as the gateway knows them.
func (w *world) parse(all ledger.Users) *access.Users {
	var lines []string
	for _, line := range all.Lines() {
		switch w.Options.Bug {
		case scenario.FreeChannels:
			line = strings.Join(slices.DeleteFunc(strings.Fields(line), func(s string) bool { return s[0] == '&' }), " ") +
				" allchannels"
		case scenario.FreeWrites:
			line = strings.ReplaceAll(line, "%R~", "~")
		case scenario.NoSelectors:
			line, _, _ = strings.Cut(line, " (")
		}
		lines = append(lines, line)
	}
	users, err := access.Parse("simulation", lines)
	if err != nil {
		w.Ledger.Fail("the users are wrong: %v", err)
	}
	return users
}

// changeUsers has other users, now and then: also while a shard has no primary.
func (w *world) changeUsers() {
	if !w.Options.Users || w.Now < w.nextUsers {
		return
	}
	w.nextUsers = w.Now + w.Between(100*time.Millisecond, 1500*time.Millisecond)
	if w.Now == 0 {
		return
	}
	w.reload(w.someUsers())
	v := w.control.Shown()
	if v != nil && slices.ContainsFunc(v.Shards, func(s topology.Shard) bool { return s.Primary == nil }) {
		w.reloadsHeld++
	}
}

// healUsers has all users do everything. Where clients had to authenticate they still must: what they sent in
// transactions would be plain commands otherwise.
func (w *world) healUsers() {
	if !w.Options.Users {
		return
	}
	all := ledger.Users{ledger.Default: {Everything: true, Password: w.Ledger.Users()[ledger.Default].Password}}
	for _, name := range accounts {
		all[name] = &ledger.User{Password: name + "0", Everything: true}
	}
	w.reload(all)
}

// reload gives the workers other users. A faulty loop leaves some of the former ones as they were.
func (w *world) reload(all ledger.Users) {
	was, given := w.Ledger.Users(), ledger.Users{}
	w.Ledger.Reload(all)
	w.Tracef("the users are now\n%s", strings.Join(all.Lines(), "\n"))
	for name, u := range all {
		now := *u
		switch before := was[name]; {
		case before == nil:
		case w.Options.Bug == scenario.KeepPassword && before.Password != "":
			now.Password = before.Password
		case w.Options.Bug == scenario.KeepChannels:
			now.Channels = append(slices.Clip(before.Channels), now.Channels...)
		}
		given[name] = &now
	}
	for name, u := range was {
		if w.Options.Bug == scenario.KeepUser && given[name] == nil {
			given[name] = u
		}
	}
	if w.Options.Bug == scenario.OldUsers {
		return
	}
	for _, g := range w.gates {
		g.know(given)
	}
}

// know gives a worker users, of which a faulty loop has some with all rights as well.
func (g *gate) know(all ledger.Users) {
	g.users = g.w.parse(all)
	if !g.frees() {
		return
	}
	free := ledger.Users{}
	for name, u := range all {
		free[name] = &ledger.User{Password: u.Password, Everything: true}
	}
	g.free = g.w.parse(free)
}

// frees says that the loop is a faulty one.
func (g *gate) frees() bool {
	bug := g.w.Options.Bug
	return bug >= scenario.FreeAfterAuth && bug <= scenario.FreeScripts
}

// read gives the worker what came from a client. A faulty loop gives it command by command, some of them as those of
// users with all rights.
func (g *gate) read(c *peer, b []byte) {
	if !g.frees() {
		g.FromClient(c.conn.ID, b)
		return
	}
	c.sent.Add(b)
	strict := g.users
	for args := c.sent.Front(); args != nil; args = c.sent.Front() {
		g.users = strict
		if c.isFree(g.w.Options.Bug, strings.ToUpper(string(args[0]))) {
			g.users = g.free
		}
		raw := c.sent.Rest()
		c.sent.Pop()
		g.Tick(g.w.Now)
		g.FromClient(c.conn.ID, raw[:len(raw)-len(c.sent.Rest())])
	}
	g.users = strict
	if c.sent.Broken() {
		g.FromClient(c.conn.ID, c.sent.Rest())
		c.sent = play.Requests{}
	}
}

// isFree says that the next command of a client is one that a faulty loop does not check.
func (c *peer) isFree(bug scenario.Bug, name string) bool {
	switch name {
	case "AUTH":
		c.auths++
	case "MULTI":
		c.queues = true
	}
	queues := c.queues
	c.queues = queues && name != "EXEC" && name != "DISCARD"
	switch bug {
	case scenario.FreeAfterAuth:
		return c.auths > 1
	case scenario.FreeInMulti:
		return queues
	case scenario.FreeParts:
		return name == "MGET" || name == "MSET" || name == "DEL"
	}
	return name == "EVAL" || name == "EVALSHA"
}
