//go:build !linux

package servers

import "syscall"

// dieWithParent: other systems have no parent-death signal, so a child outlives a parent that was killed. Setpgid keeps
// the terminal's Ctrl-C from the child, which its parent stops.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
