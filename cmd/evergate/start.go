package main

import (
	"errors"
	"os"

	"github.com/hashicorp/go-hclog"

	"evergate/cmd/evergate/settings"
	"evergate/cmd/evergate/systemd"
	"evergate/gateway"
	"evergate/gateway/config"
)

// startGateway is the startFunc of the product.
func startGateway(conf config.Gateway, logger hclog.Logger) (*running, error) {
	limitMemory(logger)
	settings.FillClientMemory(&conf, availableMemory(os.DirFS("/")))
	gw, err := gateway.New(conf, logger)
	if err != nil {
		return nil, err
	}
	if err := gw.Inherit(systemd.Sockets()); err != nil {
		return nil, err
	}
	if err := gw.Start(); err != nil {
		return nil, errors.Join(err, gw.Close())
	}
	reload := func(fresh config.Gateway) (config.Changes, error) {
		settings.FillClientMemory(&fresh, availableMemory(os.DirFS("/")))
		return gw.Reload(fresh)
	}
	return &running{addrs: gw.Addrs, admin: gw.AdminAddr, drain: gw.Drain, close: gw.Close, reopen: gw.ReopenAudit,
		reload: reload, reloader: gw.Reloader, unread: gw.ReloadFailed, turn: gw.Turn}, nil
}
