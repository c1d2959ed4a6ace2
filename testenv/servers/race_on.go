//go:build race

package servers

// RaceEnabled is whether this process was built with the race detector; the gateway is then built with it too.
const RaceEnabled = true
