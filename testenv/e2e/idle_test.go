package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"evergate/testenv/servers"
)

// monitored is a line of MONITOR: the time, the client's address, and the command.
var monitored = regexp.MustCompile(`^\+([0-9.]+) \[\d+ ([^\]]+)\] (.*)\r\n$`)

// notGateways are connections in CLIENT LIST that are no gateway's: Sentinels', and those of replication.
var notGateways = regexp.MustCompile(`(?m)^id=\d+ addr=(\S+) .*(?: name=sentinel-| flags=[SM] )`)

// TestIdleTopologyIsHardlyAsked counts what servers are asked by a gateway that has idle clients, and how often.
func TestIdleTopologyIsHardlyAsked(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) (*servers.Env, []string){
		"sentinel": func(t *testing.T) (*servers.Env, []string) {
			env := servers.StartSentinel(t, servers.Options{Replicas: 2})
			return env, []string{"--sentinel", env.SentinelAddrs(), "--master-name", "main"}
		},
		"cluster": func(t *testing.T) (*servers.Env, []string) {
			env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1})
			return env, []string{"--cluster", env.Nodes()[0].Addr}
		},
		"plain": func(t *testing.T) (*servers.Env, []string) {
			env := servers.StartPlain(t, servers.Options{Replicas: 2})
			return env, []string{"--primary", env.Primary().Addr, "--replica", env.Groups[0].Nodes[1].Addr,
				"--replica", env.Groups[0].Nodes[2].Addr}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, args := start(t)
			gate := servers.StartGateway(t, append(args, "--reads", "prefer-replica")...)
			conn := servers.MustDial(t, gate.Addr)
			expect(t, conn, "+OK\r\n", "SET", "k", "v")
			expect(t, conn, "$1\r\nv\r\n", "GET", "k")
			// Connections are opened at first, and replicas that have joined late are asked more.
			servers.Until(t, servers.Patience, "at most 2 commands a second and server", func() error {
				return hardlyAsked(env.Nodes())
			})
		})
	}
}

// hardlyAsked returns an error if servers are asked more than twice a second by a gateway.
func hardlyAsked(nodes []*servers.Node) error {
	failures := make([]error, len(nodes))
	var asking sync.WaitGroup
	for i, n := range nodes {
		asking.Go(func() {
			commands, seconds, err := askedOf(n)
			if failures[i] = err; err == nil && float64(len(commands)) > 2*seconds {
				failures[i] = fmt.Errorf("%s: %d commands in %.1f s: %q", n.Addr, len(commands), seconds, commands)
			}
		})
	}
	asking.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

// askedOf returns what a gateway asks a server from one question for its role to the fifth one after it, and how many
// seconds that takes.
func askedOf(n *servers.Node) (commands []string, seconds float64, err error) {
	conn, err := servers.Dial(n.Addr)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	if _, err := conn.Do("MONITOR"); err != nil {
		return nil, 0, err
	}
	list, err := n.Do("CLIENT", "LIST")
	if err != nil {
		return nil, 0, err
	}
	others := map[string]bool{conn.LocalAddr().String(): true}
	for _, line := range notGateways.FindAllStringSubmatch(list.(string), -1) {
		others[line[1]] = true
	}
	first := 0.0
	for questions := 0; questions < 6; {
		line, err := conn.Frame()
		if err != nil {
			return nil, 0, err
		}
		m := monitored.FindStringSubmatch(string(line))
		if m == nil || others[m[2]] {
			continue
		}
		at, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return nil, 0, err
		}
		if strings.EqualFold(m[3], `"info" "replication"`) {
			questions++
		}
		if questions == 1 && first == 0 {
			first = at
		}
		if questions > 0 {
			commands = append(commands, m[3])
		}
		seconds = at - first
	}
	return commands[1:], seconds, nil
}
