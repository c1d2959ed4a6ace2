//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"

	"evergate/testenv/servers"
)

// Loads of applications beyond GET and SET, with goals.

// appGoal is a bound on a figure, or on the median of its rounds.
type appGoal struct {
	what    string
	bound   float64
	atLeast bool // otherwise at most
}

var (
	mgetRate    = appGoal{"MGET of 100 keys over 3 shards / on one server: requests a second", 0.4, true}
	mgetP99     = appGoal{"MGET of 100 keys over 3 shards / on one server: p99", 2.5, false}
	evalshaCPU  = appGoal{"EVALSHA / GET, pipeline 16: the gateway's CPU a request", 1.3, false}
	publishRate = appGoal{"PUBLISH to 1,000 subscribers / straight: messages a second, %d on their way", 0.8, true}
	blockedSize = appGoal{"BLPOP, a client that waits: bytes of resident memory", 8 << 10, false}
)

// appFigure is the result for one of the goals.
type appFigure struct {
	What   string       `json:"what"`
	Value  distribution `json:"value"`
	Goal   string       `json:"goal"`
	Met    bool         `json:"met"`
	Detail string       `json:"detail,omitempty"`
}

func (g appGoal) judge(values []float64, detail string) appFigure {
	f := appFigure{What: g.what, Value: summaryOf(values), Detail: detail}
	if g.atLeast {
		f.Goal, f.Met = fmt.Sprintf(">= %g", g.bound), f.Value.Median >= g.bound
	} else {
		f.Goal, f.Met = fmt.Sprintf("<= %g", g.bound), f.Value.Median <= g.bound
	}
	return f
}

