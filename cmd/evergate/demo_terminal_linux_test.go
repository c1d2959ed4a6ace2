package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"evergate/testenv/servers"
)

// pseudoTerminal opens a pair of pseudo terminals: ours, which has the keyboard and the screen, and the program's.
func pseudoTerminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals here:", err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	if err := unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theirs.Close() })
	if err := unix.IoctlSetWinsize(int(theirs.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 100}); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// TestDemoAtATerminal presses keys as a person does, with another path beside, and checks that the terminal is
// restored.
func TestDemoAtATerminal(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	binary, err := servers.BuildGateway()
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := pseudoTerminal(t)
	before, err := unix.IoctlGetTermios(int(theirs.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "demo", "--listen", "127.0.0.1:0", "--beside", "direct")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	var screen syncBuffer
	go func() {
		_, _ = ours.WriteTo(&screen) // until the other side has gone
	}()
	await := awaiting(t, func() string { return strings.ReplaceAll(screen.String(), "\r\n", "\n") })
	press := func(key string) {
		if _, err := ours.WriteString(key); err != nil {
			t.Fatal(err)
		}
	}
	await("Press k to kill")
	press("?")
	await("k kills the primary, f freezes it, q quits")
	await("evergate: [1-9][0-9]* w/s")
	press("k")
	await("Killing the primary ")
	await(`(?m)^ +evergate +direct$`)
	await(resultPattern)
	press("q")
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, screen.String())
	}
	after, err := unix.IoctlGetTermios(int(theirs.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	if *after != *before {
		t.Errorf("the terminal is left as %+v, it was %+v", *after, *before)
	}
}
