package local

import (
	"evergate/gateway/resp"
	"evergate/routing"
)

var (
	noneOfBoth = resp.AppendInt(resp.AppendInt(resp.AppendArray(nil, 2), 0), 0)
	notOneBit  = []byte("-ERR value is out of range, value must between 0 and 1\r\n")
	negative   = []byte("-ERR value is out of range, must be positive\r\n")
)

// NobodyHas returns a reply to WAIT or WAITAOF that counts no server.
func NobodyHas(command *routing.Command) []byte {
	if command.ID == routing.CmdWaitAOF {
		return noneOfBoth
	}
	return resp.AppendInt(nil, 0)
}

// waitInMulti returns the reply to WAIT or WAITAOF in a transaction, where a server does not wait either, and counts by
// the writes of its connection so far. The client's writes went through shared connections, so the reply counts no
// server.
func waitInMulti(command *routing.Command, args [][]byte, f *Facts) []byte {
	wrong := wrongCount(args[1])
	if command.ID == routing.CmdWaitAOF {
		wrong = wrongCounts(args[1], args[2])
	}
	if wrong == nil {
		_, wrong = resp.Timeout(args[len(args)-1], f.WallClock().UnixMilli())
	}
	if wrong != nil {
		return wrong
	}
	return NobodyHas(command)
}

// wrongCount returns the error for WAIT's number of replicas, which may be negative.
func wrongCount(replicas []byte) []byte {
	if _, ok := resp.Integer(replicas); !ok {
		return resp.NotInteger
	}
	return nil
}

// wrongCounts returns the error for WAITAOF's numbers: of the server itself, and of replicas.
func wrongCounts(own, replicas []byte) []byte {
	switch n, ok := resp.Integer(own); {
	case !ok:
		return resp.NotInteger
	case n < 0 || n > 1:
		return notOneBit
	}
	if n, ok := resp.Integer(replicas); !ok || n < 0 {
		return negative
	}
	return nil
}
