package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"evergate/cmd/evergate/settings"
	"evergate/cmd/evergate/suggest"
	"evergate/cmd/evergate/terminal"
	"evergate/gateway/acks"
	"evergate/testenv/drill"
	"evergate/testenv/drill/report"
	"evergate/testenv/servers"
)

// drillCommand holds the flags of evergate drill.
type drillCommand struct {
	mode   string
	repeat int
	dir    string
	beside string
	// check is what is checked besides: checkConsistency, or empty.
	check  string
	plan   drill.Plan
	screen *terminal.Screen
	// aim is the running system to break; empty if the drill starts servers.
	aim aim
}

// checkConsistency is the value of --check.
const checkConsistency = "consistency"

// brokenError reports a promise that was broken in a drill: exit code 3.
type brokenError struct{ error }

func newDrill(w world) *cobra.Command {
	d := &drillCommand{}
	cmd := &cobra.Command{
		Use:   "drill NAME",
		Short: "Break real servers behind the gateway and measure what clients notice",
		Long: `Start real Redis servers and the gateway in front of them, send requests at a fixed rate, break
something, and check every reply: errors, acknowledged writes that are lost, writes executed twice,
how long reads and writes paused. NAME is a drill, "all" for all of them, or "list" to list them.

` + aboutTarget + `

The exit code is 0 if every promise was kept, 3 if one was broken, 1 if the drill could not run.`,
		Example: `  evergate drill kill-primary
  evergate drill all --mode cluster --repeat 10 --report reports
  evergate drill planned --target 10.0.0.9:6379 --cluster 10.0.0.1:6379,10.0.0.2:6379
  evergate drill kill-primary --target 10.0.0.9:6379 --sentinel 10.0.0.1:26379 --master-name mymaster \
    --kill-cmd 'ssh {host} docker kill redis-{port}' --heal-cmd 'ssh {host} docker start redis-{port}'`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(drillNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			d.screen = terminal.NewScreen(w.stdout)
			return d.run(w, cmd.Flags(), args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&d.mode, "mode", "", "sentinel or cluster (default: each that the drill supports)")
	flags.IntVar(&d.plan.Connections, "connections", 20, "number of clients, besides 3 that give up early")
	flags.IntVar(&d.plan.Rate, "rate", 1000, "requests per second of all clients together")
	flags.IntVar(&d.repeat, "repeat", 1, "run each drill `N` times and print a table of the worst results")
	flags.StringVar(&d.dir, "report", "", "`DIR` for an HTML page of each drill, a JSON file of each run and an index")
	flags.BoolVar(&d.plan.Quick, "quick", false, "halve the time between the steps")
	flags.BoolVar(&d.plan.TLS, "tls", false, "use TLS on all legs, with a CA made for the drill")
	flags.StringVar(&d.plan.Acks, "acks", "", "how many replicas confirm each write, as for run: `N|majority|all`")
	flags.IntVar(&d.plan.Replicas, "replicas", 0, "replicas of each primary (default 2, in a cluster 1)")
	flags.StringVar(&d.check, "check", "",
		"\"consistency\": clients with keys in common check that no read returns an old value")
	flags.StringVar(&d.beside, "beside", "", "compare with another path to the same servers: direct or haproxy\n"+
		"(Sentinel only), or with --target its `ADDRESS`")
	d.aim.addFlags(flags)
	choose := cobra.FixedCompletions([]string{bySentinel, byCluster}, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("mode", choose); err != nil {
		panic("the modes are completed twice: " + err.Error())
	}
	return cmd
}

func drillNames() []string {
	names := []string{"all", "list"}
	for _, about := range drill.Names() {
		names = append(names, about.Name)
	}
	return names
}

// faults returns the mistakes in the name and in the flags that do not describe a target.
func (d *drillCommand) faults(name string) (wrong settings.Mistakes) {
	if !slices.Contains(drillNames(), name) {
		text := fmt.Sprintf("%q is not a drill; see \"evergate drill list\"", name)
		text += suggest.DidYouMean(suggest.Nearest(name, drillNames()), settings.KeyName)
		wrong = append(wrong, settings.MistakeAt("drill", text))
	}
	if modes := []string{bySentinel, byCluster}; d.mode != "" && !slices.Contains(modes, d.mode) {
		wrong = append(wrong, settings.MistakeAt("flag --mode", fmt.Sprintf("%q is not one of %s", d.mode,
			strings.Join(modes, ", "))+suggest.DidYouMean(suggest.Nearest(d.mode, modes), settings.KeyName)))
	}
	if d.check != "" && d.check != checkConsistency {
		wrong = append(wrong, settings.MistakeAt("flag --check", fmt.Sprintf("%q is not %q", d.check, checkConsistency)))
	}
	wrong = append(wrong, d.acksFaults()...)
	if fault := d.besideFault(); fault != "" {
		wrong = append(wrong, settings.MistakeAt("flag --beside", fault))
	}
	if d.plan.TLS && (d.beside == drill.HAProxy || d.aim.addr != "") {
		wrong = append(wrong, settings.MistakeAt("flag --tls",
			"conflicts with --target and --beside haproxy: it is for servers and a gateway that the drill starts"))
	}
	for _, limit := range []struct {
		flag          string
		got, min, max int
	}{{"connections", d.plan.Connections, 8, 1000}, {"rate", d.plan.Rate, 10, 100000}, {"repeat", d.repeat, 1, 10000}} {
		if limit.got < limit.min || limit.got > limit.max {
			wrong = append(wrong, settings.MistakeAt("flag --"+limit.flag,
				fmt.Sprintf("%d is not between %d and %d", limit.got, limit.min, limit.max)))
		}
	}
	return wrong
}

// acksFaults returns the mistakes in --acks and --replicas.
func (d *drillCommand) acksFaults() (wrong settings.Mistakes) {
	if _, err := acks.Parse(d.plan.Acks); d.plan.Acks != "" && err != nil {
		wrong = append(wrong, settings.MistakeAt("flag --acks", err.Error()))
	}
	if d.plan.Replicas < 0 || d.plan.Replicas > 5 {
		text := fmt.Sprintf("%d is not between 0 and 5", d.plan.Replicas)
		wrong = append(wrong, settings.MistakeAt("flag --replicas", text))
	}
	if d.aim.addr != "" && (d.plan.Acks != "" || d.plan.Replicas != 0) {
		wrong = append(wrong, settings.MistakeAt("flag --target",
			"conflicts with --acks and --replicas: they are for servers and a gateway that the drill starts"))
	}
	return wrong
}

// chosen returns the plans for a name and the flags, or their mistakes.
func (d *drillCommand) chosen(name string, flags *pflag.FlagSet, w world) ([]drill.Plan, error) {
	wrong := d.faults(name)
	target, others := d.aim.resolve(flags, w)
	wrong = append(wrong, others...)
	d.plan.Target = target
	mode := d.mode
	if target != nil && mode == "" {
		mode = string(target.Mode())
	} else if target != nil && mode != string(target.Mode()) {
		text := fmt.Sprintf("%s does not match the servers of the target", mode)
		wrong = append(wrong, settings.MistakeAt("flag --mode", text))
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	var plans []drill.Plan
	for _, about := range drill.Names() {
		if about.Name == name || name == "all" {
			plans = append(plans, d.plansOf(about, mode)...)
		}
	}
	if len(plans) == 0 {
		return nil, settings.Mistakes{settings.MistakeAt("flag --mode", fmt.Sprintf("%s does not support %s", name, mode))}
	}
	return plans, nil
}

// plansOf returns the runs of one drill: in each mode or only the wanted one, and each over the other path too.
func (d *drillCommand) plansOf(about drill.About, wanted string) (plans []drill.Plan) {
	for _, mode := range about.Modes {
		if wanted != "" && wanted != string(mode) {
			continue
		}
		plan := d.plan
		plan.Name, plan.Mode, plan.Consistency = about.Name, mode, d.check == checkConsistency
		plans = append(plans, plan)
		if d.beside != "" && (mode == drill.Sentinel || drill.OtherAddress(d.beside)) {
			plan.Beside = d.beside
			plans = append(plans, plan)
		}
	}
	return plans
}

func (d *drillCommand) run(w world, flags *pflag.FlagSet, name string) error {
	if name == "list" {
		for _, about := range drill.Names() {
			d.screen.Printf("%-18s %s (%s)", about.Name, about.What, strings.Join(about.ModeNames(), ", "))
		}
		return nil
	}
	plans, err := d.chosen(name, flags, w)
	if err != nil {
		return err
	}
	if plans, err = d.playable(name, plans); err != nil {
		return err
	}
	binary, err := os.Executable()
	if err != nil {
		return runtimeError{err}
	}
	signals, stop := w.notify()
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-signals:
			if d.plan.Target != nil {
				d.screen.Printf("Stopping: healing servers and deleting keys ...")
			}
			cancel()
		case <-ctx.Done():
		}
	}()
	return d.playAll(ctx, w, plans, binary)
}

// playAll runs the plans as often as is wanted, and judges all of them together.
func (d *drillCommand) playAll(ctx context.Context, w world, plans []drill.Plan, binary string) error {
	var rounds [][]*report.Report
	for range d.repeat {
		for i, plan := range plans {
			plan.Binary, plan.Live = binary, d.live(plan)
			plan.Consent = d.aim.consent(ctx, w, d.screen, d.repeat*len(plans))
			judged, err := d.play(ctx, plan)
			if err != nil {
				return err
			}
			if i > 0 && plans[i-1].Name == plan.Name && plans[i-1].Mode == plan.Mode { // the same on another path
				last := len(rounds) - 1
				rounds[last] = append(rounds[last], judged)
			} else {
				rounds = append(rounds, []*report.Report{judged})
			}
			if err := d.save(rounds); err != nil {
				return runtimeError{err}
			}
		}
	}
	return d.sum(slices.Concat(rounds...))
}

// save writes the page of the last round, and the index if there is more than one.
func (d *drillCommand) save(rounds [][]*report.Report) error {
	if d.dir == "" {
		return nil
	}
	page, err := drill.Save(d.dir, rounds[len(rounds)-1])
	if err != nil {
		return err
	}
	d.screen.Printf("  %s\n", page)
	if len(rounds) > 1 {
		_, err = drill.SaveIndex(d.dir, rounds)
	}
	return err
}

// play runs one drill and prints its report.
func (d *drillCommand) play(ctx context.Context, plan drill.Plan) (*report.Report, error) {
	if plan.Target == nil {
		d.screen.Printf("Starting servers for %s (%s) ...", plan.Name, plan.Mode)
	} else {
		d.screen.Printf("Inspecting %s for %s (%s) ...", plan.Target.Addr, plan.Name, plan.Mode)
	}
	judged, err := drill.Run(ctx, plan)
	d.screen.Live("")
	if errors.Is(err, servers.ErrNoServer) {
		return nil, runtimeError{errors.New(howToGetServer(os.Getenv("PATH")))}
	}
	if judged != nil {
		d.screen.Printf("%s", judged.Text())
	}
	if err != nil {
		return nil, runtimeError{fmt.Errorf("%s (%s): %w", plan.Name, plan.Mode, err)}
	}
	return judged, nil
}

// live returns a function that displays the progress of a drill.
func (d *drillCommand) live(plan drill.Plan) func(drill.Progress) {
	return func(p drill.Progress) {
		d.screen.Live(fmt.Sprintf("%s %5.1f s  %d acknowledged, %d uncertain, %s, at most %d waiting  %s", plan.Name,
			p.At.Round(100*time.Millisecond).Seconds(), p.Acknowledged, p.Uncertain, count(int(p.Errors), "error"), p.Waiting,
			p.Phase))
	}
}

// sum prints the table of several reports, and returns an error if the gateway broke a promise. Other paths promise
// nothing.
func (d *drillCommand) sum(reports []*report.Report) error {
	if len(reports) > 1 {
		d.screen.Printf("%s", report.Table(reports))
	}
	broken, played := 0, 0
	for _, r := range reports {
		if !r.Promised() {
			continue
		}
		played++
		if !r.Verdict.Kept() {
			broken++
		}
	}
	if broken > 0 {
		return brokenError{fmt.Errorf("%d of %s broke a promise", broken, count(played, "drill"))}
	}
	return nil
}
