//go:build linux

package main

import (
	"context"

	"evergate/testenv/servers"
)

// modeTargets starts the gateway twice: in front of one primary with Sentinels, and in front of a Cluster of three.
// There are no replicas: reads go to primaries, and replication would only use the machine's time.
func (s *site) modeTargets(ctx context.Context, workers int) ([]*target, error) {
	sentinel, err := servers.Sentinel(servers.Options{})
	if err != nil {
		return nil, err
	}
	s.envs = append(s.envs, sentinel)
	cluster, err := servers.Cluster(servers.Options{Primaries: 3})
	if err != nil {
		return nil, err
	}
	s.envs = append(s.envs, cluster)
	var all []*target
	for _, mode := range []struct {
		name     string
		upstream []string
	}{
		{"sentinel", []string{"--sentinel", sentinel.SentinelAddrs(), "--master-name", sentinel.Groups[0].Name}},
		{"cluster", []string{"--cluster", cluster.Addrs()}},
	} {
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		t, err := s.gateway(mode.name, addr, workers, mode.upstream...)
		if err != nil {
			return nil, err
		}
		if err := t.answers(ctx, []byte("+OK\r\n"), "SET", key(0), string(value(0))); err != nil {
			return nil, err
		}
		if err := small.fill(addr); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}
