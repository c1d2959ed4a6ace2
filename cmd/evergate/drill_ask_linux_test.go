package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"evergate/cmd/evergate/terminal"
)

func TestDrillAsksBeforeItBreaksAnything(t *testing.T) {
	for _, c := range []struct {
		typed string
		want  error
	}{{"yes\n", nil}, {"Y\n", nil}, {"no\n", errNoConsent}, {"\n", errNoConsent}, {"", errNoConsent}} {
		t.Run(fmt.Sprintf("%q", c.typed), func(t *testing.T) {
			person, tty := pseudoTerminal(t)
			var stdout, stderr bytes.Buffer
			w := world{stdin: tty, stdout: &stdout, stderr: &stderr}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.typed == "" {
				cancel() // Ctrl-C
			}
			if _, err := io.WriteString(person, c.typed); err != nil {
				t.Fatal(err)
			}
			a := aim{}
			consent := a.consent(ctx, w, terminal.NewScreen(w.stdout), 2)
			if err := consent("the first\n"); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if !strings.Contains(stdout.String(), "the first") || !strings.Contains(stderr.String(), "applies to all 2 runs") {
				t.Errorf("%s%s", &stdout, &stderr)
			}
			if c.want == nil {
				if err := consent("the second\n"); err != nil || !strings.Contains(stdout.String(), "the second") {
					t.Errorf("the second run: %v\n%s", err, &stdout)
				}
			}
		})
	}
}

func TestDrillNeedsNoYesWhereSomebodyCanBeAsked(t *testing.T) {
	_, tty := pseudoTerminal(t)
	a, flags := aim{}, pflag.NewFlagSet("drill", pflag.ContinueOnError)
	a.addFlags(flags)
	if err := flags.Parse([]string{"--target", "127.0.0.1:1", "--cluster", "127.0.0.1:2"}); err != nil {
		t.Fatal(err)
	}
	if target, wrong := a.resolve(flags, world{stdin: tty, stdout: io.Discard, stderr: io.Discard}); target == nil {
		t.Error(wrong)
	}
	if _, wrong := a.resolve(flags, world{stdout: io.Discard, stderr: io.Discard}); len(wrong) != 1 {
		t.Error("without a terminal:", wrong)
	}
}
