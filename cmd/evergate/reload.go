package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"evergate/cmd/evergate/adminclient"
	"evergate/cmd/evergate/logging"
	"evergate/cmd/evergate/settings"
	"evergate/gateway/api"
	"evergate/gateway/config"
)

// asked are the reloads that operators ask for over HTTP.
type asked struct {
	file     string
	requests chan chan api.Reload
	// ended is closed when the gateway is about to end.
	ended chan struct{}
}

// newAsked takes the name of the file of settings.
func newAsked(file string) *asked {
	return &asked{file: file, requests: make(chan chan api.Reload), ended: make(chan struct{})}
}

// reload waits for a reload, and returns its outcome.
func (a *asked) reload(ctx context.Context) (api.Reload, error) {
	if a.file == "" {
		return api.Reload{}, errors.New("the gateway was started without a file of settings, so none can have changed")
	}
	answer := make(chan api.Reload, 1)
	select {
	case a.requests <- answer:
		return <-answer, nil
	case <-a.ended:
		return api.Reload{}, errors.New("the gateway is draining")
	case <-ctx.Done():
		return api.Reload{}, ctx.Err()
	}
}

// take reads the settings and has the gateway use them. It logs the outcome, and returns the settings, or nil if the
// old ones stay.
func (gw *running) take(read func() (*settings.Resolved, error), logger *logging.Log) (*settings.Resolved, api.Reload) {
	outcome := api.Reload{Mistakes: []api.Mistake{}, Changed: []string{}, NeedRestart: []string{}}
	r, changes, err := gw.use(read, logger)
	var mistakes settings.Mistakes
	if errors.As(err, &mistakes) {
		for _, m := range mistakes {
			logger.Error("wrong setting", "source", m.At.String(), "problem", m.Text)
			outcome.Mistakes = append(outcome.Mistakes, api.Mistake{Source: m.At.String(), Problem: m.Text})
		}
		err = errors.New(count(len(mistakes), "mistake"))
	}
	if err != nil {
		logger.Error("reload failed, old settings kept", "error", err.Error())
		outcome.Error = err.Error()
		return nil, outcome
	}
	warn(r, logger)
	logger.Info("settings reloaded", "changed", config.Names(changes.Applied))
	if len(changes.Restart) > 0 {
		logger.Warn("settings need a restart", "settings", config.Names(changes.Restart))
	}
	outcome.Reloaded = true
	outcome.Changed = append(outcome.Changed, texts(changes.Applied)...)
	outcome.NeedRestart = append(outcome.NeedRestart, texts(changes.Restart)...)
	return r, outcome
}

// use reads the settings and has the gateway and the log use them. The log has its new output when all else is in use.
func (gw *running) use(read func() (*settings.Resolved, error), logger *logging.Log) (r *settings.Resolved,
	changes config.Changes, err error) {
	if r, err = read(); err != nil {
		gw.unread(err)
		return nil, changes, err
	}
	output, err := logger.Prepare(r.Config)
	if err != nil {
		gw.unread(err)
		return nil, changes, err
	}
	if changes, err = gw.reload(r.Config); err != nil {
		output.Discard()
		return nil, changes, err
	}
	output.Use()
	return r, changes, nil
}

func texts(changes []config.Change) (all []string) {
	for _, c := range changes {
		all = append(all, c.String())
	}
	return all
}

// newReload tells a running gateway to read its settings again.
func newReload(w world) *cobra.Command {
	pid, file := 0, ""
	cmd := withSettings(w, &cobra.Command{
		Use:   "reload",
		Short: "Have a running gateway read its settings again",
		Long: `Have a running gateway read its settings again: the file, with the flags and variables that it was
started with. If any are wrong, the gateway keeps the old ones, all of them.

Settings that are given here, as --config FILE, are checked first, as check does. If they have an admin
address with a password, or on a unix socket, the gateway is asked there: the changed settings are printed,
and the exit code is the outcome. Otherwise SIGHUP is sent, and the outcome is in its log and in INFO
(reload_last).

The exit code is 2 if a setting is wrong, and 1 if the gateway cannot be reached, or keeps the old settings
for another reason.`,
		Example: `  evergate reload --config evergate.yaml
  evergate reload --pid 4711 --config evergate.yaml
  evergate reload --pid-file /run/evergate.pid`,
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		admin := config.Admin{}
		if settings.Given(cmd.Flags(), args, w.environ) {
			r, err := settings.Check(cmd.Flags(), args, w.environ)
			if err != nil {
				return err
			}
			for _, warning := range slices.Concat(r.Warnings, r.Deprecated) {
				printf(w.stderr, "warning: %s: %s", warning.At, warning.Text)
			}
			admin = r.Config.Admin
		}
		named := pid != 0 || file != ""
		if named {
			var err error
			if pid, err = processOf(pid, file); err != nil {
				return err
			}
		}
		outcome, err := askForReload(cmd.Context(), admin, pid)
		switch {
		case err == nil:
			return w.show(outcome)
		case !named:
			return runtimeError{fmt.Errorf("%w; to send SIGHUP, name the process with --pid or --pid-file", err)}
		}
		if admin.Listen != "" {
			printf(w.stderr, "not asked at %s: %v", admin.Listen, err)
		}
		if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
			return runtimeError{fmt.Errorf("process %d: %w", pid, err)}
		}
		printf(w.stdout, "SIGHUP was sent to process %d, which reloads its settings; its log has the outcome", pid)
		return nil
	}
	flags := cmd.Flags()
	flags.IntVar(&pid, "pid", 0, "`NUMBER` of the gateway's process")
	flags.StringVar(&file, "pid-file", "", "`FILE` with that number")
	cmd.MarkFlagsMutuallyExclusive("pid", "pid-file")
	hideSettings(flags)
	return cmd
}

// askForReload asks the gateway at its admin address. pid is its process, if it was named.
func askForReload(ctx context.Context, admin config.Admin, pid int) (outcome api.Reload, err error) {
	if admin.Listen == "" {
		return outcome, errors.New("the settings have no admin address")
	}
	client, err := adminclient.New(admin.Listen, admin.Password)
	if err != nil {
		return outcome, err
	}
	defer client.Close()
	if pid != 0 {
		var at api.Overview
		if err := client.Get(ctx, api.PathOverview, &at); err != nil {
			return outcome, err
		}
		if at.PID != pid {
			return outcome, fmt.Errorf("process %d answers there", at.PID)
		}
	}
	return client.Reload(ctx)
}

// show prints the outcome of a reload, and returns it as an error if the old settings stay.
func (w world) show(outcome api.Reload) error {
	for _, m := range outcome.Mistakes {
		printf(w.stderr, "%s: %s", m.Source, m.Problem)
	}
	if !outcome.Reloaded {
		err := fmt.Errorf("the gateway keeps its old settings: %s", outcome.Error)
		if len(outcome.Mistakes) > 0 {
			return err
		}
		return runtimeError{err}
	}
	if len(outcome.NeedRestart) > 0 {
		printf(w.stderr, "warning: these need a restart: %s", strings.Join(outcome.NeedRestart, ", "))
	}
	if len(outcome.Changed) == 0 {
		printf(w.stdout, "the gateway has reloaded its settings; nothing has changed")
		return nil
	}
	printf(w.stdout, "the gateway has reloaded its settings: %s", strings.Join(outcome.Changed, ", "))
	return nil
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
