package main

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// Go's collector lets the heap double before it works, and knows nothing of the memory there is: where clients hold
// much, a container would be killed, and what is in flight lost, though half of it was garbage. Told a limit it works
// as often as needed to keep below. How often it works otherwise (GOGC) is left as it is: what requests and replies
// take is used again (package blocks), so that it has little to do.

// limitMemory sets the soft limit of Go's memory by the memory there is, unless the user has (GOMEMLIMIT).
func limitMemory(logger hclog.Logger) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if limit := softLimit(os.DirFS("/")); limit > 0 {
		debug.SetMemoryLimit(limit)
		logger.Debug("memory limit set", "bytes", limit)
	}
}

// softLimit is four fifths of the memory that this process may use, in bytes; 0 where that cannot be told. The rest is
// for what the kernel keeps for its sockets, and for what comes before the collector has ended.
func softLimit(root fs.FS) int64 {
	limit := machineMemory(root)
	for _, file := range cgroupLimits(root) {
		b, err := fs.ReadFile(root, file)
		if err != nil {
			continue
		}
		// "max" is no number. Version 1 writes no limit as the largest number of whole pages.
		if n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil && n > 0 {
			limit = min(limit, n)
		}
	}
	if limit == math.MaxInt64 {
		return 0
	}
	return limit / 5 * 4
}

// cgroupLimits names the files that may limit this process: those of its group and of all above it. In a container the
// groups above are not visible, or the group's own is at the root.
func cgroupLimits(root fs.FS) (files []string) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		at, name := "sys/fs/cgroup", "memory.max"
		switch {
		case parts[0] == "0" && parts[1] == "":
		case parts[1] == "memory":
			at, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
			files = append(files, path.Join(at, group, name))
			if group == "/" {
				break
			}
		}
	}
	return files
}

// machineMemory is the memory of the machine, in bytes; the largest number where that cannot be told.
func machineMemory(root fs.FS) int64 {
	f, err := root.Open("proc/meminfo")
	if err != nil {
		return math.MaxInt64
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "MemTotal:" {
			if kib, err := strconv.ParseInt(fields[1], 10, 64); err == nil && kib > 0 && kib < math.MaxInt64>>10 {
				return kib << 10
			}
		}
	}
	return math.MaxInt64
}
