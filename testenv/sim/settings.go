package sim

import (
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/worker"
)

// A reload changes settings while a run is wild: those after which every promise holds as before. Each worker takes
// them at the beginning of its next round, so one that is stalled does later than others.

// changeSettings has other settings, now and then: also while clients wait for a primary.
func (w *world) changeSettings() {
	if !w.Options.Reloads || w.Now < w.nextSettings {
		return
	}
	w.nextSettings = w.Now + w.Between(100*time.Millisecond, 1500*time.Millisecond)
	if w.Now == 0 {
		return
	}
	set := w.initial()
	set.hold.Window += w.Between(0, w.holdMax()) // never too early
	set.silent = []time.Duration{0, 300 * time.Millisecond, time.Second}[w.Rnd.IntN(3)]
	if w.Rnd.IntN(2) == 0 {
		set.reads = session.FromPrimary // promises less nowhere
	}
	set.acks = w.otherAcks()
	w.settings++
	w.Tracef("settings change: hold %v, silent-after %v, reads %d, acks %v", set.hold.Window, set.silent, set.reads,
		set.acks)
	for _, g := range w.gates {
		if g.Worker.Snapshot().Waiting > 0 {
			w.settingsHeld++
		}
		g.conf = g.configuration(set)
	}
}

// configuration is that of a worker.
func (g *gate) configuration(set varied) *worker.Config {
	w := g.w
	return &worker.Config{
		Services: w.services(set), Listeners: w.listeners(set), Limits: resp.DefaultLimits(), QueryBytesMax: 64 << 20,
		OutputBytesMax: w.outputMax, ClientMemory: g.memory, Seed: w.Options.Seed + uint64(g.number),
	}
}
