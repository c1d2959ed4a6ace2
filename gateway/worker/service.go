package worker

import (
	"time"

	"evergate/gateway/catalog"
	"evergate/gateway/fanout"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/topology"
)

// service is what a worker keeps of one service.
type service struct {
	Service
	*upstream.Servers
	catalog *catalog.Catalog
	holds   []wait.Buffer
	full    wait.List // sessions that wait for a full lane
	// withholding are the sessions with withheld replies.
	withholding []session.Ref
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
	// none is the rare of all clients that own none: nothing but zero is written to it.
	none        rare
	longScripts int // 1 where all workers were told that a script is under way here, see tellScript
}
