package worker

import (
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/catalog"
	"evergate/gateway/fanout"
	"evergate/gateway/session"
	"evergate/gateway/wait"
	"evergate/topology"
)

// service is what a worker keeps of one service.
type service struct {
	Service
	index   int
	view    *topology.View
	catalog *catalog.Catalog
	routes  []routes // those of RESP2 and database 0 first; the others since somebody chose them
	holds   []wait.Buffer
	full    wait.List // sessions that wait for a full lane
	// withholding are the sessions with withheld replies; settled is the epoch of the last view left behind.
	withholding []session.Ref
	settled     uint64
	// kill are connections to end at a node before a new one is used.
	kill backend.KillList
	// promoted is since when a node is a primary, where it was none before.
	promoted map[topology.NodeID]time.Duration
	// hub is who listens to what. home is the node at which topics are subscribed that any node would do for; feedFailed
	// is when feeds to nodes failed last; feedAt when what was refused is asked for again, 0 for not.
	hub        fanout.Hub
	home       topology.NodeID
	feedFailed map[topology.NodeID]time.Duration
	feedAt     time.Duration
	// gapSince is when topics were interrupted that are not all subscribed again; 0 when they are.
	gapSince time.Duration
	gap      Gap
	// pausedUntil is the end of a pause of its clients; pausesAll: not only of those that write.
	pausedUntil time.Duration
	pausesAll   bool
	longScripts int // 1 where all workers were told that a script is under way here, see tellScript
	// silent is how long a lane may be silent, by purpose.
	silent [backend.Purposes]time.Duration
	// none is the rare of all clients that own none: nothing but zero is written to it.
	none rare
}
