//go:build unix

package descriptors

import "golang.org/x/sys/unix"

// Limit is how many descriptors the process may have. The Go runtime raises the soft limit to the hard one
// before main begins.
func Limit() int {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return many
	}
	return int(min(uint64(l.Cur), many))
}
