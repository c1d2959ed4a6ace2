package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"evergate/testenv/servers"
)

//go:embed except.txt
var exceptText string

// exceptions parses except.txt: a line "unit: test" and below it, indented, the reason.
func exceptions() (map[string]string, error) {
	listed := map[string]string{}
	last := ""
	for line := range strings.Lines(exceptText) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == ' ' && last != "":
			listed[last] += strings.TrimSpace(line) + " "
		default:
			last = line
			listed[last] = ""
		}
	}
	for name, why := range listed {
		if why == "" {
			return nil, fmt.Errorf("except.txt gives no reason for %q", name)
		}
	}
	return listed, nil
}

// notRun begins the reason of an exception that is not run through the gateway: it would stop later tests, or passes in
// some runs.
const notRun = "Not run: "

// toSkip returns the tests of a unit that are not run through the gateway.
func toSkip(listed map[string]string, unit string) (names []string) {
	for full, why := range listed {
		if name, here := strings.CutPrefix(full, unit+": "); here && strings.HasPrefix(why, notRun) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// result is the result of one run of a unit. A test whose name occurs several times passes if all of them do.
type result struct {
	passed, failed []string
	// printed are the suite's lines about failures.
	printed []string
	took    time.Duration
}

// play starts servers and runs one unit, straight against the primary, or through a gateway without the tests to skip.
func play(ctx context.Context, o options, unit string, through bool, skip ...string) (r *result, err error) {
	env, err := servers.Sentinel(servers.Options{Replicas: 2, Config: []string{"enable-debug-command yes"}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, env.Close()) }()
	name := unit
	if userUnits[unit] != "" {
		o.patient *= 5 // the gateway reads its file every second
		if name, err = external(o.source, unit); err != nil {
			return nil, err
		}
	}
	if !through {
		return runtest(ctx, o, name, env.Primary().Addr, skip)
	}
	args := []string{"--sentinel", env.SentinelAddrs(), "--master-name", "main", "--hold", "2s",
		"--workers", o.workers}
	if !o.plain {
		args = append(args, policy...)
	}
	if userUnits[unit] != "" {
		return playUsers(ctx, o, name, args, skip)
	}
	gate, err := servers.RunGateway(servers.GatewayOptions{Args: args})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, gate.Close()) }()
	return runtest(ctx, o, name, gate.Addr, skip)
}

// playUsers runs a unit about users through a gateway with a file of users.
func playUsers(ctx context.Context, o options, name string, args, skip []string) (r *result, err error) {
	model, err := servers.Plain(servers.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, model.Close()) }()
	dir, err := os.MkdirTemp("", "evergate-suite-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file, err := userFile(dir)
	if err != nil {
		return nil, err
	}
	gate, err := servers.RunGateway(servers.GatewayOptions{Args: append(args, "--users-file", file)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, gate.Close()) }()
	u, err := newUsers(gate, file, model.Primary().Addr)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, u.Close()) }()
	return runtest(ctx, o, name, u.Addr().String(), skip)
}

// policy allows the commands with which the suite inspects a server.
var policy = []string{"--allow", "debug,config|set,pfdebug,pfselftest,sync"}

// basePort is the first port that the suite tries for itself: below those of testenv's servers.
const basePort = "10400"

// runtest runs the suite. When ctx ends, all its processes are ended.
func runtest(ctx context.Context, o options, unit, addr string, skip []string) (*result, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.patient)
	defer cancel()
	args := []string{"tests/test_helper.tcl", "--host", host, "--port", port, "--baseport", basePort, "--singledb",
		"--single", unit, "--tags", o.tags, "--clients", "1", "--durable", "--timeout", "120"}
	for _, name := range skip {
		args = append(args, "--skiptest", name)
	}
	cmd := exec.CommandContext(ctx, "tclsh", args...)
	cmd.Dir = o.source
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if !bytes.Contains(out, []byte("[")) {
		return nil, errors.Join(fmt.Errorf("the suite did not run: %s", out), err)
	}
	r := parse(out)
	r.took = time.Since(began)
	if ctx.Err() != nil {
		r.printed = append(r.printed, "ended after "+o.patient.String())
	}
	return r, nil
}

var (
	colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	verdict = regexp.MustCompile(`^\[(ok|err|exception)\]: (.*?)(?: \(\d+ ms\))?$`)
)

// parse parses the suite's output: "[ok]: name (3 ms)", "[err]: name in tests/unit/x.tcl".
func parse(out []byte) *result {
	r := &result{}
	failed := map[string]bool{}
	explained := false // the lines after a failure say what was expected
	for in := bufio.NewScanner(bytes.NewReader(colours.ReplaceAll(out, nil))); in.Scan(); {
		m := verdict.FindStringSubmatch(in.Text())
		switch {
		case m == nil && explained && !strings.HasPrefix(in.Text(), "["):
			r.printed = append(r.printed, "    "+in.Text())
			continue
		case m == nil:
		case m[1] == "ok":
			r.passed = append(r.passed, m[2])
		default:
			name, _, _ := strings.Cut(m[2], " in tests/")
			failed[name] = true
			r.printed = append(r.printed, in.Text())
		}
		explained = m != nil && m[1] != "ok"
	}
	for name := range failed {
		r.failed = append(r.failed, name)
	}
	r.passed = slices.DeleteFunc(r.passed, func(name string) bool { return failed[name] })
	slices.Sort(r.passed)
	r.passed = slices.Compact(r.passed)
	return r
}
