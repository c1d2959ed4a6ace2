package summary

import (
	"cmp"
	"slices"
	"time"

	"evergate/gateway/api"
)

// rowsMax is how many rows a table of clients has.
const rowsMax = 20

// Group counts clients that are alike.
type Group struct {
	// User is their name for the ACL. Library is what CLIENT SETINFO set, with the version behind a blank; empty for none.
	User, Library string
	// Waits is why their next request waits, a name as in INFO's sessions_blocked; empty if it does not.
	Waits string
	// Clients is how many they are. Subscribed of them wait for messages, InMulti are in a transaction.
	Clients, Subscribed, InMulti int
	// Longest is the longest time for which a request of one has waited for a server.
	Longest time.Duration
}

// Add adds the clients of another group.
func (g *Group) Add(o Group) {
	g.Clients, g.Subscribed, g.InMulti = g.Clients+o.Clients, g.Subscribed+o.Subscribed, g.InMulti+o.InMulti
	g.Longest = max(g.Longest, o.Longest)
}

// row counts the clients that have something in common.
type row struct {
	name    string
	clients int
	longest time.Duration
}

// Clients returns how many clients there are, by user and library, and what their requests wait for.
func Clients(groups []Group) []string {
	var all Group
	waiting := 0
	for i := range groups {
		all.Add(groups[i])
		if groups[i].Waits != "" {
			waiting += groups[i].Clients
		}
	}
	var t text
	t.addf("clients: %d (%d subscribed, %d in MULTI, %d waiting)", all.Clients, all.Subscribed, all.InMulti, waiting)
	t.table("by user:", groups, func(g *Group) (string, time.Duration) {
		return g.User, 0
	})
	t.table("by library:", groups, func(g *Group) (string, time.Duration) { return cmp.Or(g.Library, "(none)"), 0 })
	t.table("waiting for:", groups, func(g *Group) (string, time.Duration) { return g.Waits, g.Longest })
	return t
}

// table adds the clients by what of returns, most of them first: a name, and a time of which the longest is shown.
// Those with an empty name are left out.
func (t *text) table(title string, groups []Group, of func(g *Group) (string, time.Duration)) {
	var rows []row
	known := map[string]int{}
	for i := range groups {
		name, longest := of(&groups[i])
		if name == "" {
			continue
		}
		at, ok := known[name]
		if !ok {
			at, known[name] = len(rows), len(rows)
			rows = append(rows, row{name: name})
		}
		rows[at].clients += groups[i].Clients
		rows[at].longest = max(rows[at].longest, longest)
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(b.clients-a.clients, cmp.Compare(a.name, b.name)) })
	if len(rows) > 0 {
		t.addf("%s", title)
	}
	others := 0
	for i, r := range rows {
		switch {
		case i >= rowsMax:
			others += r.clients
		case r.longest > 0:
			t.addf("  %6d  %s, up to %.0f ms", r.clients, r.name, api.Ms(r.longest))
		default:
			t.addf("  %6d  %s", r.clients, r.name)
		}
	}
	if others > 0 {
		t.addf("  %6d  others", others)
	}
}
