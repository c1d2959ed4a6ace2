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
// returns what it found. The error is that of ctx, if that ended first.
func (c Config) Survey(ctx context.Context, service int) (*Findings, error) {
	options := watch.Options{DialTimeout: c.DialTimeout, RefreshInterval: c.RefreshInterval}
	return watch.Survey(ctx, options, c.Services[service].watched())
}

// watched converts the service for the topology's watch.
func (s *Service) watched() watch.Service {
	return watch.Service{
		Name: s.Name, Sentinels: s.Sentinels, MasterName: s.MasterName, Cluster: s.Cluster, Primary: s.Primary,
		Replicas: s.Replicas, AddressMap: s.AddressMap, ConfirmMajority: s.Confirm == ConfirmMajority,
		Upstream: s.Upstream.read, Sentinel: s.Sentinel.read,
	}
}
