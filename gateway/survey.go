package gateway

import (
	"context"

	"evergate/gateway/acks"
	"evergate/gateway/config"
	"evergate/topology/watch"
)

// Findings is the result of Survey.
type Findings = watch.Findings

// The grades of a problem.
const (
	Broken  = watch.Broken
	Fragile = watch.Fragile
	Warning = watch.Warning
	Hint    = watch.Hint
)

// Survey watches the service with this index as a Gateway would, for some seconds and without changing anything, and
// returns what it found. The error is that of a file of TLS, or that of ctx if that ended first.
func Survey(ctx context.Context, c config.Gateway, service int) (*Findings, error) {
	options := watch.Options{DialTimeout: c.DialTimeout, RefreshInterval: c.RefreshInterval}
	c.Services = []config.Service{c.Services[service].WithoutTLSListeners()}
	m, err := newMaterial(c.Services, nil)
	if err != nil {
		return nil, err
	}
	return watch.Survey(ctx, options, watched(&c.Services[0], m.of[0]))
}

// watched converts a service for the topology's watch.
func watched(s *config.Service, tls *tlsOf) watch.Service {
	of := watch.Service{
		Name: s.Name, Sentinels: s.Sentinels, MasterName: s.MasterName, Cluster: s.Cluster, Primary: s.Primary,
		Replicas: s.Replicas, AddressMap: s.AddressMap, ConfirmMajority: s.Confirm == config.ConfirmMajority,
		FenceMinority: s.FenceMinority, Zones: watch.NewZones(s.Zone, s.ZoneMap), Hedges: !s.Hedge.Off(),
		Upstream: s.Upstream.Read, Sentinel: s.Sentinel.Read,
	}
	of.Reads = watch.Reads{Replicas: s.UsedReads() != config.ReadPrimary || s.HasFacade(config.FacadeReplica),
		Auto: s.DependsOnEviction(), OwnWrites: s.UsesConsistency(config.ConsistencyGateway)}
	if s.Acks.Level != acks.None {
		of.Acks = s.Acks.Level.Need
	}
	if t := tls.upstream; t != nil {
		of.UpstreamTLS = t
	}
	if t := tls.sentinels; t != nil {
		of.SentinelTLS = t
	}
	return of
}
