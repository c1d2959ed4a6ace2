package servers

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

// ExhaustDescriptors lowers the limit of open files of a running process so far that no descriptor is free (Linux
// only). Those that are open stay so, and a low one is free again when it is closed.
func ExhaustDescriptors(t T, pid int) {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatalf("reading the descriptors of process %d: %v", pid, err)
	}
	used := map[string]bool{}
	for _, f := range open {
		used[f.Name()] = true
	}
	free := 0
	for used[strconv.Itoa(free)] {
		free++
	}
	limit := syscall.Rlimit{Cur: uint64(free), Max: uint64(free)}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_NOFILE,
		uintptr(unsafe.Pointer(&limit)), 0, 0, 0); errno != 0 {
		t.Fatalf("limiting the descriptors of process %d: %v", pid, errno)
	}
}
