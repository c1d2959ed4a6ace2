package servers

import (
	"context"
	"fmt"
	"time"
)

// Patience is how long to wait for a condition that must be met. A machine that also compiles and runs other tests may
// be ten times slower than an idle one: promised times are measured elsewhere.
const Patience = time.Minute

// pollInterval is the time between two checks of a condition.
const pollInterval = 10 * time.Millisecond

// WaitFor calls cond every 10 ms until it returns nil. If ctx ends first, the error has what, the name of the
// condition, and wraps the last error of cond.
func WaitFor(ctx context.Context, what string, cond func() error) error {
	began := time.Now()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		last := cond()
		if last == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waited %v for %s: %w", time.Since(began).Round(time.Millisecond), what, last)
		}
	}
}

// WaitFor is the package's WaitFor with a time limit; its error has the ends of all logs.
func (e *Env) WaitFor(timeout time.Duration, what string, cond func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := WaitFor(ctx, what, cond); err != nil {
		return fmt.Errorf("%w\n%s", err, e.LogTails())
	}
	return nil
}
