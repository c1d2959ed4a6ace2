package exchange

import (
	"bytes"

	"evergate/gateway/resp"
	"evergate/gateway/upstream"
)

// watchedIn reports whether the keys that a session watches are in this shard.
func (c *Session) watchedIn(shard int) bool {
	return c.Watch.Slot < 0 || c.ShardOfSlot(c.Watch.Slot) == shard
}

// watchLost answers a WATCH, or a transaction that depends on one, which was certainly not executed and cannot be
// retried on another connection.
func (x *Exchange) watchLost(c *Session, t *upstream.Pending, frame []byte) {
	if c.Watch != nil {
		c.Watch.Broken = true
	}
	reply := resp.OK
	if bytes.HasPrefix(frame, resp.Multi) {
		reply = resp.NullArrayIn(c.Proto)
	}
	x.Settle(c, t, reply)
}
