package main

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/cmd/evergate/systemd"
)

// closeTime is how long it may take to close what the drain has left, beyond its timeout.
const closeTime = 5 * time.Second

// serving is the status that systemctl shows.
const serving = "serving clients"

// logNotified logs that the service manager could not be notified: it may end the process for its silence.
func logNotified(err error, logger hclog.Logger) {
	if err != nil {
		logger.Warn("systemd not notified", "error", err)
	}
}

// pingWatchdog pings systemd's watchdog as long as every loop turns, until stop is called.
func (gw *running) pingWatchdog(logger hclog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	go systemd.Watch(ctx, gw.turn, func(err error) { logger.Error("watchdog not fed", "error", err) })
	return cancel
}
