package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"evergate/testenv/drill"
	"evergate/testenv/drill/report"
)

const (
	// byItselfAfter is how long the load flows before the primary is killed where nobody can press a key, and before it
	// is tried again.
	byItselfAfter = 5 * time.Second
	// renewEvery is how often the load begins new keys and a new ledger.
	renewEvery = time.Minute
)

// demoWatch is a demo while it is watched.
type demoWatch struct {
	d *demo
	// tasks are what takes its time beside the line that lives: at most one, told over done.
	tasks sync.WaitGroup
	done  chan func()
	busy  bool
	look  *demoLook
	// byItself is when the primary is killed where nobody can press a key.
	byItself <-chan time.Time
	// shown: the result has been shown to nobody who could ask for another: that was all.
	shown bool
}

// watch shows what flows, and breaks the primary when a key says so, until a signal or a key ends it. cancel ends the
// context, which is that of the load.
func (d *demo) watch(ctx context.Context, cancel func(), signals <-chan os.Signal) {
	w := &demoWatch{d: d, done: make(chan func(), 1), look: newDemoLook(d)}
	w.tasks.Go(func() { w.look.run(ctx) })
	defer w.tasks.Wait()
	defer cancel()
	ticker, renew := time.NewTicker(time.Second), time.NewTicker(renewEvery)
	defer ticker.Stop()
	defer renew.Stop()
	if d.keys.pressed == nil {
		w.byItself = time.After(byItselfAfter)
	}
	for {
		select {
		case <-signals:
			return
		case key := <-d.keys.pressed:
			if key == keyQuit {
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

// task lets something run beside the line that lives. What it returns is called when it has ended.
func (w *demoWatch) task(do func() func()) {
	w.busy = true
	w.tasks.Go(func() { w.done <- do() })
}

// renew does nothing when the load cannot begin anew: the old one flows on.
func (w *demoWatch) renew() {
	if w.busy {
		return
	}
	w.task(func() func() {
		_ = w.d.show.Renew()
		return func() {}
	})
}

// press plays what a key stands for.
func (w *demoWatch) press(key byte) {
	printf := w.d.screen.printf
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
	w.d.screen.printf("\n%s the primary %s ...\n", doing, primary)
	return w.d.show.Strike(name)
}

// tell prints the result. Without a keyboard that was all.
func (w *demoWatch) show(reports []*report.Report, err error) {
	if len(reports) > 0 {
		w.d.screen.printf("\n%s\n%s", w.d.title(reports[0]), report.Side(reports))
	}
	if err != nil {
		w.d.screen.printf("This failed: %v", err)
	}
	if w.d.keys.pressed != nil {
		w.d.screen.printf("Try again: k kills the primary, f freezes it, q quits.\n")
		return
	}
	if len(reports) == 0 {
		w.byItself = time.After(byItselfAfter)
		return
	}
	w.shown = true
}

// title says what a result is about.
func (d *demo) title(r *report.Report) string {
	what := "The primary was killed"
	if r.Drill == "freeze-primary" {
		what = "The primary was frozen, and later resumed"
	}
	return fmt.Sprintf("%s, under %d requests/s of %d clients:", what, r.Rate, r.Connections)
}

// showRates shows what flowed within the last second. On a terminal the line is there always, else only when something
// flowed.
func (w *demoWatch) showRates() {
	var parts []string
	flows := false
	pulses := w.d.show.Pulse(time.Second)
	for _, p := range pulses {
		flows = flows || p.Writes+p.Reads > 0
		text := fmt.Sprintf("%d writes/s, %d reads/s, p99 %s, %d errors, %d uncertain", p.Writes, p.Reads, p99(p),
			p.Errors, p.Uncertain)
		if len(pulses) > 1 {
			text = fmt.Sprintf("%s: %d w/s %d r/s %d errors", p.Path, p.Writes, p.Reads, p.Errors)
		}
		parts = append(parts, text)
	}
	reads, flowsToo := w.look.reads()
	if reads != "" {
		parts = append(parts, "keys read/s: "+reads)
	}
	w.d.screen.rates(strings.Join(parts, " | "), flows || flowsToo)
}

func p99(p drill.Pulse) string {
	if p.P99 == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", float64(p.P99)/float64(time.Millisecond))
}
