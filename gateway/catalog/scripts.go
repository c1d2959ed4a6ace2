package catalog

import (
	"evergate/routing"
	"evergate/topology"
)

// SHA is the name of a script: its SHA1 in lower case hexadecimal.
type SHA [40]byte

// loadedMax bounds the scripts that are known to be in one server; past it all are loaded anew when they are named.
const loadedMax = 4096

// loaded are the scripts that were loaded into one run of a server.
type loaded struct {
	runID string
	// known has for each the connection on which it is being loaded, or everywhere when the server has said that it is.
	known map[SHA]int32
	// latest is one that is known everywhere, as it was named last: most clients run few scripts often.
	latest SHA
}

// everywhere stands for all connections to a server.
const everywhere = -1

// RunsByName reports whether a command runs a script by its SHA1.
func RunsByName(c *routing.Command) bool { return c != nil && c.Has(routing.BySHA) }

// Script is the SHA1 that a request names, as the client wrote it; ok is false where it names none.
func Script(c *routing.Command, args [][]byte) (named []byte, ok bool) {
	if !RunsByName(c) || len(args) < 2 || len(args[1]) != len(SHA{}) {
		return nil, false
	}
	return args[1], true
}

// Name copies the name of a script in lower case. It has the length of a SHA.
func Name(named []byte) (name SHA) {
	for i, b := range named[:len(name)] {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		name[i] = b
	}
	return name
}

// Has reports whether a script is loaded into this run of a server, or is being loaded ahead of what this connection is
// sent next.
func (c *Catalog) Has(node topology.NodeID, runID string, conn int32, named []byte) bool {
	in := c.loaded[node]
	if in == nil || in.runID != runID {
		return false
	}
	if string(in.latest[:]) == string(named) {
		return true
	}
	on, known := in.known[Name(named)]
	if known && on == everywhere {
		in.latest = SHA(named)
	}
	return known && (on == everywhere || on == conn)
}

// Load records that a script is being loaded into this run of a server on a connection.
func (c *Catalog) Load(node topology.NodeID, runID string, conn int32, name SHA) {
	in := c.loaded[node]
	if in == nil || in.runID != runID || len(in.known) >= loadedMax {
		in = &loaded{runID: runID, known: map[SHA]int32{}}
		c.loaded[node] = in
	}
	in.known[name] = conn
}

// Loaded records that a server has answered a load with the script's name. One that was forgotten meanwhile stays so.
func (c *Catalog) Loaded(node topology.NodeID, runID string, name SHA) {
	if in := c.loaded[node]; in != nil && in.runID == runID {
		if _, known := in.known[name]; known {
			in.known[name] = everywhere
		}
	}
}

// Unload forgets the scripts of a node: a connection was lost, and what was to be loaded on it may not have been.
func (c *Catalog) Unload(node topology.NodeID) { delete(c.loaded, node) }

// UnloadAll forgets the scripts of all nodes: the servers were told to.
func (c *Catalog) UnloadAll() { clear(c.loaded) }
