package decide

import (
	"time"

	"evergate/topology"
)

// Effect is one action for the keeper: Probe, Refresh or Publish.
type Effect interface{ effect() }

func (Probe) effect() {}

func (Chase) effect() {}

func (Refresh) effect() {}

func (Publish) effect() {}

// Probe asks for the role of the node at a dial address: a RoleSeen or a NodeLost answers it.
type Probe struct {
	Addr string
	Node topology.NodeID
	// Afresh asks over a new connection: the address may lead to another server than it did.
	Afresh bool
}

// Chase asks a node for its role every few milliseconds, For that long: it is about to change. Its answers come as
// those to a Probe.
type Chase struct {
	Addr string
	Node topology.NodeID
	For  time.Duration
}

// Refresh asks the sources of the topology again. Ask names them: Sentinels as they were named in an observation, or
// dial addresses of cluster nodes. In a plain list it is empty and means: resolve the names again.
type Refresh struct{ Ask []string }

// Publish stores a new View.
type Publish struct{ View *topology.View }
