//go:build unix

package status

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is what the process has used.
func cpuTime() (user, system time.Duration) {
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) != nil {
		return 0, 0
	}
	return time.Duration(r.Utime.Nano()), time.Duration(r.Stime.Nano())
}
