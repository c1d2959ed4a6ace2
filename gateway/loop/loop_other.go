//go:build !linux || portable

package loop

// New makes the loop of this system; with the build tag "portable" this one is tested on Linux too.
func New(conf Config) (Loop, error) { return NewPortable(conf) }
