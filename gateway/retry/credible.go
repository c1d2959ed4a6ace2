package retry

import (
	"bytes"
	"slices"
	"time"

	"evergate/routing"
	"evergate/topology"
)

// Rejected is a request with an error reply, and the connection of that.
type Rejected struct {
	Args    [][]byte
	Sharded bool // the service is a cluster
	Write   bool
	Slot    int           // by which it was routed, or -1
	Age     time.Duration // of the connection
}

// loadingFor is how long after a connection opened a script's LOADING is the server's own: it restarted.
const loadingFor = time.Minute

// Credible reports whether an error of this kind is the server's own. Outside a cluster nothing is moved. A script may
// return any error after it has changed data; then the text must be a server's, and fit the request.
func (r *Rejected) Credible(reply []byte, kind Kind) bool {
	if !r.Sharded && (kind == Moved || kind == Ask || kind == TryAgain || bytes.HasPrefix(reply, []byte("-CLUSTERDOWN"))) {
		return false
	}
	command := routing.Lookup(r.Args)
	if command != nil && !command.Has(routing.RunsScript) {
		return true
	}
	switch {
	case Classify(reply, true) == Answered:
		return false
	case kind == NoPassword:
		return false // if it is true, the next ordinary command gets it as well
	case kind == Moved || kind == Ask:
		named, _, ok := topology.Redirection(string(reply[1:]))
		return ok && r.mayBeIn(named, command)
	case bytes.HasPrefix(reply, []byte("-LOADING")):
		return !r.Write || r.Age < loadingFor
	}
	return true
}

// mayBeIn reports whether a slot that a server names may be that of the request: the slot by which it was routed or,
// for a learnt command that seemed to have no keys, that of any argument. A script has the keys that it declares.
func (r *Rejected) mayBeIn(named int, command *routing.Command) bool {
	if r.Slot >= 0 || command != nil {
		return named == r.Slot
	}
	return slices.ContainsFunc(r.Args[1:], func(arg []byte) bool { return named == routing.Slot(arg) })
}
