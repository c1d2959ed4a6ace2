package catalog

import (
	"bytes"
	"strings"
	"time"

	"evergate/gateway/resp"
)

// databasesMax bounds the number of databases; beyond it all are forgotten and asked again.
const databasesMax = 1024

// database is a server's answer about a database: an error, or nil if it exists.
type database struct {
	err []byte
	at  time.Duration
}

// Database returns Known if database n exists, Unknown with the servers' error if it does not.
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

// takeDatabase records the reply to the transaction that selects a database.
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

// ForgetFunctions makes the next use ask for the functions again: they may have changed.
func (c *Catalog) ForgetFunctions() { c.functions = nil }
