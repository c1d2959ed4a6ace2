package watch

import (
	"time"

	"evergate/topology"
	"evergate/topology/decide"
)

// Service is one upstream to watch. Exactly one of Sentinels, Cluster and Primary is set; addresses are host:port.
type Service struct {
	Name       string
	Sentinels  []string
	MasterName string
	Cluster    []string
	Primary    string
	Replicas   []string
	// AddressMap rewrites announced addresses, those of Sentinels too; see topology.MapAddr.
	AddressMap map[string]string
	// ConfirmMajority and FenceMinority are those of decide.Settings.
	ConfirmMajority, FenceMinority bool
	Zones                          Zones // where servers are
	// Reads is where the clients read.
	Reads Reads
	// Hedges: reads that a replica owes for long are sent to another one as well.
	Hedges bool
	// Acks is how many replicas of a shard must confirm each write; nil: none.
	Acks func(of topology.Copies) int
	// Upstream is for servers, Sentinel for Sentinels; both are called at each dial.
	Upstream, Sentinel Credentials
	// UpstreamTLS and SentinelTLS are likewise; nil: connections are plain.
	UpstreamTLS, SentinelTLS TLS
}

// toServers and toSentinels are what connections to them take.
func (s Service) toServers() access   { return access{s.Upstream, s.UpstreamTLS} }
func (s Service) toSentinels() access { return access{s.Sentinel, s.SentinelTLS} }

func (s Service) settings(refresh time.Duration) decide.Settings {
	set := decide.Settings{Mode: decide.Plain, Shard: "main", Primary: s.Primary, Replicas: s.Replicas,
		AddressMap: s.AddressMap, RefreshEvery: refresh, ConfirmMajority: s.ConfirmMajority,
		FenceMinority: s.FenceMinority, Zone: s.Zones.Own, ZoneOf: s.Zones.Of}
	switch {
	case len(s.Sentinels) > 0:
		set.Mode, set.Shard, set.Sentinels = decide.BySentinel, s.MasterName, s.Sentinels
	case len(s.Cluster) > 0:
		set.Mode, set.Seeds = decide.ByCluster, s.Cluster
	}
	return set
}
