package worker

import "fmt"

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
	return nil
}
