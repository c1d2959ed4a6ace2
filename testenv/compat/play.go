package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"evergate/testenv/servers"
)

const (
	// readyPatience is the time limit until a program works steadily.
	readyPatience = 60 * time.Second
	// switchPatience is the time limit for the servers, whose votes may be split.
	switchPatience = 60 * time.Second
	// endPatience is the time limit from the switch until a program ends, including the delays of job queues.
	endPatience = 90 * time.Second
	// complaintBytes is how much of a program's standard error a failure has, in bytes.
	complaintBytes = 1500
)

// topology is the topology behind the gateway.
type topology struct {
	name  string
	start func() (*servers.Env, error)
	// gateway returns the flags that name the servers; nil for servers without a gateway.
	gateway func(*servers.Env) []string
	// secure: TLS on all legs, for clients with that.
	secure bool
}

var topologies = []topology{sentinel("sentinel", false), cluster("cluster", false),
	sentinel("sentinel, TLS", true), cluster("cluster, TLS", true)}

// sentinel and cluster are servers that fail over. A split vote of Sentinels takes longer than the gateway waits by
// default, and would not test a client.
func sentinel(name string, secure bool) topology {
	return topology{name: name, secure: secure,
		start: func() (*servers.Env, error) {
			return servers.Sentinel(servers.Options{Replicas: 2, Fast: true, TLS: secure})
		},
		gateway: func(e *servers.Env) []string {
			return []string{"--sentinel", e.SentinelAddrs(), "--master-name", "main", "--hold", "60s"}
		}}
}

func cluster(name string, secure bool) topology {
	return topology{name: name, secure: secure,
		start: func() (*servers.Env, error) {
			return servers.Cluster(servers.Options{Primaries: 3, Replicas: 1, TLS: secure})
		},
		gateway: func(e *servers.Env) []string { return []string{"--cluster", e.Addrs(), "--hold", "60s"} }}
}

var plain = topology{name: "straight",
	start: func() (*servers.Env, error) { return servers.Plain(servers.Options{}) }}

// results is what a program prints at its end.
type results struct {
	Library  string   `json:"library"`
	Version  string   `json:"version"`
	Ran      []string `json:"ran"`
	Settings string   `json:"settings"` // settings that differ from the library's defaults, and why
	// Operations is the number of operations in the steady work, Acknowledged of those without an error.
	Operations   int `json:"operations"`
	Acknowledged int `json:"acknowledged"`
	// Missing were acknowledged and not found afterwards, Twice were found more often than they were sent.
	Missing int `json:"missing"`
	Twice   int `json:"twice"`
	// Errors has the texts of all errors that the application saw, with their numbers.
	Errors map[string]int `json:"errors"`
}

// play runs a client's program with servers of its own, and returns its results and the gateway's receipts.
func play(ctx context.Context, c client, place topology, verbose bool) (s results, lost []string, err error) {
	env, err := place.start()
	if err != nil {
		return s, nil, err
	}
	defer func() { err = errors.Join(err, env.Close()) }()
	if place.gateway == nil {
		p, err := start(ctx, c, env.Primary().Addr, "", verbose)
		if err != nil {
			return s, nil, err
		}
		defer p.end()
		if _, err := p.ready(); err != nil {
			return s, nil, err
		}
		s, err = p.finish()
		return s, nil, err
	}
	gate, ca, err := runGateway(env, place)
	if err != nil {
		return s, nil, err
	}
	defer func() { err = errors.Join(err, gate.Close()) }()
	p, err := start(ctx, c, gate.Addr, ca, verbose)
	if err != nil {
		return s, nil, err
	}
	defer p.end()
	key, err := p.ready()
	if err != nil {
		return s, nil, err
	}
	if err := strike(ctx, env, gate, key); err != nil {
		return s, nil, err
	}
	if s, err = p.finish(); err != nil {
		return s, nil, err
	}
	lost, err = receipts(ctx, gate)
	return s, lost, err
}

// runGateway runs the gateway in front of env. ca is the file with which clients check its certificate; empty without
// TLS.
func runGateway(env *servers.Env, place topology) (gate *servers.Gateway, ca string, err error) {
	o := servers.GatewayOptions{Args: place.gateway(env)}
	if place.secure {
		ca = env.TLS.CA
		o.Args = append(o.Args, env.TLS.ToServers(len(env.Sentinels) > 0)...)
		o.Args = append(o.Args, "--tls-cert-file", env.TLS.Cert, "--tls-key-file", env.TLS.Key)
		if o.TLS, err = env.TLS.Client(); err != nil {
			return nil, "", err
		}
	}
	gate, err = servers.RunGateway(o)
	return gate, ca, err
}

// program is a running program.
type program struct {
	cmd        *exec.Cmd
	in         io.WriteCloser
	out        *bufio.Reader
	complaints strings.Builder
}

func start(ctx context.Context, c client, addr, ca string, verbose bool, more ...string) (*program, error) {
	args := append(append(slices.Clone(c.command[1:]), addr), more...)
	p := &program{cmd: exec.CommandContext(ctx, c.command[0], args...)}
	modules, err := filepath.Abs(filepath.Join(built, "node", "node_modules"))
	if err != nil {
		return nil, err
	}
	p.cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	if ca != "" {
		p.cmd.Env = append(p.cmd.Env, "EVERGATE_CA="+ca)
	}
	p.cmd.Stderr = &p.complaints
	if verbose {
		p.cmd.Stderr = io.MultiWriter(os.Stderr, &p.complaints)
	}
	// A job library's workers are processes of their own, which must not outlive the program.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Cancel = func() error { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }
	p.cmd.WaitDelay = 5 * time.Second
	in, err1 := p.cmd.StdinPipe()
	out, err2 := p.cmd.StdoutPipe()
	p.in, p.out = in, bufio.NewReader(out)
	return p, errors.Join(err1, err2, p.cmd.Start())
}

// end ends all its processes.
func (p *program) end() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	_ = p.cmd.Wait()
}

// line returns the next line that begins with begin; libraries print lines of their own.
func (p *program) line(begin string, patience time.Duration) (string, error) {
	late := time.AfterFunc(patience, func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
	defer late.Stop()
	for {
		line, err := p.out.ReadString('\n')
		if strings.HasPrefix(line, begin) {
			return strings.TrimSpace(line), nil
		}
		if err != nil {
			_ = p.cmd.Wait() // its standard error is complete then
			text := strings.TrimSpace(p.complaints.String())
			text = text[max(0, len(text)-complaintBytes):]
			return "", fmt.Errorf("the program ended, or was ended after %v, without %q: %s", patience, begin, text)
		}
	}
}

// ready waits until the program works steadily, and returns the key that it uses.
func (p *program) ready() (string, error) {
	line, err := p.line("ready ", readyPatience)
	return strings.TrimPrefix(line, "ready "), err
}

// finish tells the program to end, and returns its results.
func (p *program) finish() (s results, err error) {
	if _, err := io.WriteString(p.in, "switched\n"); err != nil {
		return s, fmt.Errorf("the program does not listen any more: %w: %s", err, p.complaints.String())
	}
	line, err := p.line("{", endPatience)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(line), &s)
}
