package worker

import (
	"evergate/gateway/resp"
	"evergate/routing"
)

// WAIT and WAITAOF ask how far the writes of a client have come. A server answers for those of one connection, and a
// client's writes travelled on connections that others share. So it is asked on a private lane, when all that the
// client sent has been answered, and a PING goes before it: with it that connection is as far as the server is at that
// moment (Redis keeps an offset for each connection and sets it with every command).
//
// Where another server has become primary since the client's last write, or the same one has started anew, nobody knows
// whether that write is anywhere: then the answer is that nobody has it.

// origin is a run of a server.
type origin struct {
	runID string
	node  int32
	known bool
}

// gone says that a shard has another primary than the one that wrote.
func (o origin) gone(c *client, shard int) bool {
	if !o.known || c.svc.view == nil {
		return false
	}
	p := c.primaryOf(shard)
	return p != nil && (int32(p.ID) != o.node || p.RunID != "" && o.runID != "" && p.RunID != o.runID)
}

// nobody is the answer that no server has the writes, or none has them yet.
func nobody(command *routing.Command) []byte {
	if command.Name == "waitaof" {
		return noneOfBoth
	}
	return resp.AppendInt(nil, 0)
}

var noneOfBoth = []byte("*2\r\n:0\r\n:0\r\n")

// inTimeNothing is the answer to a blocking command whose time is over.
func inTimeNothing(command *routing.Command, proto uint8) []byte {
	if command.Waits() {
		return nobody(command)
	}
	return null(proto)
}
