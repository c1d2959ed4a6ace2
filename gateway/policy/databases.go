package policy

import (
	"slices"
	"strconv"

	"evergate/gateway/access"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/routing"
)

// everyDatabase is the object of a denial where a request concerns every database.
var everyDatabase = []byte("all")

// inDatabases denies a request that concerns a database which its user may not use. args fit the command.
func inDatabases(c *sessions.Session, command *routing.Command, args [][]byte) access.Denial {
	allowed := c.Terms().Databases
	if allowed == nil {
		return access.Denial{}
	}
	concerns := command.Databases(args)
	if concerns.All {
		return access.Denial{Reason: access.Database, Object: everyDatabase}
	}
	if concerns.Own && !slices.Contains(allowed, c.DB) {
		return access.Denial{Reason: access.Database, Object: strconv.AppendInt(nil, int64(c.DB), 10)}
	}
	for _, name := range concerns.Named {
		// Servers reject what is no number of a database.
		if n, ok := resp.Integer(name); ok && int64(int32(n)) == n && n >= 0 && !slices.Contains(allowed, int32(n)) {
			return access.Denial{Reason: access.Database, Object: name}
		}
	}
	return access.Denial{}
}
