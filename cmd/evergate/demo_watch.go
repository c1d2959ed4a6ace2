package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"evergate/cmd/evergate/terminal"
	"evergate/testenv/drill"
	"evergate/testenv/drill/report"
)

const (
	// byItselfAfter is how long the load runs before the primary is killed without a keyboard, and before a retry.
	byItselfAfter = 5 * time.Second
	// renewEvery is how often the load starts over with new keys and a new ledger.
	renewEvery = time.Minute
)

// demoWatch is the event loop of a demo.
type demoWatch struct {
	d *demo
	// tasks has the look and at most one further task, whose result arrives on done.
	tasks sync.WaitGroup
	done  chan func()
	busy  bool
	look  *demoLook
	// byItself fires when the primary is to be killed without a keyboard.
	byItself <-chan time.Time
	// shown ends a demo without a keyboard: its result was printed.
	shown bool
}

// watch displays the rates of the load and breaks the primary at a key press, until a signal or a key ends it. cancel
// ends ctx, the context of the load.
func (d *demo) watch(ctx context.Context, cancel func(), signals <-chan os.Signal) {
	w := &demoWatch{d: d, done: make(chan func(), 1), look: newDemoLook(d)}
	w.tasks.Go(func() { w.look.run(ctx) })
	defer w.tasks.Wait()
	defer cancel()
	ticker, renew := time.NewTicker(time.Second), time.NewTicker(renewEvery)
	defer ticker.Stop()
	defer renew.Stop()
	if d.keys.Pressed == nil {
		w.byItself = time.After(byItselfAfter)
	}
	for {
		select {
		case <-signals:
			return
		case key := <-d.keys.Pressed:
			if key == terminal.KeyQuit {
				return
			}
			w.press(key)
		case <-w.byItself:
			w.press('k')
		case done := <-w.done:
			w.busy = false
			if done(); w.shown {
				return
			}
		case <-ticker.C:
			w.showRates()
		case <-renew.C:
			w.renew()
		}
	}
}

// task runs do in the background. The function that do returns is then called in the event loop.
func (w *demoWatch) task(do func() func()) {
	w.busy = true
	w.tasks.Go(func() { w.done <- do() })
}

// renew replaces the load; if that fails, the old one goes on.
func (w *demoWatch) renew() {
	if w.busy {
		return
	}
	w.task(func() func() {
		_ = w.d.show.Renew()
		return func() {}
	})
}

// press handles a key.
func (w *demoWatch) press(key byte) {
	printf := w.d.screen.Printf
	name, doing := "kill-primary", "Killing"
	switch key {
	case 'k':
	case 'f':
		name, doing = "freeze-primary", "Freezing"
	default:
		printf("k kills the primary, f freezes it, q quits.")
		return
	}
	if w.busy {
		printf("Not yet: one failure at a time.")
		return
	}
	w.look.leave()
	w.task(func() func() {
		reports, err := w.strike(name, doing)
		return func() {
			w.look.bringBackNow()
			w.show(reports, err)
		}
	})
}

func (w *demoWatch) strike(name, doing string) ([]*report.Report, error) {
	primary, err := w.d.show.Ready()
	if err != nil {
		return nil, err
	}
	w.d.screen.Printf("\n%s the primary %s ...\n", doing, primary)
	return w.d.show.Strike(name)
}

// show prints the result. Without a keyboard it is the only one.
func (w *demoWatch) show(reports []*report.Report, err error) {
	if len(reports) > 0 {
		w.d.screen.Printf("\n%s\n%s", w.d.title(reports[0]), report.Side(reports))
	}
	if err != nil {
		w.d.screen.Printf("This failed: %v", err)
	}
	if w.d.keys.Pressed != nil {
		w.d.screen.Printf("Try again: k kills the primary, f freezes it, q quits.\n")
		return
	}
	if len(reports) == 0 {
		w.byItself = time.After(byItselfAfter)
		return
	}
	w.shown = true
}

// title returns the heading of a result.
func (d *demo) title(r *report.Report) string {
	what := "The primary was killed"
	if r.Drill == "freeze-primary" {
		what = "The primary was frozen, and later resumed"
	}
	return fmt.Sprintf("%s, under %d requests/s of %d clients:", what, r.Rate, r.Connections)
}

// showRates displays the rates of the last second: always on a terminal, elsewhere only if there was a request.
func (w *demoWatch) showRates() {
	var parts []string
	flows := false
	pulses := w.d.show.Pulse(time.Second)
	for _, p := range pulses {
		flows = flows || p.Writes+p.Reads > 0
		text := fmt.Sprintf("%d writes/s, %d reads/s, p99 %s, %s, %d uncertain", p.Writes, p.Reads, p99(p),
			count(int(p.Errors), "error"), p.Uncertain)
		if len(pulses) > 1 {
			text = fmt.Sprintf("%s: %d w/s %d r/s %s", p.Path, p.Writes, p.Reads, count(int(p.Errors), "error"))
		}
		parts = append(parts, text)
	}
	reads, flowsToo := w.look.reads()
	if reads != "" {
		parts = append(parts, "keys read/s: "+reads)
	}
	w.d.screen.Rates(strings.Join(parts, " | "), flows || flowsToo)
}

func p99(p drill.Pulse) string {
	if p.P99 == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", float64(p.P99)/float64(time.Millisecond))
}
