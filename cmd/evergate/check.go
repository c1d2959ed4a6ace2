package main

import (
	"io"
	"slices"

	"github.com/spf13/cobra"

	"evergate/cmd/evergate/settings"
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
		r, err := settings.Check(cmd.Flags(), args, w.environ)
		if err != nil {
			return err
		}
		for _, warning := range slices.Concat(r.Warnings, r.Deprecated) {
			printf(w.stderr, "warning: %s: %s", warning.At, warning.Text)
		}
		if connect {
			err = survey(cmd.Context(), w.stdout, r.Config)
		}
		_, _ = io.WriteString(w.stdout, r.Text(verbose))
		return err
	}
	cmd.Flags().BoolVar(&connect, "connect", false,
		"connect to the Sentinels or nodes, report problems and print the topology")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "also print settings that have their defaults")
	return cmd
}
