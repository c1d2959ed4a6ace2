package main

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

func newCheck(w world) *cobra.Command {
	connect, verbose := false, false
	cmd := withSettings(w, &cobra.Command{
		Use:   "check",
		Short: "Say what run would do with these settings, or everything that is wrong with them",
		Long: `Check the settings as run would take them and print those that are set with their places, passwords
masked. It ends with 2 when something is wrong. With --connect it also reaches the Sentinels or the
nodes, says what is wrong with them and prints the topology, and ends with 1 when a service could
not be served, or would not survive a failover.`,
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := check(cmd.Flags(), args, w.environ)
		if err != nil {
			return err
		}
		for _, warning := range r.warnings {
			say(w.stderr, "warning: %s: %s", warning.at, warning.text)
		}
		if connect {
			err = r.survey(cmd.Context(), w.stdout)
		}
		r.print(w.stdout, verbose)
		return err
	}
	cmd.Flags().BoolVar(&connect, "connect", false, "reach the Sentinels or nodes, judge them and print the topology")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "print the settings that have their defaults, too")
	return cmd
}

// print shows every setting that has a value, and where it comes from; those with their defaults when verbose.
func (r *resolved) print(out io.Writer, verbose bool) {
	for i := range r.config.Services {
		service := &r.config.Services[i]
		r.printSettings(out, verbose, "settings of "+service.Name, i, serviceSettings, target{&r.config, service})
	}
	r.printSettings(out, verbose, "settings of the process", process, processSettings, target{config: &r.config})
}

// printSettings shows some settings under a title, or nothing where there is none to show.
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
			say(out, "%s", title)
			title = ""
		}
		say(out, "  %-27s %s  [%s]", s.name, masked(value), from)
	}
}
