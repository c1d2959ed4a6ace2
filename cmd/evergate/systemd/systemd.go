// Package systemd is what the process reports to systemd, and what it gets from there: sockets, readiness and the
// watchdog. Without systemd all of it does nothing.
package systemd

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
)

// Sockets are the listening sockets of the socket unit, each with its FileDescriptorName. They are passed once: a
// second call returns none.
func Sockets() []*os.File { return activation.Files(true) }

// Ready reports that clients can connect: at the start, and at the end of a reload. systemctl status shows status.
func Ready(status string) error { return notify("READY=1\nSTATUS=" + status) }

// Reloading reports that a reload has begun, which ends with Ready.
func Reloading() error { return notify("RELOADING=1\n" + daemon.SdNotifyMonotonicUsec()) }

// Stopping reports that the drain has begun, which may take as long as within whatever TimeoutStopSec is.
func Stopping(within time.Duration) error {
	return notify(fmt.Sprintf("STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=%d", within.Microseconds()))
}

// notify sends one state. It is no error if nobody listens.
func notify(state string) error {
	_, err := daemon.SdNotify(false, state)
	return err
}

// Watch feeds the watchdog until ctx ends, if there is one: four times in each of its periods (WatchdogSec) it calls
// alive, which may take half of a period and must return nil for a ping. Else stuck gets the error; without a ping in a
// whole period systemd ends the process.
func Watch(ctx context.Context, alive func(context.Context) error, stuck func(error)) {
	period, err := daemon.SdWatchdogEnabled(false)
	if err != nil || period <= 0 {
		return
	}
	tick := time.NewTicker(period / 4)
	defer tick.Stop()
	for {
		turn, cancel := context.WithTimeout(ctx, period/2)
		err := alive(turn)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = notify(daemon.SdNotifyWatchdog)
		}
		if err != nil {
			stuck(err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
