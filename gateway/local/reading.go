package local

import (
	"strings"

	"evergate/gateway/facade"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/routing"
)

var noMaxLag = resp.AppendError(nil,
	"ERR evergate: PROXY CONSISTENCY bounded needs the setting max-lag, which is not set here")

// reading executes PROXY READS and PROXY CONSISTENCY: a client asks how its reads are served, or chooses that.
func reading(id routing.ID, args [][]byte, f *Facts) (reply []byte, do Effect) {
	now := f.Chosen.Over(f.Reading)
	if len(args) == 2 {
		word := now.From.String()
		if id == routing.CmdProxyConsistency {
			word = now.Consistency.String()
		}
		return resp.AppendBulkString(nil, word), do
	}
	word := strings.ToLower(string(args[2]))
	chosen, known := f.Chosen, false
	if id == routing.CmdProxyReads {
		chosen.From, known = session.ChooseReads(word)
	} else {
		chosen.Consistency, known = session.ChooseConsistency(word)
	}
	then := chosen.Over(f.Reading)
	switch {
	case !known || len(args) > 3:
		return resp.SyntaxError, do
	case !then.Possible():
		return resp.AppendError(nil, "ERR evergate: consistency "+then.Consistency.String()+" is not possible with reads "+
			"replica: a read that no replica may serve could not go to the primary"), do
	case then.Consistency == session.Bounded && then.Lag == (session.Lag{}):
		return noMaxLag, do
	}
	return resp.OK, Effect{Do: SetReading, Chosen: chosen}
}

// readsOnReplicas executes READONLY and READWRITE of a client that takes its listener for a node of a cluster. READONLY
// lets replicas serve its reads.
func readsOnReplicas(id routing.ID, f *Facts) (reply []byte, do Effect) {
	if f.View != nil && !f.View.Sharded && !f.Role.Is(facade.Cluster) {
		return noCluster, do
	}
	chosen := f.Chosen
	chosen.From = 0
	switch {
	case id == routing.CmdReadWrite:
		chosen.From, _ = session.ChooseReads(session.FromPrimary.String())
	case f.Reading.From == session.FromPrimary:
		chosen.From, _ = session.ChooseReads(session.PreferReplica.String())
	}
	if id == routing.CmdAsking || chosen == f.Chosen {
		return resp.OK, do
	}
	return resp.OK, Effect{Do: SetReading, Chosen: chosen}
}
