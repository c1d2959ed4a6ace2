//go:build !linux

package dial

import "syscall"

// setUserTimeout does nothing where the option does not exist; keep-alive and the age of requests have to suffice.
func setUserTimeout(string, string, syscall.RawConn) error { return nil }
