package main

import (
	"errors"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway"
)

// startGateway is the startFunc of the product.
func startGateway(config gateway.Config, logger hclog.Logger) (*running, error) {
	limitMemory(logger)
	fillClientMemory(&config)
	gw, err := gateway.New(config, logger)
	if err != nil {
		return nil, err
	}
	if err := gw.Start(); err != nil {
		return nil, errors.Join(err, gw.Close())
	}
	return &running{addrs: gw.Addrs, drain: gw.Drain, close: gw.Close}, nil
}
