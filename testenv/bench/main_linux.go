// Bench measures the gateway against the ways to a Redis server that people know: none at all (direct), nutcracker,
// HAProxy, and a bare relay, which is the floor. All are driven by one load generator over loopback, in interleaved
// rounds, so that the figures are ratios from one run of one machine.
//
//	go run ./testenv/bench                                        the comparison, about 6 minutes
//	go run ./testenv/bench -rounds 3 -targets direct,evergate     a quick look
//
// CPU a request is the CPU time of the target's process, as the operating system counts it, over the replies of the
// same time. It is the steadiest figure here; requests a second and latencies also tell how the generator, the target
// and the server shared the machine's cores. With pipelining, a reply's latency counts from the batch's one write.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
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
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 10, "rounds; p99 wants at least 10")
	flag.Float64Var(&o.seconds, "seconds", 1.3, "measured `seconds` of each target, scenario and round")
	flag.IntVar(&o.conns, "conns", 50, "client connections")
	flag.StringVar(&o.pipeline, "pipeline", "1,16", "pipeline depths")
	flag.StringVar(&o.targets, "targets", "direct,evergate,nutcracker,haproxy,relay",
		"what to compare; evergate-all is the gateway with a worker for each core")
	flag.StringVar(&o.cmds, "cmds", "GET,SET", "commands")
	flag.StringVar(&o.json, "json", "", "also write all rounds to this `file`")
	flag.StringVar(&o.evergate, "evergate", "", "`path` of the gateway's binary; built when not given")
	flag.Parse()
	if flag.NArg() > 0 || o.rounds < 1 || o.conns < 1 || o.seconds <= 0 {
		flag.Usage()
		os.Exit(2)
	}
	// Children end with the thread that started them: this one.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	s, err := newSite(o.evergate)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.startServer(ctx); err != nil {
		return err
	}
	return compareTargets(ctx, s, o)
}

func compareTargets(ctx context.Context, s *site, o options) error {
	c := &comparison{server: s.server, rounds: o.rounds, conns: o.conns, warmup: 150 * time.Millisecond,
		measured: time.Duration(o.seconds * float64(time.Second)), progress: os.Stderr}
	var err error
	if c.scenarios, err = scenarios(o); err != nil {
		return err
	}
	for name := range strings.SplitSeq(o.targets, ",") {
		if program := name; program == "nutcracker" || program == "haproxy" {
			if _, err := exec.LookPath(program); err != nil {
				fmt.Printf("%s is not installed (apt-get install %s): left out\n", program, program)
				continue
			}
		}
		t, err := s.start(ctx, name)
		if err != nil {
			return err
		}
		c.targets = append(c.targets, t)
	}
	fmt.Printf("%d cores, %s; %d connections, %d-byte values, %d rounds of %s\n\n", runtime.NumCPU(), kernel(), o.conns,
		valueSize, o.rounds, c.measured)
	all, err := c.run(ctx)
	if err != nil {
		return err
	}
	subject := "evergate"
	ratios := compare(all, subject)
	writeFigures(os.Stdout, all)
	fmt.Println()
	writeRatios(os.Stdout, ratios)
	if o.json == "" {
		return nil
	}
	b, err := json.MarshalIndent(map[string]any{"series": all, "ratios": ratios}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.json, append(b, '\n'), 0o644)
}

func scenarios(o options) ([]scenario, error) {
	var all []scenario
	for depth := range strings.SplitSeq(o.pipeline, ",") {
		n, err := strconv.Atoi(depth)
		if err != nil || n < 1 || n > keyspace {
			return nil, fmt.Errorf("-pipeline: %q is not a number from 1 to %d", depth, keyspace)
		}
		for cmd := range strings.SplitSeq(o.cmds, ",") {
			all = append(all, scenario{Command: strings.ToUpper(cmd), Pipeline: n})
		}
	}
	return all, nil
}

func kernel() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "kernel unknown"
	}
	return "Linux " + strings.TrimSpace(string(b))
}
