// Suite runs Redis's own test suite (redis 7.0, external-server mode) twice: straight against a server, and through the
// gateway in front of a primary with two replicas and three Sentinels. Tests that pass straight must pass through,
// except for those that except.txt lists with a reason.
//
//	go run ./testenv/suite -source DIR                        all units that can run against an external server
//	go run ./testenv/suite -source DIR unit/multi unit/scan   some
//
// DIR is an unpacked source of redis 7.0; `make redis-suite` fetches Debian's. Each unit gets servers of its own, so
// that its data affects no other unit. The exit code is 1 if a test fails that is not on the list, or if one on the
// list passes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// units are those of the suite with tests for an external server. Tests that start their own servers do not involve a
// gateway.
var units = []string{
	"unit/printver", "unit/dump", "unit/auth", "unit/protocol", "unit/keyspace", "unit/scan", "unit/info-command",
	"unit/type/string", "unit/type/incr", "unit/type/list", "unit/type/list-2", "unit/type/list-3", "unit/type/set",
	"unit/type/zset", "unit/type/hash", "unit/type/stream", "unit/type/stream-cgroups", "unit/sort", "unit/expire",
	"unit/other", "unit/multi", "unit/quit", "unit/pubsub", "unit/pubsubshard", "unit/slowlog", "unit/scripting",
	"unit/functions", "unit/introspection", "unit/introspection-2", "unit/limits", "unit/bitops", "unit/bitfield",
	"unit/geo", "unit/hyperloglog", "unit/lazyfree", "unit/pause", "unit/latency-monitor", "unit/acl", "unit/acl-v2",
}

type options struct {
	source  string
	tags    string
	plain   bool
	verbose bool
	workers string
	patient time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.source, "source", "", "`DIR` of the unpacked source of redis 7.0")
	flag.StringVar(&o.tags, "tags", "-slow -needs:repl", "tags of the suite that both runs get")
	flag.BoolVar(&o.plain, "defaults", false, "run the gateway with its default settings, and judge nothing")
	flag.BoolVar(&o.verbose, "verbose", false, "show what the suite says of each failure")
	flag.StringVar(&o.workers, "workers", "1", "event loops of the gateway: tests take for granted that what one client\n"+
		"sends is executed before what another one sends a moment later, which only one loop keeps")
	flag.DurationVar(&o.patient, "timeout", 4*time.Minute, "longest time for one unit")
	flag.Parse()
	if o.source == "" {
		flag.Usage()
		os.Exit(2)
	}
	chosen := flag.Args()
	if len(chosen) == 0 {
		chosen = units
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, chosen); err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, chosen []string) error {
	listed, err := exceptions()
	if err != nil {
		return err
	}
	var sum tally
	fmt.Printf("%-24s %22s %22s\n", "", "straight", "through the gateway")
	fmt.Printf("%-24s %8s %6s %6s %8s %6s %6s\n", "unit", "ok", "failed", "time", "ok", "failed", "time")
	for _, unit := range chosen {
		straight, err := play(ctx, o, unit, false)
		if err != nil {
			return fmt.Errorf("%s, straight: %w", unit, err)
		}
		through, err := play(ctx, o, unit, true, toSkip(listed, unit)...)
		if err != nil {
			return fmt.Errorf("%s, through: %w", unit, err)
		}
		fmt.Printf("%-24s %8d %6d %5.0fs %8d %6d %5.0fs\n", unit, len(straight.passed), len(straight.failed),
			straight.took.Seconds(), len(through.passed), len(through.failed), through.took.Seconds())
		sum.add(unit, straight, through, listed)
		if o.verbose {
			for _, printed := range through.printed {
				fmt.Println("    " + printed)
			}
		}
	}
	return sum.print(o.plain)
}

// tally compares the runs of all units.
type tally struct {
	passed, through int
	// missing: passed straight and not through, and not on the list. listed: the same, and on the list. stale: on the
	// list, and passed.
	missing, listed, stale []string
}

func (s *tally) add(unit string, straight, through *result, exceptions map[string]string) {
	for _, name := range straight.passed {
		s.passed++
		full := unit + ": " + name
		_, excepted := exceptions[full]
		switch ok := slices.Contains(through.passed, name); {
		case ok && excepted:
			s.stale = append(s.stale, full)
			s.through++
		case ok:
			s.through++
		case excepted:
			s.listed = append(s.listed, full)
		default:
			s.missing = append(s.missing, full)
		}
	}
}

func (s *tally) print(plain bool) error {
	fmt.Printf("\n%d tests pass straight, %d of them through the gateway; %d are listed exceptions\n", s.passed, s.through,
		len(s.listed))
	for _, name := range s.missing {
		fmt.Println("  not through: " + name)
	}
	for _, name := range s.stale {
		fmt.Println("  listed, but it passes: " + name)
	}
	switch {
	case s.passed == 0:
		return errors.New("no test was run")
	case plain:
		return nil
	case len(s.missing)+len(s.stale) > 0:
		return fmt.Errorf("%d tests do not pass through and are not listed, %d are listed and pass", len(s.missing),
			len(s.stale))
	}
	return nil
}
