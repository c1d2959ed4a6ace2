package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"evergate/testenv/servers"
)

// comeBackAfter is how long a server stays dead that somebody has killed: long enough for the others to elect a new
// primary.
const comeBackAfter = 10 * time.Second

// demoLook inspects the servers once a second, in a goroutine of its own: a frozen server blocks it.
type demoLook struct {
	d *demo
	// Of the goroutine that looks:
	primaries map[*servers.Group]*servers.Node
	deadSince map[*servers.Node]time.Time
	before    sample

	mu sync.Mutex
	// Guarded by mu. left: dead servers are not restarted for now; now: they are restarted at once. read is the text of
	// the rates of reads, flows reports whether there were any.
	left, now, flows bool
	read             string
}

// sample is the number of keys read on each server up to one time.
type sample struct {
	at    time.Time
	reads map[*servers.Node]int64
}

func newDemoLook(d *demo) *demoLook {
	l := &demoLook{d: d, primaries: map[*servers.Group]*servers.Node{}, deadSince: map[*servers.Node]time.Time{}}
	for _, group := range d.env.Groups {
		l.primaries[group] = group.Primary()
	}
	return l
}

// leave prevents restarts of dead servers until bringBackNow.
func (l *demoLook) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = true
}

// bringBackNow makes the next inspection restart every dead server.
func (l *demoLook) bringBackNow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left, l.now = false, true
}

// patience returns how long a dead server stays dead; negative: until bringBackNow.
func (l *demoLook) patience() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.left:
		return -1
	case l.now:
		l.now = false
		return 0
	}
	return comeBackAfter
}

// reads returns the rates of keys read, and whether there were any.
func (l *demoLook) reads() (text string, flows bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read, l.flows
}

func (l *demoLook) run(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	l.before = l.sample(time.Now())
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.showPrimaries()
			l.bringBack(time.Now())
			l.rate(time.Now())
		}
	}
}

func (l *demoLook) showPrimaries() {
	for _, group := range l.d.env.Groups {
		primary := group.Primary()
		if primary == nil || primary == l.primaries[group] {
			continue
		}
		l.primaries[group] = primary
		l.d.screen.Printf("%s has a new primary. The next one to kill:  %s", group.Name, killLine(group, primary))
	}
}

// bringBack restarts killed servers, as an operator would.
func (l *demoLook) bringBack(now time.Time) {
	patience := l.patience()
	for _, node := range slices.Concat(l.d.env.Nodes(), l.d.env.Sentinels) {
		if !errors.Is(syscall.Kill(node.Pid(), 0), syscall.ESRCH) {
			continue
		}
		since, known := l.deadSince[node]
		if !known {
			since, l.deadSince[node] = now, now
			l.d.screen.Printf("%s is dead", node.Addr)
		}
		if patience < 0 || now.Sub(since) < patience {
			continue
		}
		delete(l.deadSince, node)
		if err := node.Restart(); err != nil {
			l.d.screen.Printf("%s failed to restart: %v", node.Addr, err)
			continue
		}
		l.d.screen.Printf("%s is back, with process id %d", node.Addr, node.Pid())
	}
}

// rate computes the rates since the last sample.
func (l *demoLook) rate(now time.Time) {
	after := l.sample(now)
	seconds := after.at.Sub(l.before.at).Seconds()
	var read []string
	flows := false
	for _, group := range l.d.env.Groups {
		for _, node := range group.Nodes {
			count, answered := after.reads[node]
			before, known := l.before.reads[node]
			if !answered || !known {
				continue
			}
			reads := int64(float64(max(count-before, 0))/seconds + 0.5)
			flows = flows || reads > 0
			read = append(read, fmt.Sprintf("%s %d", l.nameOf(group, node), reads))
		}
	}
	l.before = after
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read, l.flows = strings.Join(read, ", "), flows
}

func (l *demoLook) nameOf(group *servers.Group, node *servers.Node) string {
	name := strconv.Itoa(node.Port)
	if l.primaries[group] == node {
		name += " (primary)"
	}
	return name
}

// sample queries all servers. Key lookups count reads of clients alone: a replica does not count the writes that it
// applies.
func (l *demoLook) sample(now time.Time) sample {
	s := sample{at: now, reads: map[*servers.Node]int64{}}
	for _, node := range l.d.env.Nodes() {
		if _, dead := l.deadSince[node]; dead {
			continue
		}
		if reply, err := node.Do("INFO", "stats"); err == nil {
			text := fmt.Sprint(reply)
			s.reads[node] = counter(text, "keyspace_hits") + counter(text, "keyspace_misses")
		}
	}
	return s
}

// counter returns the 123 of "name:123" in the text of INFO, 0 without such a line.
func counter(info, name string) int64 {
	for line := range strings.Lines(info) {
		if text, found := strings.CutPrefix(line, name+":"); found {
			n, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			return n
		}
	}
	return 0
}
