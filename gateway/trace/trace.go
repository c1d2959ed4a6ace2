// Package trace is a record of every finished command, and which clients are shown them: MONITOR. It knows no worker
// and no server.
//
//	Monitors.Begin, Show, End          a session's MONITOR
//	Monitors.Count                     one more or one less in any worker
//	Monitors.Watchers(service)         the services whose monitors are shown what a client of this one does
//	Monitors.Sessions(services)        which sessions of this worker those are
//	Record.AppendLine(b)               the line for them, without secrets
//
// MONITOR shows what the clients of the gateway do, in all workers, with the addresses that they have here. Servers
// would show one connection of the gateway for all of them, and each of a cluster its own part. Every worker counts a
// new monitor before that has its reply, so that all commands after it are shown.
package trace

import (
	"fmt"
	"iter"
	"slices"

	"evergate/gateway/session"
	"evergate/routing"
)

// Monitor is a session's place among those that monitor. The zero value does not.
type Monitor struct{ state state }

type state uint8

const (
	off   state = iota
	begun       // not all workers have counted it yet
	shown
)

// Is reports whether the session said MONITOR, be it that it is not shown anything yet.
func (m *Monitor) Is() bool { return m.state != off }

// Rejects reports whether the session may not do a command while it monitors: it is treated as a replica is.
func (m *Monitor) Rejects(command *routing.Command) bool {
	return m.state != off && command != nil && (command.Has(routing.Read) || command.Has(routing.Write))
}

// Monitors is one worker's part of what is monitored. Services count from 0.
type Monitors struct {
	services []service
	shown    []watcher // sessions of this worker that are shown records
}

type service struct {
	// count is how many sessions of all workers monitor it.
	count int
	// with are the services that are monitored together with it, itself among them.
	with []int
}

type watcher struct {
	ref     session.Ref
	service int
}

// NewMonitors makes the Monitors of a worker with so many services.
func NewMonitors(services int) Monitors { return Monitors{services: make([]service, services)} }

// Begin notes that a session said MONITOR. It returns false when it had before.
func (a *Monitors) Begin(m *Monitor) bool {
	if m.state != off {
		return false
	}
	m.state = begun
	return true
}

// Show has a session that said MONITOR be shown records from now on, since all workers count it.
func (a *Monitors) Show(m *Monitor, ref session.Ref, service int) {
	if m.state == begun {
		m.state = shown
		a.shown = append(a.shown, watcher{ref, service})
	}
}

// End ends what Begin began. It returns false when nothing did.
func (a *Monitors) End(m *Monitor, ref session.Ref) bool {
	if m.state == off {
		return false
	}
	m.state = off
	a.shown = slices.DeleteFunc(a.shown, func(w watcher) bool { return w.ref == ref })
	return true
}

// Count takes by more sessions into account that monitor these services, in whichever worker they are. The list is
// kept.
func (a *Monitors) Count(services []int, by int) {
	for _, s := range services {
		a.services[s].count += by
		a.services[s].with = services
	}
}

// Watched reports whether anybody monitors a service.
func (a *Monitors) Watched(service int) bool { return a.services[service].count > 0 }

// Watchers lists the services whose monitors are shown what is done in this one. It is not to be changed.
func (a *Monitors) Watchers(service int) []int { return a.services[service].with }

// Sessions are those of this worker that are shown records of these services. One may End when it is its turn.
func (a *Monitors) Sessions(services []int) iter.Seq[session.Ref] {
	return func(yield func(session.Ref) bool) {
		for i := len(a.shown) - 1; i >= 0; i-- { // where one ends, only those behind it change their place
			if slices.Contains(services, a.shown[i].service) && !yield(a.shown[i].ref) {
				return
			}
		}
	}
}

// Check returns what is wrong with the accounts: a session that is shown twice, or one that is not counted.
func (a *Monitors) Check() error {
	here := make([]int, len(a.services))
	seen := map[session.Ref]bool{}
	for _, w := range a.shown {
		if seen[w.ref] {
			return fmt.Errorf("session %v is shown records twice", w.ref)
		}
		seen[w.ref] = true
		here[w.service]++
	}
	for i, s := range a.services {
		if s.count < here[i] {
			return fmt.Errorf("service %d has %d monitors here, and counts %d in all workers", i, here[i], s.count)
		}
	}
	return nil
}
