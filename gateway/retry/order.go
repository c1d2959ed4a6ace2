package retry

import (
	"evergate/gateway/resp"
	"evergate/routing"
)

// SharesKey reports whether two requests, given as their frames, have a key in common, or may have.
func SharesKey(a, b []byte) bool {
	argsA, argsB := resp.Args(a, nil), resp.Args(b, nil)
	commandA, commandB := routing.Lookup(argsA), routing.Lookup(argsB)
	if commandA == nil || commandB == nil {
		return true
	}
	keysA, okA := commandA.Keys(argsA, nil)
	keysB, okB := commandB.Keys(argsB, nil)
	if !okA || !okB || len(keysA) == 0 || len(keysB) == 0 {
		return true
	}
	named := map[string]bool{}
	for _, i := range keysA {
		named[string(argsA[i])] = true
	}
	for _, i := range keysB {
		if named[string(argsB[i])] {
			return true
		}
	}
	return false
}
