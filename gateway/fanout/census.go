package fanout

import (
	"evergate/gateway/glob"
	"evergate/topology"
)

// Census counts the listeners of all hubs of a gateway: a server counts one subscriber for each of their connections,
// while clients ask for the number of subscribed clients. The zero value is ready.
type Census struct {
	topics [kinds]map[string]*tally
	size   int
}

// tally has the number of listeners of one topic, and of connections subscribed to it, by node.
type tally struct {
	listeners int
	conns     map[topology.NodeID]int
}

// Count adds the arguments of Hub.Counted.
func (c *Census) Count(k Kind, name string, node topology.NodeID, listeners, conns int) {
	if c.topics[k] == nil {
		c.topics[k] = map[string]*tally{}
	}
	t := c.topics[k][name]
	if t == nil {
		t = &tally{conns: map[topology.NodeID]int{}}
		c.topics[k][name] = t
		c.size++
	}
	t.listeners += listeners
	if t.conns[node] += conns; t.conns[node] == 0 {
		delete(t.conns, node)
	}
	if t.listeners == 0 && len(t.conns) == 0 {
		delete(c.topics[k], name)
		c.size--
	}
}

// Empty reports whether there is nothing to count.
func (c *Census) Empty() bool { return c.size == 0 }

// Of returns how many listeners one topic has, and how many connections are subscribed to it at a node.
func (c *Census) Of(k Kind, name []byte, node topology.NodeID) (listeners, conns int) {
	t := c.topics[k][string(name)]
	if t == nil {
		return 0, 0
	}
	return t.listeners, t.conns[node]
}

// Receivers returns how many deliveries to listeners, and to connections from a node, a message of a channel leads to:
// for the channel itself and for each pattern that matches it.
func (c *Census) Receivers(channel []byte, node topology.NodeID) (listeners, conns int) {
	listeners, conns = c.Of(Channel, channel, node)
	for pattern, t := range c.topics[Pattern] {
		if glob.Match(pattern, channel) {
			listeners += t.listeners
			conns += t.conns[node]
		}
	}
	return listeners, conns
}

// Patterns returns the number of patterns with listeners, and of those with connections subscribed at a node.
func (c *Census) Patterns(node topology.NodeID) (listened, there int) {
	for _, t := range c.topics[Pattern] {
		if t.listeners > 0 {
			listened++
		}
		if t.conns[node] > 0 {
			there++
		}
	}
	return listened, there
}

// Count asks for the number of listeners, over all workers.
type Count struct {
	// Kind and Name are those of a topic. Patterns: include all patterns that match the channel; without a Name: the
	// number of patterns.
	Kind     Kind
	Name     []byte
	Patterns bool
	// Node is the server whose count of connections is known.
	Node topology.NodeID
}

// Of returns the counts of a census.
func (q Count) Of(c *Census) (listeners, conns int) {
	switch {
	case q.Patterns && q.Kind == Pattern:
		return c.Patterns(q.Node)
	case q.Patterns:
		return c.Receivers(q.Name, q.Node)
	}
	return c.Of(q.Kind, q.Name, q.Node)
}
