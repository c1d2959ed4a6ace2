package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evergate/cmd/evergate/manual"
	"evergate/gateway"
)

// newManual writes the man pages. The help hides it: packages have the pages. Their date is that of SOURCE_DATE_EPOCH,
// which builds of packages set to the time of the sources, so that two builds give the same bytes.
func newManual(w world) *cobra.Command {
	return &cobra.Command{
		Use:    "manual DIR",
		Short:  "Write the man pages of all commands",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			date := ""
			for _, variable := range w.environ {
				if seconds, found := strings.CutPrefix(variable, "SOURCE_DATE_EPOCH="); found {
					at, err := strconv.ParseInt(seconds, 10, 64)
					if err != nil {
						return fmt.Errorf("SOURCE_DATE_EPOCH: %q is no number of seconds", seconds)
					}
					date = time.Unix(at, 0).UTC().Format(time.DateOnly)
				}
			}
			if err := manual.Write(args[0], cmd.Root(), manual.Source{Version: gateway.Version(), Date: date}); err != nil {
				return runtimeError{err}
			}
			return nil
		},
	}
}
