package catalog

import (
	"bytes"
	"strings"
	"time"

	"evergate/gateway/resp"
)

// databasesMax bounds what is remembered of databases; past it everything is forgotten and asked anew.
const databasesMax = 1024

// database is what a server answered about a database: an error, or nil when there is one.
type database struct {
	err []byte
	at  time.Duration
}

// Database is Known where there is a database n, Unknown with the servers' error where there is none.
func (c *Catalog) Database(n int32, now time.Duration) (err []byte, s State) {
	known := c.databases[n]
	switch {
	case known == nil, len(known.err) > 0 && now-known.at >= unknownFor:
		return nil, Ask
	case len(known.err) > 0:
		return known.err, Unknown
	}
	return nil, Known
}

// takeDatabase takes the reply to the transaction that selects a database.
func (c *Catalog) takeDatabase(n int32, reply []byte, now time.Duration) {
	d := &database{at: now}
	switch {
	case unable(reply):
		return
	case reply[0] == '-': // the gateway's user may not select it
		d.err = bytes.Clone(reply)
	default:
		if elements, ok := resp.Elements(reply); ok && len(elements) > 0 && elements[0][0] == '-' {
			d.err = bytes.Clone(elements[0])
		}
	}
	if len(c.databases) >= databasesMax {
		clear(c.databases)
	}
	c.databases[n] = d
}

// FunctionWrites reports whether a function may change data; it is Known, or a server must be asked.
func (c *Catalog) FunctionWrites(name []byte) (writes bool, s State) {
	if c.functions == nil {
		return true, Ask
	}
	return !c.functions[strings.ToLower(string(name))], Known
}

// ForgetFunctions has the functions asked for anew: they may have changed.
func (c *Catalog) ForgetFunctions() { c.functions = nil }
