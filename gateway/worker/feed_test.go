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
		args := resp.Args(l.Queue.Frame(l.Queue.AnsweredTo(), l.Inflight.Front().End), nil)
		if len(args) == 1 {
			w.LaneRead(id, resp.Pong)
			continue
		}
		b := resp.AppendBulk(resp.AppendBulkString([]byte(">3\r\n"), strings.ToLower(string(args[0]))), args[1])
		w.LaneRead(id, resp.AppendInt(b, 1))
	}
}
