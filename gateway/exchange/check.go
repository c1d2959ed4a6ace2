package exchange

import (
	"fmt"
	"time"

	"evergate/gateway/upstream"
)

// Check returns what is wrong with the sessions and with what is under way for them, nil as a rule. It looks at
// everything: tests call it after each step.
func (x *Exchange) Check() error {
	if err := x.Sessions.Check(); err != nil {
		return err
	}
	for service, waits := range x.longScripts {
		if waits > 0 && x.clock.Next() > x.clock.Now+scriptAfter {
			return fmt.Errorf("service %d: nothing looks for the end of a long script", service)
		}
	}
	if s := &x.totals; s.WithheldReleased > s.Withheld {
		return fmt.Errorf("%d replies were withheld, %d of them released", s.Withheld, s.WithheldReleased)
	}
	return nil
}

// Deadlines calls due for all that is waited for, with a name and the time. Tests call it.
func (x *Exchange) Deadlines(due func(what string, at time.Duration)) {
	x.Sessions.Deadlines(due)
	for l := range x.pool.All {
		if l.State == upstream.Open && l.Paused && !l.Tunnel {
			due("a stopped connection", x.clock.Now+stallGrace)
		}
	}
}
