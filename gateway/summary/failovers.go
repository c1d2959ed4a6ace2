package summary

import (
	"fmt"

	"evergate/gateway/api"
)

// failoversMax is how many failovers are shown: each has many lines.
const failoversMax = 5

// Failovers returns the newest failovers of a service, newest first. They come in the order of their beginning.
func Failovers(all []api.Failover) []string {
	var t text
	if len(all) == 0 {
		t.addf("no failover since the gateway started")
		return t
	}
	older := max(0, len(all)-failoversMax)
	for i := len(all) - 1; i >= older; i-- {
		t.failover(&all[i])
	}
	if older > 0 {
		t.addf("older ones are in INFO failover: %d", older)
	}
	return t
}

func (t *text) failover(f *api.Failover) {
	t.addf("failover %d of shard %s: %s, began %s", f.Number, f.Shard, f.Outcome,
		f.Began.UTC().Format("2006-01-02T15:04:05.000Z"))
	switch f.Outcome {
	case api.OutcomeKept:
		t.addf("  primary: %s stayed", f.From)
	case api.OutcomeSwitched:
		t.addf("  primary: %s -> %s", f.From, f.To)
	default:
		t.addf("  primary: %s, none since", f.From)
	}
	for i := range f.Steps {
		s := &f.Steps[i]
		t.addf("  %8.0f ms  %s", s.After, s.Event+detail(s))
	}
	if f.Receipt != nil {
		t.addf("  receipt: %s", f.Receipt.Text)
	}
	t.effect(f.Effect)
}

// detail is what a step is about.
func detail(s *api.Step) (d string) {
	if s.Subject != "" {
		d += " " + s.Subject
	}
	switch {
	case s.From != "" && s.To != "" && s.From != s.To:
		d += " " + s.From + " -> " + s.To
	case s.To != "":
		d += " " + s.To
	case s.From != "":
		d += " " + s.From
	}
	if s.Why != "" {
		d += " (" + s.Why + ")"
	}
	return d
}

// effect adds what clients noticed.
func (t *text) effect(e *api.Effect) {
	if e == nil {
		t.addf("  clients: not counted without --admin")
		return
	}
	soFar := ""
	if !e.Complete {
		soFar = " so far"
	}
	waited := count(e.Buffered, "request") + " waited"
	if e.LongestWait != nil {
		waited += fmt.Sprintf(" up to %.0f ms", *e.LongestWait)
	}
	t.addf("  clients%s: %s (%d resumed, %d timed out, %d abandoned)", soFar, waited, e.Resumed, e.TimedOut, e.Abandoned)
	t.addf("  clients%s: %d uncertain, %d retried, %d rejected, %s", soFar, e.Uncertain, e.Retried, e.Rejected,
		count(e.Errors, "error"))
}
