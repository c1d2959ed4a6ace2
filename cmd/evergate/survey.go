package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"evergate/cmd/evergate/settings"
	"evergate/gateway"
	"evergate/gateway/config"
)

// survey connects to the servers of every service and prints what it found, problems first. It fails if a service
// cannot be served, or would not survive a failover.
func survey(ctx context.Context, out io.Writer, conf config.Gateway) error {
	texts := make([]strings.Builder, len(conf.Services))
	errs := make([]error, len(conf.Services))
	var all sync.WaitGroup
	for i := range conf.Services {
		all.Go(func() { errs[i] = surveyService(ctx, &texts[i], conf, i) })
	}
	all.Wait()
	for i := range texts {
		printf(out, "%s", texts[i].String())
	}
	if err := errors.Join(errs...); err != nil {
		return runtimeError{err}
	}
	return nil
}

func surveyService(ctx context.Context, out io.Writer, conf config.Gateway, i int) error {
	service := &conf.Services[i]
	found, err := gateway.Survey(ctx, conf, i)
	if err != nil {
		return fmt.Errorf("service %s: %w", service.Name, err)
	}
	verdict, fails := verdictOf(service, found)
	printf(out, "service %s %s", service.Name, verdict)
	for _, problem := range found.Problems {
		printf(out, "  %-8s  %s", gradeWords[problem.Grade], problem.Text)
	}
	printFound(out, found)
	if !found.Has(gateway.Broken) {
		outageOf(service, found.DownAfter).print(out, longestHold(service, found.DownAfter), found.DownAfter)
	}
	if fails {
		return fmt.Errorf("service %s %s: %s", service.Name, verdict, found.Problems[0].Text)
	}
	return nil
}

var gradeWords = [...]string{gateway.Broken: "FAIL", gateway.Fragile: "FAIL", gateway.Warning: "warning",
	gateway.Hint: "hint"}

// verdictOf returns the verdict on a service, and whether it is a failure.
func verdictOf(service *config.Service, found *gateway.Findings) (verdict string, fails bool) {
	switch {
	case found.Has(gateway.Broken):
		return "cannot be served now", true
	case found.Has(gateway.Fragile):
		return "would not survive a failover", true
	case service.Primary != "":
		return "works", false
	}
	return "works, and survives a failover", false
}

// printFound prints the answers of Sentinels and servers, and the topology that the gateway would use.
func printFound(out io.Writer, found *gateway.Findings) {
	for _, s := range found.Sentinels {
		if s.Lost != "" {
			printf(out, "  sentinel  %s  %s", s.Addr, s.Lost)
			continue
		}
		printf(out, "  sentinel  %s  primary %s, quorum %d of %d, down-after %s, config epoch %d", s.Addr, s.Report.Primary,
			s.Report.Quorum, s.Report.Sentinels, settings.ShowDuration(s.Report.DownAfter), s.Report.ConfigEpoch)
	}
	for _, n := range found.Nodes {
		if n.Lost != "" {
			printf(out, "  server    %s  %s", n.Addr, n.Lost)
			continue
		}
		version := ""
		if n.Role.Version != "" {
			version = ", version " + n.Role.Version
		}
		printf(out, "  server    %s  %s%s", n.Addr, roleWord(n.Role.Role.String()), version)
	}
	if found.View == nil {
		return
	}
	for _, shard := range found.View.Shards {
		primary, replicas := "no primary", []string{}
		if shard.Primary != nil {
			primary = "primary " + shard.Primary.Addr
		}
		for _, replica := range shard.Replicas {
			replicas = append(replicas, replica.Addr)
		}
		printf(out, "  use       %s: %s, %s", shard.Name, primary, replicaWords(replicas))
	}
}

func roleWord(role string) string {
	if role == "refused" {
		return "reachable, role unknown"
	}
	return role
}

