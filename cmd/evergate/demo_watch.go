package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"evergate/testenv"
)

// comeBackAfter is how long a killed server stays dead: long enough that the others have elected a new primary.
const comeBackAfter = 10 * time.Second

// watch looks at the servers once a second until a signal comes.
func (d *demo) watch(signals <-chan os.Signal) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	w := demoWatch{d: d, primaries: map[*testenv.Group]*testenv.Node{}, deadSince: map[*testenv.Node]time.Time{}}
	for _, group := range d.env.Groups {
		w.primaries[group] = group.Primary()
	}
	w.before = w.sample(time.Now())
	defer w.hangUp()
	for {
		select {
		case <-signals:
			return
		case now := <-ticker.C:
			w.tellPrimaries()
			w.bringBack(now)
			w.tellRates(now)
		}
	}
}

// demoWatch is what was seen a second ago.
type demoWatch struct {
	d         *demo
	primaries map[*testenv.Group]*testenv.Node
	deadSince map[*testenv.Node]time.Time
	before    sample
	gateway   *testenv.Conn
}

// sample are counters at one time: of requests to the gateway, and of keys read on each server.
type sample struct {
	at       time.Time
	requests int64
	reads    map[*testenv.Node]int64
}

func (w *demoWatch) tellPrimaries() {
	for _, group := range w.d.env.Groups {
		primary := group.Primary()
		if primary == nil || primary == w.primaries[group] {
			continue
		}
		w.primaries[group] = primary
		w.d.screen.say("%s has a new primary. The next one to kill:  %s", group.Name, killLine(group, primary))
	}
}

// bringBack starts killed servers again, as an operator would.
func (w *demoWatch) bringBack(now time.Time) {
	for _, node := range slices.Concat(w.d.env.Nodes(), w.d.env.Sentinels) {
		if !errors.Is(syscall.Kill(node.Pid(), 0), syscall.ESRCH) {
			continue
		}
		since, known := w.deadSince[node]
		switch {
		case !known:
			w.deadSince[node] = now
			w.d.screen.say("%s is dead", node.Addr)
		case now.Sub(since) >= comeBackAfter:
			delete(w.deadSince, node)
			if err := node.Restart(); err != nil {
				w.d.screen.say("%s does not come back: %v", node.Addr, err)
				continue
			}
			w.d.screen.say("%s is back, with process id %d", node.Addr, node.Pid())
		}
	}
}

// tellRates shows what flowed since the last look. On a terminal the line is there always, else only when something
// flowed.
func (w *demoWatch) tellRates(now time.Time) {
	after := w.sample(now)
	seconds := after.at.Sub(w.before.at).Seconds()
	rate := func(after, before int64) int64 { return int64(float64(max(after-before, 0))/seconds + 0.5) }
	// The question for the counter is itself a request.
	requests := max(rate(after.requests, w.before.requests)-1, 0)
	read := []string{}
	flows := requests > 0
	for _, group := range w.d.env.Groups {
		for _, node := range group.Nodes {
			count, answered := after.reads[node]
			before, known := w.before.reads[node]
			if !answered || !known {
				continue
			}
			reads := rate(count, before)
			flows = flows || reads > 0
			read = append(read, fmt.Sprintf("%s %d", w.nameOf(group, node), reads))
		}
	}
	w.before = after
	text := fmt.Sprintf("%d requests/s; keys read/s: %s", requests, strings.Join(read, ", "))
	w.d.screen.rates(text, flows)
}

func (w *demoWatch) nameOf(group *testenv.Group, node *testenv.Node) string {
	name := strconv.Itoa(node.Port)
	if w.primaries[group] == node {
		name += " (primary)"
	}
	return name
}

// sample asks everybody. Keys looked up are what a server counts of reads only: a replica does not count what it
// applies for its primary.
func (w *demoWatch) sample(now time.Time) sample {
	s := sample{at: now, requests: w.before.requests, reads: map[*testenv.Node]int64{}}
	for _, node := range w.d.env.Nodes() {
		if _, dead := w.deadSince[node]; dead {
			continue
		}
		if reply, err := node.Do("INFO", "stats"); err == nil {
			text := fmt.Sprint(reply)
			s.reads[node] = counter(text, "keyspace_hits") + counter(text, "keyspace_misses")
		}
	}
	if text, err := w.askGateway(); err == nil {
		s.requests = counter(text, "total_commands_processed")
	}
	return s
}

// askGateway asks over an ordinary client connection, as anybody can.
func (w *demoWatch) askGateway() (string, error) {
	if w.gateway == nil {
		conn, err := testenv.Dial(w.d.addr)
		if err != nil {
			return "", err
		}
		w.gateway = conn
	}
	reply, err := w.gateway.Do("INFO", "stats")
	if err != nil {
		w.hangUp()
	}
	return string(reply), err
}

func (w *demoWatch) hangUp() {
	if w.gateway != nil {
		_ = w.gateway.Close()
		w.gateway = nil
	}
}

// counter finds "name:123" in the text of INFO; 0 when it is not there.
func counter(info, name string) int64 {
	for line := range strings.Lines(info) {
		if text, found := strings.CutPrefix(line, name+":"); found {
			n, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			return n
		}
	}
	return 0
}
