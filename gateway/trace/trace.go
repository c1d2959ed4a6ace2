// Package trace has records of finished commands, and the clients that receive them by MONITOR. It knows no worker and
// no server.
//
//	Monitors.Begin, Show, End          a session's MONITOR
//	Monitors.Count                     one more or one less in any worker
//	Monitors.Watchers(service)         the services whose monitors receive the commands of this one
//	Monitors.Sessions(services)        the sessions of this worker that monitor them
//	Record.AppendLine(b)               the line for them, without secrets
//
// MONITOR streams the commands of all clients of the gateway, with their addresses here. A server's MONITOR would have
// one connection of the gateway for all of them, and in a cluster only its own part. Every worker counts a new monitor
// before the monitor gets its reply, so that no later command is missing.
package trace

import (
	"fmt"
	"iter"
	"slices"

	"evergate/gateway/session"
	"evergate/routing"
)

// Monitor is the MONITOR state of a session. The zero value is off.
type Monitor struct{ state state }

type state uint8

const (
	off   state = iota
	begun       // not all workers have counted it yet
	shown
)

// Is reports whether the session has sent MONITOR, even if it receives no records yet.
func (m *Monitor) Is() bool { return m.state != off }

// Rejects reports whether a command is not allowed while the session monitors: servers treat it as a replica.
func (m *Monitor) Rejects(command *routing.Command) bool {
	return m.state != off && command != nil && (command.Has(routing.Read) || command.Has(routing.Write))
}

// Monitors has the monitors of one worker. Services are numbered from 0.
type Monitors struct {
	services []service
	shown    []watcher // sessions of this worker that receive records
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

// NewMonitors returns the Monitors of a worker with so many services.
func NewMonitors(services int) Monitors { return Monitors{services: make([]service, services)} }

// Grow makes room for so many services.
func (a *Monitors) Grow(services int) {
	for len(a.services) < services {
		a.services = append(a.services, service{})
	}
}

// Begin records that a session has sent MONITOR. It returns false if the session had before.
func (a *Monitors) Begin(m *Monitor) bool {
	if m.state != off {
		return false
	}
	m.state = begun
	return true
}

// Show starts the records for a session that has sent MONITOR, when all workers count it.
func (a *Monitors) Show(m *Monitor, ref session.Ref, service int) {
	if m.state == begun {
		m.state = shown
		a.shown = append(a.shown, watcher{ref, service})
	}
}

// End ends the MONITOR of a session. It returns false if there is none.
func (a *Monitors) End(m *Monitor, ref session.Ref) bool {
	if m.state == off {
		return false
	}
	m.state = off
	a.shown = slices.DeleteFunc(a.shown, func(w watcher) bool { return w.ref == ref })
	return true
}

// Count adds by to the number of sessions that monitor these services, in any worker. It keeps the list.
func (a *Monitors) Count(services []int, by int) {
	for _, s := range services {
		a.services[s].count += by
		a.services[s].with = services
	}
}

// Watched reports whether any session monitors a service.
func (a *Monitors) Watched(service int) bool { return a.services[service].count > 0 }

// Watchers returns the services whose monitors receive the commands of this one. The caller must not change the slice.
func (a *Monitors) Watchers(service int) []int { return a.services[service].with }

// Sessions iterates over the sessions of this worker that receive records of these services. The current one may End.
func (a *Monitors) Sessions(services []int) iter.Seq[session.Ref] {
	return func(yield func(session.Ref) bool) {
		for i := len(a.shown) - 1; i >= 0; i-- { // if one ends, only those after it move
			if slices.Contains(services, a.shown[i].service) && !yield(a.shown[i].ref) {
				return
			}
		}
	}
}

// Check returns what is wrong with the counts: a session that receives records twice, or is not counted.
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
