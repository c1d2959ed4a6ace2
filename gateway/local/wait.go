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

// NobodyHas answers WAIT or WAITAOF that no server has the writes, or none has them yet.
func NobodyHas(command *routing.Command) []byte {
	if command.ID == routing.CmdWaitAOF {
		return noneOfBoth
	}
	return resp.AppendInt(nil, 0)
}

// waitInMulti answers WAIT or WAITAOF in a transaction, where a server does not wait either and speaks of its
// connection's writes so far. Those of the client came on connections of many, so no server is said to have them.
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

// wrongCount is the error for WAIT's number of replicas, which may be negative.
func wrongCount(replicas []byte) []byte {
	if _, ok := resp.Integer(replicas); !ok {
		return resp.NotInteger
	}
	return nil
}

// wrongCounts is the error for WAITAOF's numbers: of the server itself, and of replicas.
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
