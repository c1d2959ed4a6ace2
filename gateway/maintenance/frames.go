// Package maintenance notifies the clients that asked for it (CLIENT MAINT_NOTIFICATIONS): FAILING_OVER when requests
// of their service are held, so that their libraries lengthen their timeouts, FAILED_OVER at the end of that, and
// MOVING when the gateway drains, so that they move to another one before their connections end. Clients that did not
// ask are sent nothing, and clients that speak RESP2 cannot ask.
//
// Begin with Notices, which is one worker's part: it finds out whether the service is held (hold.go), and goes
// over its sessions (notify.go). Services makes one notice out of the holds of all workers.
package maintenance

import (
	"strings"
	"time"

	"evergate/gateway/resp"
)

// Kind is that of a notice.
type Kind uint8

const (
	// FailingOver: requests of the service are held.
	FailingOver Kind = iota
	// FailedOver: they are not any more.
	FailedOver
	// Moving: the gateway is about to end.
	Moving
)

// Notice is what the clients of one service are notified of.
type Notice struct {
	Kind Kind
	// Seq rises from notice to notice. Libraries ignore a number that they have seen. SlotsSeq is, for Moving, that of the
	// SMIGRATED before it.
	Seq, SlotsSeq int64
	// In is, for Moving, how long clients have to move.
	In time.Duration
	// Host and Port are, for Moving, where to. IPv6 stands in brackets. No Host: the address that the client was given; no
	// Port: the one that it has connected to.
	Host, Port string
	// Early is, for Moving, a notice in a drain that goes on accepting clients: it is for those that are here and get an
	// address, since another way may still lead to this gateway. One for all follows.
	Early bool
}

// push begins a push message with so many elements and appends the first two.
func push(elements int, name string, seq int64) []byte {
	b := resp.AppendArray(make([]byte, 0, 96), elements)
	b[0] = '>'
	return resp.AppendInt(resp.AppendBulkString(b, name), seq)
}

// failingOver returns a FAILING_OVER: requests may wait for as long as left.
func failingOver(seq int64, left time.Duration) []byte {
	return resp.AppendInt(push(3, "FAILING_OVER", seq), seconds(left))
}

func failedOver(seq int64) []byte { return push(2, "FAILED_OVER", seq) }

// moving returns a MOVING; endpoint is empty for none.
func moving(seq int64, in time.Duration, endpoint string) []byte {
	b := resp.AppendInt(push(4, "MOVING", seq), seconds(in))
	if endpoint == "" {
		return append(b, resp.Null3...)
	}
	return resp.AppendBulkString(b, endpoint)
}

// seconds rounds up: libraries count in whole seconds, and none of them may be over too soon.
func seconds(d time.Duration) int64 { return max(1, int64((d+time.Second-1)/time.Second)) }

// address returns where a client is to move to; local is the address of the gateway that it has connected to. It is
// empty without a Host, and without a Port for a unix socket, which has none.
func (n *Notice) address(local string) string {
	switch at := strings.LastIndexByte(local, ':'); {
	case n.Host == "":
		return ""
	case n.Port != "":
		return n.Host + ":" + n.Port
	case at >= 0 && local[at:] != ":0":
		return n.Host + local[at:]
	}
	return ""
}
