// Evergate is one address for plain Redis clients in front of Redis Sentinel, Redis Cluster or a primary with its
// replicas.
//
//	evergate run --sentinel 10.0.0.1:26379,10.0.0.2:26379 --master-name mymaster
//	evergate run --config evergate.yaml
//	evergate check --config evergate.yaml --connect
//	evergate demo
//	evergate drill kill-primary
//
// It ends with 0 when all went well, 1 when something failed, 2 when it was told something wrong, and 3 when a drill
// broke a promise.
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

// world is what the commands need from outside themselves.
type world struct {
	// stdin is where keys are pressed; nil: nowhere.
	stdin          *os.File
	stdout, stderr io.Writer
	environ        []string
	// notify begins to catch SIGINT, SIGTERM and SIGHUP; only commands that have something to end call it.
	notify func() (signals <-chan os.Signal, stop func())
	start  startFunc
}

func notify() (<-chan os.Signal, func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return signals, func() { signal.Stop(signals) }
}

// The exit codes. A unit file may say RestartPreventExitStatus=2: what was told wrong stays wrong.
const (
	exitOK = iota
	exitFailed
	exitWrong
	// exitBroken: a drill was played and a promise was broken.
	exitBroken
)

// runtimeError is what went wrong although what was told is sound: exit code 1.
type runtimeError struct{ error }

func (e runtimeError) Unwrap() error { return e.error }

// execute runs one command line and gives the exit code.
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
	if wrong := mistakes(nil); errors.As(err, &wrong) {
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
		// Errors are printed once, by execute; the whole help after a slip of the hand hides what was wrong.
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       thisBuild().String(),
	}
	root.SetOut(w.stdout)
	root.SetErr(w.stderr)
	root.SetFlagErrorFunc(explainFlag)
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(newRun(w), newDemo(w), newDrill(w), newCheck(w), newVersion(w), newHealthcheck(w))
	return root
}

// explainFlag adds to the parser's error what was probably meant.
func explainFlag(cmd *cobra.Command, err error) error {
	unknown := new(pflag.NotExistError)
	if !errors.As(err, &unknown) {
		return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
	}
	name := unknown.GetSpecifiedName()
	if findSetting(name) != nil && !cmd.HasParent() {
		return fmt.Errorf("%w; did you mean \"evergate run --%s\"?", err, name)
	}
	names := []string{}
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return fmt.Errorf("%w%s", err, didYouMean(nearest(name, names), flagName))
}

// withSettings gives a command every flag of the settings. Unknown flags are left for resolve, and a flag that ends the
// parsing does not hide what is wrong besides.
func withSettings(w world, cmd *cobra.Command) *cobra.Command {
	addFlags(cmd.Flags())
	cmd.FParseErrWhitelist.UnknownFlagsHandling = pflag.PassUnknownFlagToArgs
	cmd.Args = cobra.ArbitraryArgs
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		wrong := mistakes{{place{name: "command line"}, err.Error()}}
		if missing := new(pflag.ValueRequiredError); errors.As(err, &missing) && missing.GetFlag() != nil {
			wrong = mistakes{{place{name: "flag --" + missing.GetFlag().Name}, "has no value"}}
		}
		var others mistakes
		if _, err := resolve(cmd.Flags(), cmd.Flags().Args(), w.environ, wrong...); errors.As(err, &others) {
			return others
		}
		return wrong
	})
	for _, s := range settings {
		if len(s.choices) > 0 {
			choose := cobra.FixedCompletions(s.choices, cobra.ShellCompDirectiveNoFileComp)
			if err := cmd.RegisterFlagCompletionFunc(s.name, choose); err != nil {
				panic("a setting's choices are completed twice: " + err.Error())
			}
		}
	}
	return cmd
}

// count writes "1 mistake" and "2 mistakes".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
