//go:build !linux

package terminal

import "golang.org/x/sys/unix"

// The requests that read and change a terminal.
const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)
