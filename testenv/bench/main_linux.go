// Bench compares the gateway with other ways to a Redis server: none (direct), nutcracker, HAProxy, and a bare relay,
// which is the lower bound. One load generator drives all of them over loopback, in interleaved rounds, so that the
// figures are ratios of one run on one machine.
//
//	go run ./testenv/bench                                        the comparison, about 6 minutes
//	go run ./testenv/bench -rounds 3 -targets direct,evergate     a quick look
//	go run ./testenv/bench -values                                values of 1 KB to 1 MB, about 15 minutes
//	go run ./testenv/bench -tls                                   TLS in front, handshakes, idle clients with TLS
//	go run ./testenv/bench -observed -cmds GET                    metrics, a page, hot keys and slow log, on against off
//	go run ./testenv/bench -acks                                  writes that a replica confirms
//	go run ./testenv/bench -consistency                           reads of replicas that have what was written
//	go run ./testenv/bench -memory -big                           other promises; see -help
//
// CPU a request is the CPU time of the target's process, as the operating system counts it, over the replies of the
// same time. It is the steadiest figure here; requests a second and latencies also depend on how the generator, the
// target and the server shared the machine's cores. With pipelining, a reply's latency counts from the batch's one
// write.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type options struct {
	rounds   int
	seconds  float64
	conns    int
	pipeline string
	targets  string
	cmds     string
	json     string
	evergate string
	former   string

	modes, memory, rates, big, values, apps, acks, consistency, tls, observed, all bool
	sizes                                                                          string
}

// report is the output of -json: the sections that were measured.
type report struct {
	Series []*series      `json:"series,omitempty"`
	Ratios []comparedTo   `json:"ratios,omitempty"`
	Idle   []idleMemory   `json:"idle_clients,omitempty"`
	Big    []*bigTransfer `json:"big_value,omitempty"`
	Apps   []appFigure    `json:"applications,omitempty"`
	// Handshakes are of TLS.
	Handshakes []*handshakes `json:"handshakes,omitempty"`
}

