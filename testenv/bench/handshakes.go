//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// handshakesEach are measured in each round, by handshakers at a time.
	handshakesEach = 600
	handshakers    = 4
	// handshakeRate is how many a second neighbours are measured beside.
	handshakeRate = 200
	// Goals, against HAProxy: CPU of a handshake, and the neighbours' p99.
	handshakeGoal, besideGoal = 0.95, 0.9
)

// handshakes are the figures of one target. Full and Resumed are nanoseconds of its CPU for each, P99 that of GETs of
// neighbours while there are handshakeRate a second; all by round.
type handshakes struct {
	Target  string    `json:"target"`
	Full    []float64 `json:"full_ns"`
	Resumed []float64 `json:"resumed_ns"`
	P99     []float64 `json:"neighbours_p99_ns"`
}

// oneSession returns the same session each time, and takes no new one.
type oneSession struct {
	once sync.Once
	at   *tls.ClientSessionState
}

func (o *oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.at, o.at != nil }
func (o *oneSession) Put(_ string, state *tls.ClientSessionState) {
	if state != nil {
		o.once.Do(func() { o.at = state })
	}
}

// secured measures TLS in front.
func (out *report) secured(ctx context.Context, s *site, o options) error {
	c, err := o.comparison(o.pipeline)
	if err != nil {
		return err
	}
	if c.targets, err = s.targets(ctx, s.alsoFormer([]string{subject, secured, "haproxy-tls"})...); err != nil {
		return err
	}
	c.server = s.server
	if err := out.add(ctx, c, secured); err != nil {
		return err
	}
	for _, t := range c.targets {
		if t.tls != nil {
			out.Handshakes = append(out.Handshakes, &handshakes{Target: t.name})
		}
	}
	for range o.rounds {
		for _, h := range out.Handshakes {
			for _, t := range c.targets {
				if t.name != h.Target {
					continue
				}
				if err := h.round(ctx, t); err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
			}
		}
	}
	writeHandshakes(os.Stdout, out.Handshakes)
	fmt.Println()
	for _, t := range c.targets { // HAProxy needs two descriptors for each, more than are usual
		if t.name != secured {
			continue
		}
		for _, written := range []int{0, 64 << 10} {
			m, err := measureIdle(ctx, t, written)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			out.Idle = append(out.Idle, m)
		}
	}
	writeIdle(os.Stdout, out.Idle)
	return nil
}

func (h *handshakes) round(ctx context.Context, t *target) error {
	full := t.tls.Clone()
	full.SessionTicketsDisabled = true
	cpu, err := measureHandshakes(t, full)
	if err != nil {
		return err
	}
	h.Full = append(h.Full, cpu)
	resumed := t.tls.Clone()
	resumed.ClientSessionCache = &oneSession{}
	first := *t
	first.tls = resumed
	conn, err := first.ask(bulk(value(0)), "GET", key(0)) // the ticket comes with the reply
	if err != nil {
		return err
	}
	_ = conn.Close()
	if cpu, err = measureHandshakes(t, resumed); err != nil {
		return err
	}
	h.Resumed = append(h.Resumed, cpu)
	p99, err := besideHandshakes(ctx, t, full)
	h.P99 = append(h.P99, p99)
	return err
}

// measureHandshakes returns the CPU of a target for one connection: accepted, shaken hands with, closed.
func measureHandshakes(t *target, conf *tls.Config) (cpu float64, err error) {
	m := meter{pid: t.pid}
	if err := m.sample(); err != nil {
		return 0, err
	}
	var all sync.WaitGroup
	errs := make([]error, handshakers)
	for i := range handshakers {
		all.Go(func() {
			for range handshakesEach / handshakers {
				if errs[i] = handshake(t.addr, conf); errs[i] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	err = m.sample()
	return float64(m.used) / handshakesEach, err
}

func handshake(addr string, conf *tls.Config) error {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return err
	}
	secure := tls.Client(conn, conf)
	err = errors.Join(secure.SetDeadline(time.Now().Add(10*time.Second)), secure.Handshake())
	if _, resumes := conf.ClientSessionCache.(*oneSession); err == nil && resumes && !secure.ConnectionState().DidResume {
		err = errors.New("a session was not resumed")
	}
	return errors.Join(err, secure.Close())
}

// besideHandshakes returns the p99 of GETs while others shake hands at handshakeRate.
func besideHandshakes(ctx context.Context, t *target, conf *tls.Config) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	failed := make(chan error, 1)
	all.Go(func() {
		tick := time.NewTicker(time.Second / handshakeRate)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			all.Go(func() {
				if err := handshake(t.addr, conf); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			})
		}
	})
	l := load{addr: t.addr, tls: t.tls, command: "GET", conns: 20, pipeline: 1}
	r, err := l.run(ctx, 300*time.Millisecond, 2*time.Second, func() error { return nil })
	if err != nil {
		return 0, err
	}
	select {
	case err := <-failed:
		return 0, err
	default:
		return float64(r.latencies.quantile(0.99)), nil
	}
}

func writeHandshakes(w io.Writer, all []*handshakes) {
	tw := columns(w)
	fmt.Fprintf(tw, "handshakes\tfull, CPU us\tresumed, CPU us\tGET p99 us beside %d a second\t\n", handshakeRate)
	for _, h := range all {
		fmt.Fprintf(tw, "%s\t%.0f\t%.0f\t%.0f\t\n", h.Target, summaryOf(h.Full).Median/1e3,
			summaryOf(h.Resumed).Median/1e3, summaryOf(h.P99).Median/1e3)
	}
	if len(all) == 2 {
		fmt.Fprintf(tw, "ratios, median (min-max)\t%s\t%s\t%s\t\n", ratio(all[0].Full, all[1].Full, handshakeGoal),
			ratio(all[0].Resumed, all[1].Resumed, handshakeGoal), ratio(all[0].P99, all[1].P99, besideGoal))
	}
	tw.Flush()
}

// ratio is that of two figures round by round, and whether its median is within a goal.
func ratio(ours, others []float64, goal float64) string {
	var all []float64
	for i := range ours {
		all = append(all, ours[i]/others[i])
	}
	d := summaryOf(all)
	return fmt.Sprintf("%.2f (%.2f-%.2f), <= %.2f %s", d.Median, d.Min, d.Max, goal, judged(d.Median <= goal))
}
