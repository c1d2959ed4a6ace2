package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"evergate/testenv/servers"
)

// roleVariable makes this test binary act as the process that is killed.
const roleVariable = "EVERGATE_TESTENV_ROLE"

// TestKilledOwnerLeavesNothing kills a process that owns servers, one of them frozen: the servers must end, and the
// next Env must remove its directory.
func TestKilledOwnerLeavesNothing(t *testing.T) {
	if os.Getenv(roleVariable) == "owner" {
		ownServersForever(t)
	}
	servers.SkipShort(t)
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends children with their parent")
	}
	owner := exec.Command(os.Args[0], "-test.run=^TestKilledOwnerLeavesNothing$", "-test.v")
	owner.Env = append(os.Environ(), roleVariable+"=owner")
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	var pids []int
	for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
		if owned, found := strings.CutPrefix(lines.Text(), "owned: "); found {
			pids = make([]int, 2)
			_, err = fmt.Sscan(owned, &pids[0], &pids[1], &dir)
		}
	}
	if err != nil || dir == "" {
		t.Fatalf("the owner said nothing: %v", err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	servers.Until(t, servers.Patience, "the end of orphaned servers", func() error {
		for _, pid := range pids {
			if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) && !isZombie(pid) {
				return fmt.Errorf("process %d is there", pid)
			}
		}
		return nil
	})
	servers.StartPlain(t, servers.Options{})
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

// isZombie reports whether a process has ended and is not waited for yet.
func isZombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(text), ") Z ")
}

func ownServersForever(t *testing.T) {
	env, err := servers.Plain(servers.Options{Replicas: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := env.Nodes()[1].Freeze(); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("owned: %d %d %s\n", env.Nodes()[0].Pid(), env.Nodes()[1].Pid(), env.Dir())
	select {}
}
