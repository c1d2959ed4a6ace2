package servers

import (
	"context"
	"fmt"
	"time"
)

// Patience is how long to wait for what must come. A machine that compiles and runs other tests beside may be ten times
// as slow as one at rest: how soon it came is measured where that is promised.
const Patience = time.Minute

// pollInterval is how often a condition is looked at.
const pollInterval = 10 * time.Millisecond

// WaitFor looks at cond every 10 ms until it returns nil. When ctx ends first, the error names the condition and
// carries what cond said last.
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

// WaitFor is the package's WaitFor with a time limit, and with the ends of all logs in its error.
func (e *Env) WaitFor(timeout time.Duration, what string, cond func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := WaitFor(ctx, what, cond); err != nil {
		return fmt.Errorf("%w\n%s", err, e.LogTails())
	}
	return nil
}
