package main

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

func newCheck(w world) *cobra.Command {
	connect := false
	cmd := withSettings(w, &cobra.Command{
		Use:   "check",
		Short: "Say what run would do with these settings, or everything that is wrong with them",
		Long: `Check the settings as run would take them and print them with their places, passwords masked.
It ends with 2 when something is wrong. With --connect it also reaches the Sentinels or the nodes,
prints the topology and what is wrong with it, and ends with 1 when a service could not be served.`,
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := check(cmd.Flags(), args, w.environ)
		if err != nil {
			return err
		}
		r.print(w.stdout)
		for _, warning := range r.warnings {
			say(w.stderr, "warning: %s: %s", warning.at, warning.text)
		}
		if connect {
			return r.survey(cmd.Context(), w.stdout)
		}
		return nil
	}
	cmd.Flags().BoolVar(&connect, "connect", false, "reach the Sentinels or nodes and print the topology")
	return cmd
}

// print shows every setting that has a value, and where it comes from.
func (r *resolved) print(out io.Writer) {
	for i := range r.config.Services {
		service := &r.config.Services[i]
		say(out, "service %s", service.Name)
		r.printSettings(out, i, serviceSettings, target{&r.config, service})
	}
	say(out, "process")
	r.printSettings(out, process, processSettings, target{config: &r.config})
}

func (r *resolved) printSettings(out io.Writer, service int, settings []*setting, t target) {
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
		}
		say(out, "  %-27s %s  [%s]", s.name, masked(value), from)
	}
}