func replicaWords(addresses []string) string {
	if len(addresses) == 0 {
		return "no replica for reads"
	}
	return "replicas for reads " + strings.Join(addresses, " ")
}

// outage describes how long writes pause when a primary dies.
type outage struct {
	// setting is the servers' name for the time after which a primary counts as down; empty without automatic failover.
	setting string
	// after is its value; downAfter is false if the servers did not report it and it is their default.
	after     time.Duration
	downAfter bool
	// pause is the longest that a failover usually takes: detection, agreement and promotion.
	pause time.Duration
}

// The servers' defaults (sentinel.c, cluster.c), and the time on top of the detection. Sentinels ping every second and
// ask each other every second. A cluster's nodes ping within half the node timeout; their election waits between 0.5
// and 1 s, and then for votes.
const (
	defaultDownAfter   = 30 * time.Second
	defaultNodeTimeout = 15 * time.Second
	sentinelElection   = 2500 * time.Millisecond
	clusterElection    = 1500 * time.Millisecond
)

// outageOf computes the outage of a service. downAfter is as the topology reported it, zero if it did not.
func outageOf(service *config.Service, downAfter time.Duration) outage {
	o := outage{after: downAfter, downAfter: downAfter > 0}
	switch {
	case len(service.Sentinels) > 0:
		o.setting = "down-after-milliseconds"
		if !o.downAfter {
			o.after = defaultDownAfter
		}
		o.pause = o.after + sentinelElection
	case len(service.Cluster) > 0:
		o.setting = "cluster-node-timeout"
		if !o.downAfter {
			o.after = defaultNodeTimeout
		}
		o.pause = o.after + o.after/2 + clusterElection
	}
	return o
}

// clientTimeout returns the least read timeout of a client: the pause, or the shorter time after which the gateway
// answers -LOADING, and a second for the reply.
func (o outage) clientTimeout(window time.Duration) time.Duration {
	longest := window
	if o.setting != "" {
		longest = min(o.pause, window)
	}
	return (longest + 2*time.Second - 1).Truncate(time.Second)
}

// print prints the effect of a failover on writes, and on clients of a listener with the given hold.
func (o outage) print(out io.Writer, hold config.Hold, downAfter time.Duration) {
	window := hold.Longest(downAfter)
	word := "hold is " + settings.ShowHold(hold)
	if hold.Mode == config.HoldAuto {
		word += ", here " + settings.ShowDuration(window)
	}
	if o.setting == "" {
		printf(out, "  failover  a plain list has none by itself; a replica that an operator promotes is used")
	} else {
		after := settings.ShowDuration(o.after)
		if !o.downAfter {
			after = "unknown, by default " + after
		}
		printf(out, "  failover  writes pause for up to about %s when a primary dies (%s is %s)", seconds(o.pause), o.setting,
			after)
	}
	switch {
	case window == 0:
		printf(out, "  warning   %s: requests fail with -LOADING while there is no primary", word)
		return
	case o.pause > window:
		printf(out, "  warning   %s: requests fail with -LOADING before there is a new primary; "+
			"set hold to %s, or lower %s", word, seconds(o.pause), o.setting)
	}
	printf(out, "  clients   need a read timeout of %s or more: %s", settings.ShowDuration(o.clientTimeout(window)), word)
}

// longestHold returns the hold of the listener whose requests wait longest.
func longestHold(service *config.Service, downAfter time.Duration) config.Hold {
	listeners := service.Listeners()
	longest := service.HoldAt(listeners[0])
	for _, listen := range listeners {
		if h := service.HoldAt(listen); h.Longest(downAfter) > longest.Longest(downAfter) {
			longest = h
		}
	}
	return longest
}

// seconds returns an estimated time, rounded up to half a second.
func seconds(d time.Duration) string {
	halves := (d + 500*time.Millisecond - 1) / (500 * time.Millisecond)
	return strconv.FormatFloat(float64(halves)/2, 'f', -1, 64) + "s"
}
