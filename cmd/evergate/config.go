package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"evergate/cmd/evergate/settings"
	"evergate/gateway/api"
	"evergate/gateway/config"
)

// newConfig prints the settings as run would use them.
func newConfig(w world) *cobra.Command {
	effective, format := false, "text"
	cmd := withSettings(w, &cobra.Command{
		Use:   "config",
		Short: "Print the settings as run would use them, and where each comes from",
		Long: `Print each setting with its value, and whether that comes from a flag, a variable, a line of the file
or is the default. It needs the flags and variables of run, and --config FILE. Passwords are not shown.
The last column says whether a running gateway takes a new value with evergate reload.

Without --effective, settings with their defaults are left out. The JSON is that of /api/v1/config, which
has the settings of a running gateway. The exit code is 2 if a setting is wrong.`,
		Example: `  evergate config --effective --config evergate.yaml
  evergate config --primary db1:6379 --format json`,
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(formats, format) {
			return settings.Mistakes{settings.MistakeAt("flag --format", fmt.Sprintf("%q is not text or json", format))}
		}
		r, err := settings.Check(cmd.Flags(), args, w.environ)
		if err != nil {
			return err
		}
		listed := r.Config.Listed
		listed.Settings = slices.DeleteFunc(slices.Clone(listed.Settings), func(s api.Setting) bool {
			return s.Default && (!effective || s.Value == "")
		})
		if format == "text" {
			return printSettings(w.stdout, listed.Settings)
		}
		encoder := json.NewEncoder(w.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(listed)
	}
	flags := cmd.Flags()
	flags.BoolVar(&effective, "effective", false, "also print settings that have their defaults")
	flags.StringVar(&format, "format", format, "`FORMAT` of the output: text or json")
	complete := cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("format", complete); err != nil {
		panic("the formats are completed twice: " + err.Error())
	}
	hideSettings(flags)
	return cmd
}

// formats are those of evergate config.
var formats = []string{"text", "json"}

// printSettings prints a table.
func printSettings(out io.Writer, all []api.Setting) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "SERVICE\tSETTING\tVALUE\tSOURCE\tRELOAD")
	for _, s := range all {
		service, reload := s.Service, "restart"
		if service == "" {
			service = "-"
		}
		if can, _ := config.Reloads(s.Name); can {
			reload = "yes"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", service, s.Name, s.Value, s.Source, reload)
	}
	return table.Flush() // with the first error of the lines before
}
