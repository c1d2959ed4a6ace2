package catalog

import (
	"evergate/routing"
	"evergate/topology"
)

// SHA is the name of a script: its SHA1 in lower case hexadecimal.
type SHA [40]byte

// loadedMax bounds the scripts that are known to be in one server; beyond it all are forgotten, and loaded again before
// their next use.
const loadedMax = 4096

// loaded are the scripts that were loaded into one run of a server.
type loaded struct {
	runID string
	// known has for each the connection on which it is being loaded, or everywhere if the server has confirmed it.
	known map[SHA]int32
	// latest is one that is known everywhere, in the spelling of its last use: most clients run few scripts often.
	latest SHA
}

// everywhere means all connections to a server.
const everywhere = -1

// RunsByName reports whether a command runs a script by its SHA1.
func RunsByName(c *routing.Command) bool { return c != nil && c.Has(routing.BySHA) }

// Script returns the SHA1 that a request names, as the client wrote it; ok is false if it names none.
func Script(c *routing.Command, args [][]byte) (named []byte, ok bool) {
	if !RunsByName(c) || len(args) < 2 || len(args[1]) != len(SHA{}) {
		return nil, false
	}
	return args[1], true
}

// Name returns a copy of the name of a script, which has the length of a SHA, in lower case.
func Name(named []byte) (name SHA) {
	for i, b := range named[:len(name)] {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		name[i] = b
	}
	return name
}

// Has reports whether a script is loaded into this run of a server, or is being loaded on this connection ahead of the
// next request.
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

// Loaded records that a server has confirmed a load. A script that was forgotten meanwhile stays forgotten.
func (c *Catalog) Loaded(node topology.NodeID, runID string, name SHA) {
	if in := c.loaded[node]; in != nil && in.runID == runID {
		if _, known := in.known[name]; known {
			in.known[name] = everywhere
		}
	}
}

// Unload forgets the scripts of a node: a connection was lost, perhaps before its scripts were loaded.
func (c *Catalog) Unload(node topology.NodeID) { delete(c.loaded, node) }

// UnloadAll forgets the scripts of all nodes, after SCRIPT FLUSH.
func (c *Catalog) UnloadAll() { clear(c.loaded) }
