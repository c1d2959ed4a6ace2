package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"evergate/cmd/evergate/logging"
	"evergate/cmd/evergate/settings"
	"evergate/cmd/evergate/systemd"
	"evergate/gateway"
	"evergate/gateway/api"
	"evergate/gateway/config"
)

// startFunc starts a gateway, which listens when startFunc returns.
type startFunc func(config.Gateway, hclog.Logger) (*running, error)

// running is a started gateway.
type running struct {
	addrs func() []net.Addr
	// admin returns the address of the HTTP server for operators; nil: there is none.
	admin func() net.Addr
	// drain stops accepting, and returns when all requests in flight are answered or the context ends.
	drain func(context.Context) error
	close func() error
	// reopen opens the file of the audit log again.
	reopen func() error
	// reload replaces the settings, or returns why the old ones stay.
	reload func(config.Gateway) (config.Changes, error)
	// reloader sets what reloads at a request over HTTP.
	reloader func(func(context.Context) (api.Reload, error))
	// unread counts a reload whose settings could not be read.
	unread func(error)
	// turn returns when every loop has made a round, or an error when the context ends before.
	turn func(context.Context) error
}

func newRun(w world) *cobra.Command {
	return withSettings(w, &cobra.Command{
		Use:   "run",
		Short: "Run the gateway",
		Long: `Run the gateway in front of one upstream: Sentinels, a cluster, or a plain primary.

Each flag can also be set in the file (--config) and as a variable: --master-name is master-name:
in the file and EVERGATE_MASTER_NAME. Flags override variables, variables override the file. To
serve several upstreams in one process, list them under services: in the file. Passwords are read from
files, or from EVERGATE_PASSWORD, EVERGATE_UPSTREAM_PASSWORD and EVERGATE_SENTINEL_PASSWORD.

SIGTERM and SIGINT drain: the gateway reports that it is not ready, waits for --drain-delay, asks
clients that understand it to move, stops accepting, and answers requests in flight before it closes
connections. A second signal stops at once. SIGHUP reads the settings again: all of them are checked,
then used without closing clients; see evergate reload. SIGUSR1 opens the log files again.`,
		Example: `  evergate run --sentinel 10.0.0.1:26379,10.0.0.2:26379,10.0.0.3:26379 --master-name mymaster
  evergate run --cluster 10.0.0.1:7000,10.0.0.2:7000 --listen 127.0.0.1:6380
  evergate run --primary db1:6379 --replica db2:6379
  evergate run --config evergate.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			read := func() (*settings.Resolved, error) { return settings.Resolve(cmd.Flags(), args, w.environ) }
			r, err := read()
			if err != nil {
				return err
			}
			logger, err := logging.Open(r.Config, w.stderr)
			if err != nil {
				return runtimeError{err}
			}
			defer logger.Close()
			warn(r, logger)
			return w.serve(r.Config, read, logger)
		},
	})
}

// warn logs what settings are valid and yet in doubt.
func warn(r *settings.Resolved, logger hclog.Logger) {
	for _, warning := range r.Warnings {
		logger.Warn("risky setting", "source", warning.At, "problem", warning.Text)
	}
	for _, old := range r.Deprecated {
		logger.Warn("deprecated setting", "source", old.At, "problem", old.Text)
	}
}

// serve runs a gateway until a signal ends it. read reads the settings again.
func (w world) serve(conf config.Gateway, read func() (*settings.Resolved, error), logger *logging.Log) error {
	signals, stop := w.notify()
	defer stop()
	renamed, stopRenamed := rotations()
	defer stopRenamed()
	gw, err := w.start(conf, logger)
	if err != nil {
		return runtimeError{err}
	}
	go reopenAt(renamed, logger, logger.Reopen, gw.reopen)
	logStart(conf, gw.addrs(), logger)
	used := conf
	logNotified(systemd.Ready(serving), logger)
	defer gw.pingWatchdog(logger)()
	asked := newAsked(conf.Listed.File)
	if gw.reloader != nil {
		gw.reloader(asked.reload)
	}
	s := os.Signal(syscall.SIGHUP)
	for s == syscall.SIGHUP {
		var answer chan api.Reload
		select {
		case s = <-signals:
			if s != syscall.SIGHUP {
				continue
			}
		case answer = <-asked.requests:
		}
		logNotified(systemd.Reloading(), logger)
		status := "serving clients; the last reload failed"
		r, outcome := gw.take(read, logger)
		if r != nil {
			used, status = r.Config, serving
		}
		logNotified(systemd.Ready(status), logger)
		if answer != nil {
			answer <- outcome
		}
	}
	close(asked.ended)
	// As texts: in JSON a signal and a duration would be bare numbers.
	delay := used.ServesOnFor()
	logger.Info("draining", "signal", s.String(), "delay", delay.String(), "timeout", used.DrainTimeout.String())
	timeout := delay + used.DrainTimeout
	logNotified(systemd.Stopping(timeout+closeTime), logger)
	return gw.end(timeout, signals, logger)
}

// logStart logs the listeners and the upstream of each service. addrs are those of all listeners, in the order of the
// settings.
func logStart(conf config.Gateway, addrs []net.Addr, logger hclog.Logger) {
	for i := range conf.Services {
		service := &conf.Services[i]
		var listeners []string
		for range service.Listeners() {
			listeners, addrs = append(listeners, showAddr(addrs[0])), addrs[1:]
		}
		logger.Info("listening", "address", strings.Join(listeners, ","), "service", service.Name, "upstream",
			upstreamOf(service), "version", gateway.Version())
	}
}

// upstreamOf returns the kind and the addresses of the servers behind a service.
func upstreamOf(s *config.Service) string {
	switch {
	case len(s.Sentinels) > 0:
		return "sentinels " + strings.Join(s.Sentinels, ",") + " of " + s.MasterName
	case len(s.Cluster) > 0:
		return "cluster " + strings.Join(s.Cluster, ",")
	case len(s.Replicas) > 0:
		return "primary " + s.Primary + " replicas " + strings.Join(s.Replicas, ",")
	}
	return "primary " + s.Primary
}

// end drains for at most timeout, the delay included, then closes the gateway. Another signal closes it at once.
func (gw *running) end(timeout time.Duration, signals <-chan os.Signal, logger hclog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- gw.drain(ctx) }()
	var err error
	for waiting := true; waiting; {
		select {
		case err = <-drained:
			waiting = false
		case s := <-signals:
			if !ignored(s, logger) {
				err, waiting = fmt.Errorf("ended by a second signal (%s)", s), false
			}
		}
	}
	if err != nil {
		logger.Warn("drain incomplete", "error", err)
	}
	if closeErr := gw.close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return runtimeError{fmt.Errorf("not everything was finished: %w", err)}
	}
	logger.Info("stopped")
	return nil
}

// ignored reports whether a signal is SIGHUP, and logs that it has no effect: a gateway that ends reloads nothing, and
// must not end at once because somebody tried, or because its terminal was closed.
func ignored(s os.Signal, logger hclog.Logger) bool {
	if s != syscall.SIGHUP {
		return false
	}
	logger.Warn("reload ignored", "reason", "the gateway is draining")
	return true
}

// showAddr returns an address in the form of the setting listen.
func showAddr(addr net.Addr) string {
	if addr.Network() == "unix" {
		return "unix:" + addr.String()
	}
	return addr.String()
}