func main() {
	o := parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse() (o options) {
	flag.IntVar(&o.rounds, "rounds", 10, "rounds; p99 wants at least 10")
	flag.Float64Var(&o.seconds, "seconds", 1.4, "measured `seconds` of each target, scenario and round")
	flag.IntVar(&o.conns, "conns", 50, "client connections")
	flag.StringVar(&o.pipeline, "pipeline", "1,16", "pipeline depths")
	flag.StringVar(&o.targets, "targets", "direct,evergate,nutcracker,haproxy,relay",
		"what to compare; also evergate-all, with a worker for each core, evergate-users, "+
			"evergate-observed, evergate-bare, evergate-tls, haproxy-tls")
	flag.StringVar(&o.cmds, "cmds", "GET,SET", "commands")
	flag.StringVar(&o.json, "json", "", "also write all rounds to this `file`")
	flag.StringVar(&o.evergate, "evergate", "", "`path` of the gateway's binary; built when not given")
	flag.StringVar(&o.former, "former", "", "`path` of another build of the gateway, to compare with as the target former")
	flag.BoolVar(&o.modes, "sentinel-vs-cluster", false, "instead: the gateway before Sentinels and before a Cluster")
	flag.BoolVar(&o.memory, "memory", false, "instead: resident memory of idle clients")
	flag.BoolVar(&o.rates, "rates", false, "instead: 10,000 and 100,000 requests a second, at fixed times")
	flag.BoolVar(&o.big, "big", false, "instead: a 64 MB value, and its neighbours")
	flag.BoolVar(&o.values, "values", false, "instead: values of medium size")
	flag.StringVar(&o.sizes, "sizes", "1,4,16,64,200,1024", "their sizes in `KB`")
	flag.BoolVar(&o.apps, "apps", false, "instead: MGET over shards, EVALSHA, PUBLISH to many, many that block")
	flag.BoolVar(&o.acks, "acks", false, "instead: writes that a replica confirms")
	flag.BoolVar(&o.consistency, "consistency", false, "instead: reads of replicas that have what was written")
	flag.BoolVar(&o.tls, "tls", false, "instead: TLS in front, its handshakes and idle clients")
	flag.BoolVar(&o.observed, "observed", false, "instead: all that observes the gateway on, against off")
	flag.BoolVar(&o.all, "all", false, "the comparison, then all of the others")
	flag.Parse()
	if flag.NArg() > 0 || o.rounds < 1 || o.conns < 1 || o.seconds <= 0 {
		flag.Usage()
		os.Exit(2)
	}
	return o
}

func run(ctx context.Context, o options) (err error) {
	s, err := newSite(o.evergate, o.former)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	fmt.Printf("%d cores, Linux %s, load average %s before the start; %d connections, "+
		"values of %d bytes where no size is named\n\n",
		runtime.NumCPU(), firstWord("/proc/sys/kernel/osrelease"), firstWord("/proc/loadavg"), o.conns, small.size)
	var out report
	if !o.modes && !o.memory && !o.rates && !o.big && !o.values && !o.apps && !o.acks && !o.consistency &&
		!o.tls && !o.observed {
		if err := out.compare(ctx, s, o); err != nil {
			return err
		}
	}
	if o.tls || o.all {
		if err := out.secured(ctx, s, o); err != nil {
			return err
		}
	}
	if o.observed || o.all {
		if err := out.compareObserved(ctx, s, o); err != nil {
			return err
		}
	}
	if o.values || o.all {
		if err := out.compareValues(ctx, s, o); err != nil {
			return err
		}
	}
	if o.modes || o.all {
		if err := out.compareModes(ctx, s, o); err != nil {
			return err
		}
	}
	if o.memory || o.all {
		if err := out.idle(ctx, s, o); err != nil {
			return err
		}
	}
	if o.rates || o.all {
		if err := s.rates(ctx, os.Stdout, o); err != nil {
			return err
		}
	}
	if o.big || o.all {
		if err := out.bigValue(ctx, s, o); err != nil {
			return err
		}
	}
	if err := out.applications(ctx, s, o); err != nil {
		return err
	}
	if o.json == "" {
		return nil
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.json, append(b, '\n'), 0o600)
}

// applications measures loads of applications, and writes that a replica confirms, as far as they are asked for.
func (out *report) applications(ctx context.Context, s *site, o options) error {
	for _, part := range []struct {
		asked   bool
		measure func(context.Context, options) ([]appFigure, error)
	}{{o.apps, s.measureApps}, {o.acks, s.measureAcks}, {o.consistency, s.measureConsistency}} {
		if !part.asked && !o.all {
			continue
		}
		figures, err := part.measure(ctx, o)
		if err != nil {
			return err
		}
		writeApps(os.Stdout, figures)
		out.Apps = append(out.Apps, figures...)
	}
	return nil
}

// compare measures the subject against all other targets.
func (out *report) compare(ctx context.Context, s *site, o options) error {
	c, err := o.comparison(o.pipeline)
	if err != nil {
		return err
	}
	if c.targets, err = s.targets(ctx, s.alsoFormer(strings.Split(o.targets, ","))...); err != nil {
		return err
	}
	c.server = s.server
	return out.add(ctx, c, subject)
}

// compareValues measures larger values, without pipelining, and without the proxies that parse requests.
func (out *report) compareValues(ctx context.Context, s *site, o options) error {
	c, err := o.comparison("1")
	if err != nil {
		return err
	}
	if c.targets, err = s.targets(ctx, s.alsoFormer(o.only("direct", subject, "haproxy", "relay"))...); err != nil {
		return err
	}
	c.server = s.server
	small := c.scenarios
	c.scenarios = nil
	for size := range strings.SplitSeq(o.sizes, ",") {
		kb, err := strconv.Atoi(size)
		if err != nil || kb < 1 || kb > 16<<10 {
			return fmt.Errorf("-sizes: %q is not a number from 1 to %d", size, 16<<10)
		}
		if err := valuesOf(kb << 10).fill(s.server.addr); err != nil {
			return err
		}
		for _, sc := range small {
			sc.Bytes = kb << 10
			c.scenarios = append(c.scenarios, sc)
		}
	}
	return out.add(ctx, c, subject)
}

// compareModes measures Cluster mode against Sentinel mode, without pipelining.
func (out *report) compareModes(ctx context.Context, s *site, o options) error {
	c, err := o.comparison("1")
	if err != nil {
		return err
	}
	if c.targets, err = s.modeTargets(ctx, 1); err != nil {
		return err
	}
	return out.add(ctx, c, "cluster")
}

func (out *report) add(ctx context.Context, c *comparison, of string) error {
	all, err := c.run(ctx)
	if err != nil {
		return err
	}
	ratios := compare(all, of)
	writeFigures(os.Stdout, all)
	if len(ratios) > 0 {
		fmt.Println()
		writeRatios(os.Stdout, ratios)
		fmt.Println()
		writeGoals(os.Stdout, ratios)
	}
	fmt.Println()
	out.Series, out.Ratios = append(out.Series, all...), append(out.Ratios, ratios...)
	return nil
}

// idle measures the proxies that share connections to the server; one upstream connection a client is not comparable.
func (out *report) idle(ctx context.Context, s *site, o options) error {
	targets, err := s.targets(ctx, o.only(subject, "nutcracker")...)
	if err != nil {
		return err
	}
	for _, t := range targets {
		m, err := measureIdle(ctx, t, 0)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		out.Idle = append(out.Idle, m)
	}
	writeIdle(os.Stdout, out.Idle)
	fmt.Println()
	return nil
}

// bigValue measures the server itself, too: its one thread also delays neighbours.
func (out *report) bigValue(ctx context.Context, s *site, o options) error {
	targets, err := s.targets(ctx, o.only("direct", subject, "nutcracker", "haproxy")...)
	if err != nil {
		return err
	}
	c, err := dialBig(s.server.addr)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	if err := c.set(bigRead); err != nil {
		return err
	}
	for _, t := range targets {
		all, err := measureBig(ctx, t, min(o.rounds, 5))
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		out.Big = append(out.Big, all...)
	}
	writeBig(os.Stdout, out.Big)
	return nil
}

func (o options) each() time.Duration { return time.Duration(o.seconds * float64(time.Second)) }

// only returns those of -targets that are among names.
func (o options) only(names ...string) []string {
	chosen := strings.Split(o.targets, ",")
	return slices.DeleteFunc(chosen, func(name string) bool { return !slices.Contains(names, name) })
}

// comparison returns the comparison of the flags, without targets.
func (o options) comparison(pipeline string) (*comparison, error) {
	c := &comparison{rounds: o.rounds, conns: o.conns, warmup: 150 * time.Millisecond, measured: o.each()}
	if at, err := os.Stderr.Stat(); err == nil && at.Mode()&os.ModeCharDevice != 0 {
		c.progress = func(round int) { fmt.Fprintf(os.Stderr, "round %d of %d\r", round+1, o.rounds) }
	}
	for depth := range strings.SplitSeq(pipeline, ",") {
		n, err := strconv.Atoi(depth)
		if err != nil || n < 1 || n > small.keys {
			return nil, fmt.Errorf("-pipeline: %q is not a number from 1 to %d", depth, small.keys)
		}
		for cmd := range strings.SplitSeq(o.cmds, ",") {
			c.scenarios = append(c.scenarios, scenario{Command: strings.ToUpper(cmd), Pipeline: n})
		}
	}
	return c, nil
}

// firstWord returns the first word of a file of the kernel.
func firstWord(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	word, _, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	return word
}
