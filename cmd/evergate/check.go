package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"

	"github.com/spf13/cobra"
)

func newCheck(w world) *cobra.Command {
	connect, verbose := false, false
	cmd := withSettings(w, &cobra.Command{
		Use:   "check",
		Short: "Check the settings, and with --connect the servers behind them",
		Long: `Check the settings as run reads them, and print those that are set and where, with passwords masked.
The exit code is 2 if a setting is wrong. With --connect it also connects to the Sentinels or nodes,
reports their problems and prints the topology; the exit code is 1 if a service cannot be served,
or would not survive a failover.`,
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := check(cmd.Flags(), args, w.environ)
		if err != nil {
			return err
		}
		for _, warning := range slices.Concat(r.warnings, r.deprecated) {
			printf(w.stderr, "warning: %s: %s", warning.at, warning.text)
		}
		if connect {
			err = r.survey(cmd.Context(), w.stdout)
		}
		r.print(w.stdout, verbose)
		return err
	}
	cmd.Flags().BoolVar(&connect, "connect", false,
		"connect to the Sentinels or nodes, report problems and print the topology")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "also print settings that have their defaults")
	return cmd
}

// print prints every setting that has a value, with its source; settings with their defaults only if verbose.
func (r *resolved) print(out io.Writer, verbose bool) {
	for i := range r.config.Services {
		service := &r.config.Services[i]
		r.printSettings(out, verbose, "settings of "+service.Name, i, serviceSettings, target{&r.config, service})
	}
	r.printSettings(out, verbose, "settings of the process", process, processSettings, target{config: &r.config})
}

// printSettings prints some settings under a title, or nothing if none is to be printed.
func (r *resolved) printSettings(out io.Writer, verbose bool, title string, service int, settings []*setting,
	t target) {
	for _, s := range settings {
		value := s.show(t)
		if value == "" {
			continue
		}
		if s.name == "workers" && value == "0" {
			value = fmt.Sprintf("0 (one per core: %d)", runtime.GOMAXPROCS(0))
		}
		from := "default"
		if at, found := r.where(service, s.name, ""); found {
			from = at.String()
		} else if !verbose {
			continue
		}
		if title != "" {
			printf(out, "%s", title)
			title = ""
		}
		printf(out, "  %-27s %s  [%s]", s.name, masked(value), from)
	}
}
