// Compat runs client libraries through the gateway, in front of Sentinels and in front of a cluster. Each has servers
// of its own and a short program in testenv/clients, which does the usual work of that library and then works on
// steadily while its primary is killed. The result is a table.
//
//	go run ./testenv/compat                         all clients, and write the table
//	go run ./testenv/compat -only ioredis,go-redis  some, and write nothing
//	go run ./testenv/compat -straight -only ioredis against one server without a gateway, where nothing is killed
//	go run ./testenv/compat -maintenance failover   libraries that ask for notifications, with default settings, while
//	                                                a primary is killed; -maintenance restart: while two gateways are
//	                                                restarted one by one, behind what -front names; with -cluster
//	                                                they are cluster clients of listeners with the cluster facade
//
// A program gets HOST:PORT, and the file of a CA in EVERGATE_CA when it is to speak TLS. It prints "ready KEY" once
// all of its usual work has succeeded and it works on steadily; KEY selects the shard that serves it. A line on its
// standard input means that the primary has been replaced: the program works on for a while, reads everything back, and
// prints its results as one line of JSON (results).
//
// A client passes if its application saw no error but UNCERTAIN, no acknowledged write is missing beyond the bound of
// the gateway's receipt, and no write was executed twice. The exit code is 1 if one does not pass.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

type options struct {
	only     string
	topology string
	straight bool
	table    string
	verbose  bool
	// maintenance is what happens to libraries with default settings, empty for the usual runs; connections is how many
	// each has, front what leads them to the gateways, endpoint whether each gateway names the other in MOVING, delay the
	// gateways' drain-delay, away how long a gateway is stopped, and cluster whether they are cluster clients.
	maintenance string
	connections int
	front       string
	endpoint    bool
	delay       string
	away        time.Duration
	cluster     bool
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "run these `clients` only, and write no table")
	flag.StringVar(&o.topology, "topology", "", "sentinel, cluster, or one of them with \", TLS\"; all when not given")
	flag.BoolVar(&o.straight, "straight", false, "run against one server without the gateway, and write no table")
	flag.StringVar(&o.table, "table", filepath.Join("docs", "compatibility", "clients.md"), "`file` of the table")
	flag.BoolVar(&o.verbose, "verbose", false, "show what programs say on standard error")
	flag.StringVar(&o.maintenance, "maintenance", "",
		"failover or restart: libraries with default settings, with and without notifications; write no table")
	flag.IntVar(&o.connections, "connections", 200, "`number` of connections of each library, with -maintenance")
	flag.StringVar(&o.front, "front", "relay",
		"`what` leads clients to the gateways, with -maintenance restart: relay, haproxy, dns or keepalived; none: they get "+
			"the addresses of both, with -cluster")
	flag.BoolVar(&o.endpoint, "endpoint", false, "each gateway names the other in MOVING, with -maintenance restart")
	flag.StringVar(&o.delay, "drain-delay", "0s", "the gateways' --drain-delay, with -maintenance restart")
	flag.DurationVar(&o.away, "away", 0, "how `long` a gateway is stopped, with -maintenance restart")
	flag.BoolVar(&o.cluster, "cluster", false, "cluster clients, at listeners with the cluster facade, with -maintenance")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.maintenance != "" {
		return maintain(ctx, o)
	}
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	places := topologies
	switch {
	case o.straight:
		places = []topology{plain}
	case o.topology != "":
		places = slices.DeleteFunc(slices.Clone(places), func(p topology) bool { return p.name != o.topology })
		if len(places) == 0 {
			return fmt.Errorf("%q is no topology", o.topology)
		}
	}
	var rows []row
	failed := 0
	for _, c := range chosen {
		for _, place := range places {
			if place.secure && !c.secure {
				continue
			}
			r := measure(ctx, c, place, o.verbose)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if r.failed != "" {
				failed++
			}
			fmt.Println(r.line())
			rows = append(rows, r)
		}
	}
	if o.only == "" && o.topology == "" && !o.straight {
		if err := writeTable(o.table, rows); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d runs failed", failed, len(rows))
	}
	return nil
}

// choose returns clients by name; no name means all.
func choose(names string) ([]client, error) {
	if names == "" {
		return clients, nil
	}
	var chosen []client
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(clients, func(c client) bool { return c.name == name })
		if i < 0 {
			return nil, errors.New("no client is named " + name)
		}
		chosen = append(chosen, clients[i])
	}
	return chosen, nil
}
