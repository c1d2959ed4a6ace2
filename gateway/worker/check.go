package worker

import (
	"fmt"

	"evergate/gateway/backend"
)

// Check returns what is wrong with the state of the rooms, nil as a rule. It looks at everything: tests call it after
// each step.
func (w *Worker) Check() error {
	if err := w.monitors.Check(); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	for i := range w.services {
		for ref := range w.monitors.Sessions([]int{i}) {
			if c := w.client(ref); c == nil || c.svc.index != i || !c.monitor.Is() {
				return fmt.Errorf("trace: session %v is shown records of service %d, and is none of its monitors", ref, i)
			}
		}
	}
	for _, c := range w.clients {
		if c == nil {
			continue
		}
		if err := c.retries.Check(); err != nil {
			return fmt.Errorf("retry: client %d: %w", c.ref.ID, err)
		}
	}
	for _, s := range w.services {
		if err := s.catalog.Check(); err != nil {
			return fmt.Errorf("catalog: service %d: %w", s.index, err)
		}
		if s.longScripts > 0 && w.clock.Next() > w.clock.Now+scriptAfter {
			return fmt.Errorf("service %d: nobody looks for the end of a long script", s.index)
		}
		if asked := w.asked(s.index); asked != s.catalog.Asked() {
			return fmt.Errorf("catalog: service %d: %d questions are in flight, %d known", s.index, asked,
				s.catalog.Asked())
		}
	}
	return nil
}

// asked counts the questions of a service's catalog that servers owe an answer to.
func (w *Worker) asked(service int) (n int) {
	for _, l := range w.lanes {
		if l == nil || l.Key.Service != service || l.Key.Purpose == backend.Private {
			continue
		}
		for t := range l.Inflight.All {
			if t.Flags&backend.Internal != 0 {
				n++
			}
		}
	}
	return n
}
