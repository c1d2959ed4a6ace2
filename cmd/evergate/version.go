package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"evergate/cmd/evergate/settings"
	"evergate/cmd/evergate/suggest"
	"evergate/gateway"
)

// build describes a binary.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"`
	// Modified: the sources differed from the revision.
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersion(w world) *cobra.Command {
	output := "text"
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch output {
			case "text":
				printf(w.stdout, "evergate version %s", thisBuild())
				return nil
			case "json":
				return printJSON(w.stdout, thisBuild())
			}
			meant := suggest.Slip(output, []string{"text", "json"})
			return settings.Mistakes{settings.MistakeAt("flag --output", fmt.Sprintf("%q is not one of text, json", output)+
				suggest.DidYouMean(meant, settings.KeyName))}
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", output, "text or json")
	return cmd
}

func thisBuild() build {
	b := build{Version: gateway.Version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	b.Revision, b.Modified = gateway.Revision()
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.time" {
				b.Time = s.Value
			}
		}
	}
	return b
}

func (b build) String() string {
	text := b.Version
	if b.Revision != "" {
		text += " (" + b.Revision
		if b.Modified {
			text += ", modified"
		}
		text += ")"
	}
	return text + " " + b.Go + " " + b.Platform
}

func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return runtimeError{err}
	}
	return nil
}
