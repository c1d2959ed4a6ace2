package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ResidentBytes returns the resident memory of a process, from /proc (Linux only).
func ResidentBytes(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut(string(text), "VmRSS:")
	var kib int64
	if _, err := fmt.Sscan(after, &kib); err != nil || !found {
		return 0, fmt.Errorf("no VmRSS for process %d", pid)
	}
	return kib << 10, nil
}

// Descriptors returns how many files and sockets a process has open (Linux only).
func Descriptors(pid int) (int, error) {
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(open), err
}

// CPUTime returns the processor time of the living threads of a process, in nanoseconds (Linux only). The time of ended
// threads is missing: for short-lived threads see CPUTicks.
func CPUTime(pid int) (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		return CPUTicks(pid)
	}
	var sum time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // the thread has just ended
		}
		if err != nil {
			return 0, err
		}
		var nanoseconds int64
		if _, err := fmt.Sscan(string(text), &nanoseconds); err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		sum += time.Duration(nanoseconds)
	}
	return sum, nil
}

// clockTick is the unit of /proc/PID/stat: USER_HZ is 100 on every architecture Go runs on.
const clockTick = 10 * time.Millisecond

// CPUTicks returns utime plus stime of a process, ended threads included, in steps of 10 ms (Linux only).
func CPUTicks(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field, the program's name, may have spaces; it ends at the last parenthesis. See proc(5).
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is too short", pid)
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("/proc/%d/stat: %q, %q", pid, fields[11], fields[12])
	}
	return time.Duration(user+system) * clockTick, nil
}
