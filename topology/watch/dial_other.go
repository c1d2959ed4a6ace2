//go:build !linux

package watch

import (
	"syscall"
	"time"
)

// userTimeout is for Linux; elsewhere read and write timeouts must suffice.
func userTimeout(time.Duration) func(network, address string, c syscall.RawConn) error { return nil }
