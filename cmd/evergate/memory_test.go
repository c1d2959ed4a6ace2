package main

import (
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/go-hclog"
)

func TestSoftLimit(t *testing.T) {
	const machine = "MemTotal:       1000 kB\nMemFree:        10 kB\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"another system", nil, 0},
		{"the machine alone", map[string]string{"proc/meminfo": machine}, 1000 << 10},
		{"a container", map[string]string{"proc/meminfo": machine,
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "500000\n"}, 500000},
		{"a container without a limit", map[string]string{"proc/meminfo": machine,
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 1000 << 10},
		{"a unit in a slice, which is limited", map[string]string{"proc/meminfo": machine,
			"proc/self/cgroup":                                     "0::/apps.slice/evergate.service\n",
			"sys/fs/cgroup/apps.slice/memory.max":                  "300000\n",
			"sys/fs/cgroup/apps.slice/evergate.service/memory.max": "400000\n"}, 300000},
		{"more than there is", map[string]string{"proc/meminfo": machine,
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "99999999999\n"}, 1000 << 10},
		{"version 1", map[string]string{"proc/meminfo": machine,
			"proc/self/cgroup": "5:cpu,cpuacct:/docker/ab\n4:memory:/docker/ab\n0::/docker/ab\n",
			"sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes": "600000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":           "9223372036854771712\n"}, 600000},
		{"version 1 in a container", map[string]string{"proc/meminfo": machine,
			"proc/self/cgroup":                           "4:memory:/docker/ab\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "700000\n"}, 700000},
		{"nonsense", map[string]string{"proc/meminfo": "MemTotal: many\n",
			"proc/self/cgroup": "0:\n\n0::../../..\n", "sys/fs/cgroup/memory.max": "-1\n"}, 0},
	} {
		files := fstest.MapFS{}
		for name, text := range test.files {
			files[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got, want := availableMemory(files), test.want; got != want {
			t.Errorf("%s: %d, want %d", test.name, got, want)
		}
	}
}

// TestLimitMemory: the user's limit stays, and without one there is ours. Go reads the variable when a process starts.
func TestLimitMemory(t *testing.T) {
	if os.Getenv("EVERGATE_TEST_LIMIT") != "" {
		limitMemory(hclog.NewNullLogger())
		os.Stdout.WriteString("limit " + strconv.FormatInt(debug.SetMemoryLimit(-1), 10) + "\n")
		return
	}
	for set, want := range map[string]func(limit string) bool{
		"GOMEMLIMIT=77MiB": func(limit string) bool { return limit == "80740352" },
		"GOMEMLIMIT=off":   func(limit string) bool { return limit == "9223372036854775807" },
		"GOMEMLIMIT=":      func(limit string) bool { return limit != "9223372036854775807" },
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestLimitMemory$")
		cmd.Env = append(os.Environ(), "EVERGATE_TEST_LIMIT=1", set)
		out, err := cmd.CombinedOutput()
		_, limit, _ := strings.Cut(string(out), "limit ")
		limit, _, _ = strings.Cut(limit, "\n")
		if err != nil || !want(limit) {
			t.Errorf("%s: the limit is %q, %v\n%s", set, limit, err, out)
		}
	}
}