// measureApps measures all of them.
func (s *site) measureApps(ctx context.Context, o options) (all []appFigure, err error) {
	straight, err := s.targets(ctx, "direct", subject)
	if err != nil {
		return nil, err
	}
	direct, gateway := straight[0], straight[1]
	cluster, err := s.clusterTarget(ctx)
	if err != nil {
		return nil, err
	}
	for _, measure := range []func() ([]appFigure, error){
		func() ([]appFigure, error) { return measureMGET(ctx, o, direct, cluster) },
		func() ([]appFigure, error) { return measureEVALSHA(ctx, o, gateway) },
		func() ([]appFigure, error) { return measurePublishing(ctx, o, direct, gateway) },
		func() ([]appFigure, error) { return s.measureBlocked(ctx) },
	} {
		figures, err := measure()
		if err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	return all, nil
}

// clusterTarget returns the gateway in front of a Cluster of three primaries.
func (s *site) clusterTarget(ctx context.Context) (*target, error) {
	both, err := s.modeTargets(ctx, runtime.NumCPU())
	if err != nil {
		return nil, err
	}
	return both[1], nil
}

// comparedRounds measures targets in scenarios, and returns the series in the order of scenarios, then targets.
func comparedRounds(ctx context.Context, o options, scenarios []scenario, targets ...*target) ([]*series, error) {
	c := &comparison{
		targets: targets, scenarios: scenarios, rounds: o.rounds, conns: o.conns, warmup: o.each() / 7, measured: o.each(),
	}
	return c.run(ctx)
}

func measureMGET(ctx context.Context, o options, direct, cluster *target) ([]appFigure, error) {
	all, err := comparedRounds(ctx, o, []scenario{{Command: "MGET", Pipeline: 1}}, direct, cluster)
	if err != nil {
		return nil, err
	}
	one, over := all[0].Rounds, all[1].Rounds
	detail := fmt.Sprintf("%.0f and %.0f a second, p99 %.1f and %.1f ms", summaryOf(requests.over(over)).Median,
		summaryOf(requests.over(one)).Median, summaryOf(p99.over(over)).Median/1e6, summaryOf(p99.over(one)).Median/1e6)
	return []appFigure{
		mgetRate.judge(ratios(requests, over, one), detail), mgetP99.judge(ratios(p99, over, one), ""),
	}, nil
}

// ratios divides a measure of one series by that of another, round by round.
func ratios(m measure, over, under []figures) []float64 {
	all := m.over(over)
	for i, by := range m.over(under) {
		all[i] /= by
	}
	return all
}

func measureEVALSHA(ctx context.Context, o options, gateway *target) ([]appFigure, error) {
	conn, err := servers.Dial(gateway.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	name, err := conn.Do("SCRIPT", "LOAD", getScript)
	if err != nil || string(name) != "$40\r\n"+getScriptName+"\r\n" {
		return nil, fmt.Errorf("SCRIPT LOAD: %q, %w", name, err)
	}
	both := []scenario{{Command: "GET", Pipeline: 16}, {Command: "EVALSHA", Pipeline: 16}}
	all, err := comparedRounds(ctx, o, both, gateway)
	if err != nil {
		return nil, err
	}
	get, evalsha := all[0].Rounds, all[1].Rounds
	detail := fmt.Sprintf("%.2f and %.2f us", summaryOf(cpu.over(evalsha)).Median/1e3, summaryOf(cpu.over(get)).Median/1e3)
	return []appFigure{evalshaCPU.judge(ratios(cpu, evalsha, get), detail)}, nil
}

func measurePublishing(ctx context.Context, o options, direct, gateway *target) (all []appFigure, err error) {
	for _, ahead := range publishAhead {
		f, err := measurePublish(ctx, o, ahead, direct, gateway)
		if err != nil {
			return nil, err
		}
		f.What = fmt.Sprintf(f.What, ahead)
		all = append(all, f)
	}
	return all, nil
}

func measurePublish(ctx context.Context, o options, ahead int, direct, gateway *target) (f appFigure, err error) {
	var over, straight []float64
	for round := range o.rounds {
		for _, at := range order(2, round) {
			t := []*target{direct, gateway}[at]
			rate, err := delivered(ctx, t.addr, fmt.Sprintf("bench:%s:%d:%d", t.name, ahead, round), ahead, o.each())
			if err != nil {
				return f, fmt.Errorf("PUBLISH, %s: %w", t.name, err)
			}
			if t == direct {
				straight = append(straight, rate)
			} else {
				over = append(over, rate)
			}
		}
	}
	detail := fmt.Sprintf("%.0f and %.0f a second", summaryOf(over).Median, summaryOf(straight).Median)
	for i := range over {
		over[i] /= straight[i]
	}
	return publishRate.judge(over, detail), nil
}

const (
	// fewBlocked and manyBlocked are the numbers of waiting clients between which resident memory is compared.
	fewBlocked  = 500
	manyBlocked = 5_500
)

// measureBlocked measures clients that wait for an element that does not come, each with a dedicated connection to the
// server. The gateway is a fresh one: free memory in its heap would hide the growth.
func (s *site) measureBlocked(ctx context.Context) (all []appFigure, err error) {
	started, err := s.targets(ctx, subject)
	if err != nil {
		return nil, err
	}
	gateway := started[0]
	server, err := servers.Dial(s.server.addr)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	var conns []*servers.Conn
	defer func() {
		for _, conn := range conns {
			err = errors.Join(err, conn.Close())
		}
	}()
	waiting := func(count int) (int64, error) {
		for len(conns) < count {
			conn, err := servers.Dial(gateway.addr)
			if err == nil {
				conns = append(conns, conn)
				err = conn.Send("BLPOP", "bench:nothing:"+strconv.Itoa(len(conns)), "0")
			}
			if err != nil {
				return 0, fmt.Errorf("client %d of %d: %w", len(conns), count, err)
			}
		}
		err := servers.WaitFor(ctx, fmt.Sprintf("%d clients to wait", count), func() error {
			return blockedAre(server, count)
		})
		if err != nil {
			return 0, err
		}
		return settled(ctx, gateway.pid)
	}
	few, err := waiting(fewBlocked)
	if err != nil {
		return nil, err
	}
	many, err := waiting(manyBlocked)
	if err != nil {
		return nil, err
	}
	detail := fmt.Sprintf("%.1f MB at %d, %.1f MB at %d", megabytes(few), fewBlocked, megabytes(many), manyBlocked)
	each := float64(many-few) / (manyBlocked - fewBlocked)
	return []appFigure{blockedSize.judge([]float64{each}, detail)}, nil
}

// blockedAre returns an error unless a server has that many blocked clients.
func blockedAre(server *servers.Conn, count int) error {
	info, err := server.Do("INFO", "clients")
	if err != nil {
		return err
	}
	want := fmt.Sprintf("blocked_clients:%d\r\n", count)
	if !bytes.Contains(info, []byte("\n"+want)) {
		return fmt.Errorf("the server does not say %q", want[:len(want)-2])
	}
	return nil
}

func writeApps(w io.Writer, all []appFigure) {
	tw := columns(w)
	fmt.Fprintln(tw, "applications\tgoal\tmedian\tmin-max\t\t\t")
	for _, f := range all {
		fmt.Fprintf(tw, "%s\t%s\t%.2f\t%.2f-%.2f\t%s\t%s\t\n", f.What, f.Goal, f.Value.Median, f.Value.Min, f.Value.Max,
			judged(f.Met), f.Detail)
	}
	tw.Flush()
}
