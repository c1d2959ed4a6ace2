package sim

import (
	"evergate/testenv/sim/scenario"
)

// round is one turn of everybody.
func (w *world) round() {
	w.Advance()
	w.Happen()
	w.sentinels.Turn()
	w.control.Turn()
	if w.judge != nil {
		w.judge.Turn()
	}
	if w.poller != nil {
		w.poller.Turn()
	}
	for _, g := range w.gates {
		g.round()
	}
	w.Servers.Turn()
	w.ServeSockets()
	w.clients.Turn()
}

// goesOn says that the faults are not over.
func (w *world) goesOn() bool {
	if w.Options.Voice == scenario.Oracle {
		return w.turns < rounds
	}
	return w.Now < stormLasts
}
