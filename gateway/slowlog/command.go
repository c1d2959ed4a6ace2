package slowlog

import (
	"strconv"

	"evergate/gateway/resp"
)

// countDefault is how many entries SLOWLOG GET shows without a number.
const countDefault = 10

var badCount = resp.AppendError(nil, "ERR count should be greater than or equal to -1")

// Query is what SLOWLOG GET asks for.
type Query struct {
	// Count is how many entries, -1 for all. Parts: also what the time of each was spent on.
	Count int
	Parts bool
}

// Parse parses SLOWLOG GET [count] [PARTS]; wrong is the error reply to invalid arguments.
func Parse(args [][]byte) (q Query, wrong []byte) {
	q.Count = countDefault
	if n := len(args); n > 2 && resp.IsWord(args[n-1], "parts") {
		q.Parts, args = true, args[:n-1]
	}
	switch len(args) {
	case 2:
	case 3:
		n, ok := resp.Integer(args[2])
		if !ok || n < -1 {
			return q, badCount
		}
		q.Count = int(n)
	default:
		return q, resp.AppendError(nil, "ERR unknown subcommand or wrong number of arguments for '"+
			string(resp.Cut(args[1], 128))+"'. Try SLOWLOG HELP.")
	}
	return q, nil
}

// AppendReply appends the reply to SLOWLOG GET: Redis's six fields of each entry, and a map behind them if the parts of
// the time were asked for.
func AppendReply(b []byte, proto int, entries []Entry, parts bool) []byte {
	b = resp.AppendArray(b, len(entries))
	for i := range entries {
		e, fields := &entries[i], 6
		if parts {
			fields++
		}
		b = resp.AppendArray(b, fields)
		b = resp.AppendInt(b, e.ID)
		b = resp.AppendInt(b, e.At.Unix())
		b = resp.AppendInt(b, e.Took.Microseconds())
		b = resp.AppendArray(b, len(e.Args))
		for _, arg := range e.Args {
			b = resp.AppendBulkString(b, arg)
		}
		b = resp.AppendBulkString(resp.AppendBulkString(b, e.Client), e.Name)
		if parts {
			b = e.appendParts(b, proto)
		}
	}
	return b
}

func (e *Entry) appendParts(b []byte, proto int) []byte {
	b = resp.AppendMap(b, proto, 6)
	b = resp.AppendInt(resp.AppendBulkString(b, "gateway-us"), e.Gateway().Microseconds())
	b = resp.AppendInt(resp.AppendBulkString(b, "server-us"), e.Server.Microseconds())
	b = resp.AppendInt(resp.AppendBulkString(b, "hold-us"), e.Hold.Microseconds())
	b = resp.AppendInt(resp.AppendBulkString(b, "acks-us"), e.Acks.Microseconds())
	b = resp.AppendBulkString(resp.AppendBulkString(b, "server"), e.Node)
	return resp.AppendBulkString(resp.AppendBulkString(b, "user"), e.User)
}

// Help is the reply to SLOWLOG HELP.
var Help = resp.AppendLines(nil,
	"SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are, about the requests through this gateway:",
	"GET [<count>] [PARTS]",
	"    Return top <count> entries from the slowlog (default: "+strconv.Itoa(countDefault)+", -1 mean all).",
	"    Entries are made of:",
	"    id, timestamp, time in microseconds, arguments array, client IP and port,",
	"    client name; PARTS adds how much of the time was the gateway's, the server's, a hold's and the replicas'",
	"LEN", "    Return the length of the slowlog.", "RESET", "    Reset the slowlog.", "HELP", "    Print this help.",
)
