package gateway

import (
	"context"

	"evergate/topology/watch"
)

// Findings is the result of a Survey.
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
func (c Config) Survey(ctx context.Context, service int) (*Findings, error) {
	options := watch.Options{DialTimeout: c.DialTimeout, RefreshInterval: c.RefreshInterval}
	c.Services = []Service{c.Services[service].withoutTLSListeners()}
	m, err := newMaterial(c.Services)
	if err != nil {
		return nil, err
	}
	return watch.Survey(ctx, options, c.watched(0, m))
}

// watched converts a service for the topology's watch.
func (c *Config) watched(service int, m *material) watch.Service {
	s := &c.Services[service]
	watched := watch.Service{
		Name: s.Name, Sentinels: s.Sentinels, MasterName: s.MasterName, Cluster: s.Cluster, Primary: s.Primary,
		Replicas: s.Replicas, AddressMap: s.AddressMap, ConfirmMajority: s.Confirm == ConfirmMajority,
		Upstream: s.Upstream.read, Sentinel: s.Sentinel.read,
	}
	if t := m.upstream[service]; t != nil {
		watched.UpstreamTLS = t
	}
	if t := m.sentinels[service]; t != nil {
		watched.SentinelTLS = t
	}
	return watched
}
