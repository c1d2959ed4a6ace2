package main

import (
	"github.com/hashicorp/go-hclog"

	"evergate/gateway"
)

// startGateway makes a gateway and has it listen.
func startGateway(config gateway.Config, logger hclog.Logger) (*running, error) {
	g, err := gateway.New(config, logger)
	if err != nil {
		return nil, err
	}
	if err := g.Start(); err != nil {
		_ = g.Close()
		return nil, err
	}
	return &running{addrs: g.Addrs, drain: g.Drain, close: g.Close}, nil
}
