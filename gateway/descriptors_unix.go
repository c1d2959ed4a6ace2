//go:build unix

package gateway

import "golang.org/x/sys/unix"

// descriptorsLimit is how many descriptors the process may have. The Go runtime raises the soft limit to the hard one
// before main begins.
func descriptorsLimit() int {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return descriptorsMany
	}
	return int(min(uint64(l.Cur), descriptorsMany))
}
