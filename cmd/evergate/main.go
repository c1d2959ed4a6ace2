// Evergate is one address for plain Redis clients in front of Redis Sentinel, Redis Cluster or a primary with its
// replicas.
//
//	evergate run --sentinel 10.0.0.1:26379,10.0.0.2:26379 --master-name mymaster
//	evergate run --config evergate.yaml
//	evergate check --config evergate.yaml --connect
//	evergate reload --pid-file /run/evergate.pid
//	evergate demo
//	evergate drill kill-primary
//	evergate top --admin 127.0.0.1:9121
//
// Its exit code is 0 for success, 1 for a failure, 2 for a mistake in settings or arguments, and 3 for a promise that
// was broken in a drill.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"evergate/cmd/evergate/settings"
	"evergate/cmd/evergate/suggest"
)

func main() {
	os.Exit(execute(os.Args[1:], world{
		stdin:   os.Stdin,
		stdout:  os.Stdout,
		stderr:  os.Stderr,
		environ: os.Environ(),
		notify:  notify,
		start:   startGateway,
	}))
}

// world is what the commands need from outside, which tests replace.
type world struct {
	// stdin has the keyboard; nil: none.
	stdin          *os.File
	stdout, stderr io.Writer
	environ        []string
	// notify starts to catch SIGINT, SIGTERM and SIGHUP; only commands that have something to shut down call it.
	notify func() (signals <-chan os.Signal, stop func())
	start  startFunc
}

func notify() (<-chan os.Signal, func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return signals, func() { signal.Stop(signals) }
}

// The exit codes. In a unit file, RestartPreventExitStatus=2 keeps systemd from restarting with wrong settings. Without
// GOTRACEBACK=crash there, it would not restart after a panic either: Go exits with 2.
const (
	exitOK = iota
	exitFailed
	exitWrong
	// exitBroken: a promise was broken in a drill.
	exitBroken
)

// runtimeError is a failure in spite of correct settings: exit code 1.
type runtimeError struct{ error }

func (e runtimeError) Unwrap() error { return e.error }

// execute runs one command line and returns the exit code.
func execute(args []string, w world) int {
	root := newRoot(w)
	root.SetArgs(args)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return exitOK
	}
	code := exitWrong
	if failed := (runtimeError{}); errors.As(err, &failed) {
		code = exitFailed
	}
	if broken := (brokenError{}); errors.As(err, &broken) {
		code = exitBroken
	}
	if wrong := settings.Mistakes(nil); errors.As(err, &wrong) {
		printf(w.stderr, "%s", wrong)
		err = errors.New(count(len(wrong), "mistake"))
	}
	printf(w.stderr, "evergate: %s", err)
	return code
}

func newRoot(w world) *cobra.Command {
	root := &cobra.Command{
		Use:   "evergate",
		Short: "One fast address in front of Redis Sentinel, Redis Cluster or a primary with replicas",
		// Errors are printed once, by execute; the whole help after a typing error would hide it.
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       thisBuild().String(),
	}
	root.SetOut(w.stdout)
	root.SetErr(w.stderr)
	root.SetFlagErrorFunc(explainFlag)
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(newRun(w), newDemo(w), newDrill(w), newCheck(w), newConfig(w), newReload(w), newVersion(w),
		newHealthcheck(w), newManual(w), newTop(w))
	return root
}

// explainFlag adds the flag that was probably meant to the parser's error.
func explainFlag(cmd *cobra.Command, err error) error {
	unknown := new(pflag.NotExistError)
	if !errors.As(err, &unknown) {
		return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
	}
	name := unknown.GetSpecifiedName()
	if settings.Find(name) != nil && !cmd.HasParent() {
		return fmt.Errorf("%w; did you mean \"evergate run --%s\"?", err, name)
	}
	names := []string{}
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return fmt.Errorf("%w%s", err, suggest.DidYouMean(suggest.Nearest(name, names), settings.FlagName))
}

// withSettings adds the flags of all settings to a command. Unknown flags are left to settings.Resolve, and a flag
// that ends the parsing does not hide other mistakes.
func withSettings(w world, cmd *cobra.Command) *cobra.Command {
	settings.AddFlags(cmd.Flags())
	cmd.FParseErrWhitelist.UnknownFlagsHandling = pflag.PassUnknownFlagToArgs
	cmd.Args = cobra.ArbitraryArgs
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return settings.Unparsed(cmd.Flags(), w.environ, err)
	})
	for _, s := range settings.All {
		if len(s.Choices) > 0 {
			choose := cobra.FixedCompletions(s.Choices, cobra.ShellCompDirectiveNoFileComp)
			if err := cmd.RegisterFlagCompletionFunc(s.Name, choose); err != nil {
				panic("a setting's choices are completed twice: " + err.Error())
			}
		}
	}
	return cmd
}

// hideSettings leaves the flags of all settings out of the help of a command for which they are those of run.
func hideSettings(flags *pflag.FlagSet) {
	for _, s := range settings.All {
		if flag := flags.Lookup(s.Name); flag != nil {
			flag.Hidden = true
		}
	}
}

// count returns "1 mistake" or "2 mistakes".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// printf writes a line for a person. An error means that the terminal is gone, and nobody is left to report it to.
func printf(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...)
}
