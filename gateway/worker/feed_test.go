package worker

import (
	"strings"

	"evergate/gateway/backend"
	"evergate/gateway/resp"
)

// pushed makes a push of RESP3.
func pushed(words ...string) []byte {
	b := resp.AppendArray(nil, len(words))
	b[0] = '>'
	for _, word := range words {
		b = resp.AppendBulkString(b, string(expand(word)))
	}
	return b
}

// acknowledge answers all that a feed was sent, as a server does.
func acknowledge(w *Worker, id backend.LaneID) {
	for l := w.lanes[id]; l != nil && l.State == backend.Open && l.Awaits(); {
		w.LaneRead(id, acknowledgement(w.awaited(l)))
	}
}

// acknowledgement is what a server says to a command on a feed.
func acknowledgement(words [][]byte) []byte {
	if len(words) == 1 {
		return resp.Pong
	}
	b := resp.AppendBulk(resp.AppendBulkString([]byte(">3\r\n"), strings.ToLower(string(words[0]))), words[1])
	return resp.AppendInt(b, 1)
}
