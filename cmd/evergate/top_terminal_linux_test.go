package main

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"evergate/testenv/servers"
)

// TestTopAtATerminal: the screen follows the size, has colours unless NO_COLOR is set, and the terminal is restored.
func TestTopAtATerminal(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	binary, err := servers.BuildGateway()
	if err != nil {
		t.Fatal(err)
	}
	addr := serveAdmin(t, newFakeAdmin())
	for name, variable := range map[string]string{"colours": "COLORTERM=truecolor", "no colours": "NO_COLOR=1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := pseudoTerminal(t)
			before, err := unix.IoctlGetTermios(int(theirs.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(binary, "top", "--admin", addr)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
			cmd.Env = []string{"TERM=xterm-256color", variable}
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			var screen syncBuffer
			go func() {
				_, _ = ours.WriteTo(&screen) // until the other side has gone
			}()
			await := awaiting(t, screen.String)
			await("mymaster") // where nothing was before: a letter that stays is not written again
			if err := unix.IoctlSetWinsize(int(theirs.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 160}); err != nil {
				t.Fatal(err)
			}
			await("requests each second") // there is room for charts now
			if _, err := ours.WriteString("q"); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("q: %v", err)
			}
			await(`\x1b\[\?1049l`) // the alternate screen is left
			if isGreen := strings.Contains(screen.String(), "\x1b[32m"); isGreen != (name == "colours") {
				t.Errorf("green is used: %v", isGreen)
			}
			after, err := unix.IoctlGetTermios(int(theirs.Fd()), unix.TCGETS)
			if err != nil || after.Lflag != before.Lflag || after.Iflag != before.Iflag {
				t.Errorf("the terminal is changed: %v, before %+v, after %+v", err, before, after)
			}
		})
	}
}
