package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func newDemo(world) *cobra.Command {
	return &cobra.Command{Use: "demo", Short: "Start real servers with a gateway in front",
		RunE: func(*cobra.Command, []string) error { return runtimeError{errors.New("not there yet")} }}
}
