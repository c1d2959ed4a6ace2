package sim

import "testing"

// TestSettingsChange plays worlds whose settings change, and looks that they do, also while clients wait.
func TestSettingsChange(t *testing.T) {
	tellsOfMany(t)
	changes, held, seeds := 0, 0, 12
	for seed := *first; seeds > 0; seed++ {
		o := wideOptionsOf(seed)
		if o.Planned {
			continue
		}
		seeds--
		o.Reloads = true
		w := playRight(t, o)
		changes, held = changes+w.settings, held+w.settingsHeld
	}
	if t.Logf("%d changes, %d of them while clients of a worker waited", changes, held); changes < 50 || held == 0 {
		t.Error("settings did not change, or never while clients waited")
	}
}
