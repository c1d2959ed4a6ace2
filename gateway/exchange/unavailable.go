package exchange

import (
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
)

// A request for which there is no connection now waits, or fails with the reason. An obstacle says which. Why a shard
// cannot take it, and since when, is the text of sinceWhen (buffer.go); the frame around it is made here.

// Unavailable blocks the session, or answers the request with an error where waiting is no use. It returns true when
// the request was answered. Its result is that of the step: true, the request is done.
func (x *Exchange) Unavailable(c *sessions.Session, shard int, why upstream.Obstacle) bool {
	refused := x.Await(c, shard, why)
	if refused == "" {
		return false
	}
	x.Answer(c, c.Service.NotTaken(shard, why, refused))
	return true
}

// Await blocks the session, or returns the reason why that is no use.
func (x *Exchange) Await(c *sessions.Session, shard int, why upstream.Obstacle) (refused string) {
	switch why {
	case upstream.InFlight:
		x.Block(c, wait.InFlight)
	case upstream.Full:
		x.Block(c, wait.ConnectionFull)
	case upstream.NoView:
		return "the topology is not known yet"
	case upstream.SoonDedicated, upstream.NoDedicated:
		return x.blockDedicated(c, shard, why)
	case upstream.LacksReplicas:
		return x.awaitReplicas(c, shard)
	case upstream.NoServer, upstream.NotAdmitted:
		return "no replica is available for reads"
	default:
		return x.BlockIn(c, shard, why)
	}
	return ""
}
