//go:build !linux

package loop

// New makes the loop of this system.
func New(conf Config) (Loop, error) { return NewPortable(conf) }
