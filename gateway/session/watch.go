package session

// Watch is what a server watches for a session, on a dedicated connection. The zero value is nothing.
type Watch struct {
	slot       int32
	is, broken bool
}

// Begin begins a WATCH of keys in a slot, -1 without slots.
func (w *Watch) Begin(slot int) { *w = Watch{slot: int32(slot), is: true} }

// End ends it: nothing is watched any more.
func (w *Watch) End() { *w = Watch{} }

// Break records that its connection is gone, and whether the keys have changed is unknown: EXEC answers nil, as if they
// had. It does nothing where there is no WATCH.
func (w *Watch) Break() { w.broken = w.is }

// Is reports whether there is a WATCH, broken or not.
func (w *Watch) Is() bool { return w.is }

// Broken reports whether there is one that is broken.
func (w *Watch) Broken() bool { return w.broken }

// Intact reports whether there is one that is not broken: its connection is needed.
func (w *Watch) Intact() bool { return w.is && !w.broken }

// Slot is that of the keys, or -1 without slots; meaningful while Is.
func (w *Watch) Slot() int { return int(w.slot) }
