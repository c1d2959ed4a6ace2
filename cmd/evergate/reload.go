package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"evergate/cmd/evergate/settings"
	"evergate/gateway/config"
)

// take reads the settings and has the gateway use them. It logs the outcome, and returns the settings, or nil if the
// old ones stay.
func (gw *running) take(read func() (*settings.Resolved, error), logger hclog.Logger) *settings.Resolved {
	r, err := read()
	var changes config.Changes
	if err == nil {
		changes, err = gw.reload(r.Config)
	} else {
		gw.unread(err)
	}
	var mistakes settings.Mistakes
	if errors.As(err, &mistakes) {
		for _, m := range mistakes {
			logger.Error("wrong setting", "source", m.At.String(), "problem", m.Text)
		}
		err = errors.New(count(len(mistakes), "mistake"))
	}
	if err != nil {
		logger.Error("reload failed, old settings kept", "error", err.Error())
		return nil
	}
	warn(r, logger)
	logger.Info("settings reloaded", "changed", config.Names(changes.Applied))
	if len(changes.Restart) > 0 {
		logger.Warn("settings need a restart", "settings", config.Names(changes.Restart))
	}
	return r
}

// newReload tells a running gateway to read its settings again.
func newReload(w world) *cobra.Command {
	pid, file := 0, ""
	cmd := withSettings(w, &cobra.Command{
		Use:   "reload",
		Short: "Have a running gateway read its settings again",
		Long: `Send SIGHUP to a running gateway, which reads its settings again: the file, with the flags and
variables that it was started with. If any are wrong, the gateway keeps the old ones, all of them.
The outcome is in its log, and in INFO (reload_last).

Settings that are given here, as --config FILE, are checked first, as check does. Without any, only the
signal is sent. The exit code is 2 if a setting is wrong, and 1 if the process cannot be signalled.`,
		Example: `  evergate reload --pid 4711 --config evergate.yaml
  evergate reload --pid-file /run/evergate.pid`,
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if settings.Given(cmd.Flags(), args, w.environ) {
			r, err := settings.Check(cmd.Flags(), args, w.environ)
			if err != nil {
				return err
			}
			for _, warning := range slices.Concat(r.Warnings, r.Deprecated) {
				printf(w.stderr, "warning: %s: %s", warning.At, warning.Text)
			}
		}
		pid, err := processOf(pid, file)
		if err != nil {
			return err
		}
		if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
			return runtimeError{fmt.Errorf("process %d: %w", pid, err)}
		}
		printf(w.stdout, "process %d reloads its settings; its log has the outcome", pid)
		return nil
	}
	flags := cmd.Flags()
	flags.IntVar(&pid, "pid", 0, "`NUMBER` of the gateway's process")
	flags.StringVar(&file, "pid-file", "", "`FILE` with that number")
	cmd.MarkFlagsMutuallyExclusive("pid", "pid-file")
	cmd.MarkFlagsOneRequired("pid", "pid-file")
	hideSettings(flags)
	return cmd
}

// processOf returns the process to signal: that of the flag, or of the file. It must be one of evergate: the signal
// would end another one that got the number meanwhile.
func processOf(pid int, file string) (int, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, runtimeError{err}
		}
		if pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
			return 0, runtimeError{fmt.Errorf("%s: %.20q is not the number of a process", file, bytes.TrimSpace(text))}
		}
	}
	if pid <= 0 {
		return 0, settings.Mistakes{settings.MistakeAt("flag --pid", "is not the number of a process")}
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err == nil && !strings.HasPrefix(string(name), "evergate") {
		return 0, runtimeError{fmt.Errorf("process %d is %s, not evergate", pid, strings.TrimSpace(string(name)))}
	}
	return pid, nil
}
