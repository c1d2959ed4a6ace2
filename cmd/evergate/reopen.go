package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
)

// rotations begins to catch SIGUSR1, by which logrotate and its kin tell that log files were renamed.
func rotations() (signals <-chan os.Signal, stop func()) {
	renamed := make(chan os.Signal, 1)
	signal.Notify(renamed, syscall.SIGUSR1)
	return renamed, func() {
		signal.Stop(renamed)
		close(renamed)
	}
}

// reopenAt opens the files again at each signal, until signals is closed. A file that cannot be opened is logged.
func reopenAt(signals <-chan os.Signal, logger hclog.Logger, reopens ...func() error) {
	for range signals {
		for _, reopen := range reopens {
			if err := reopen(); err != nil {
				logger.Error("log reopen failed, old file kept", "error", err)
			}
		}
		logger.Info("log files reopened", "signal", "SIGUSR1")
	}
}
