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

// Go's collector lets the heap double before it runs, and does not know how much memory there is: with large buffers of
// clients a container would be killed and requests in flight lost, though half of the heap was garbage. With a limit
// the collector runs as often as it takes to stay below. GOGC is left alone: the memory of requests and replies is
// reused (package blocks), so there is little to collect.

// limitMemory sets Go's soft memory limit to four fifths of the available memory, unless the user has set it
// (GOMEMLIMIT). The rest is for the kernel's socket buffers, and for allocations while the collector runs.
func limitMemory(logger hclog.Logger) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if limit := availableMemory(os.DirFS("/")) / 5 * 4; limit > 0 {
		debug.SetMemoryLimit(limit)
		logger.Debug("memory limit set", "bytes", limit)
	}
}

// availableMemory returns the memory that this process may use, in bytes; 0 if that is unknown.
func availableMemory(root fs.FS) int64 {
	limit := machineMemory(root)
	for _, file := range cgroupLimits(root) {
		b, err := fs.ReadFile(root, file)
		if err != nil {
			continue
		}
		// Without a limit the file has "max", which is no number, or in version 1 the largest number of whole pages.
		if n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil && n > 0 {
			limit = min(limit, n)
		}
	}
	if limit == math.MaxInt64 {
		return 0
	}
	return limit
}

// cgroupLimits returns the files with limits of this process: those of its group and of all groups above. In a
// container the groups above are not visible, or its own group is at the root.
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

// machineMemory returns the memory of the machine in bytes, the largest number if that is unknown.
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
