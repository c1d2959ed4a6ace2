package e2e

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"evergate/testenv/servers"
)

// popUntilClosed pops elements of a list until the connection ends, and counts those that it gets by name.
func popUntilClosed(c *servers.Conn, list string, got *sync.Map) error {
	for {
		reply, err := c.Do("BLPOP", list, "0")
		if err != nil {
			return nil
		}
		words := strings.Split(string(reply), "\r\n")
		if len(words) != 6 || words[0] != "*2" {
			return fmt.Errorf("BLPOP: %q", reply)
		}
		if _, twice := got.LoadOrStore(words[4], true); twice {
			return fmt.Errorf("%q came twice", words[4])
		}
	}
}

// expectAll checks that each of so many elements was popped, or is still in its list.
func expectAll(t *testing.T, c *servers.Conn, list string, got *sync.Map, pushed int) {
	t.Helper()
	left, err := c.Do("LRANGE", list, "0", "-1")
	if err != nil {
		t.Fatal(err)
	}
	for i := range pushed {
		name := fmt.Sprint(i)
		if _, popped := got.Load(name); !popped && !strings.Contains(string(left), "\r\n"+name+"\r\n") {
			t.Errorf("element %d of %d of %s is lost", i, pushed, list)
		}
	}
}

// TestDrainLosesNoElement drains gateways while their clients pop what is pushed: each element that was pushed was
// delivered to a client, or is still in its list.
func TestDrainLosesNoElement(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	for round := range 3 {
		list := fmt.Sprint("jobs", round)
		gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--workers", "2")
		var got sync.Map
		var poppers, pusher sync.WaitGroup
		var stop atomic.Bool
		for range 100 {
			c := servers.MustDial(t, gate.Addr)
			poppers.Go(func() {
				if err := popUntilClosed(c, list, &got); err != nil {
					t.Error(err)
				}
			})
		}
		awaitBlocked(t, env.Primary(), 100)
		pushed := 0
		straight := servers.MustDial(t, env.Primary().Addr)
		pusher.Go(func() {
			for ; !stop.Load(); pushed++ {
				if reply, err := straight.Do("RPUSH", list, fmt.Sprint(pushed)); err != nil || reply[0] != ':' {
					t.Errorf("RPUSH: %q, %v", reply, err)
					return
				}
			}
		})
		if err := gate.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		poppers.Wait()
		stop.Store(true)
		pusher.Wait()
		<-gate.Exited()
		if gate.ExitCode() != 0 {
			t.Errorf("exit code %d: %s", gate.ExitCode(), gate.Log())
		}
		expectAll(t, straight, list, &got, pushed)
	}
}

// TestKillLosesNoElement kills clients while they pop what is pushed; the pushes go through the gateway.
func TestKillLosesNoElement(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Primary().Addr, "--workers", "2")
	pusher, killer := servers.MustDial(t, gate.Addr), servers.MustDial(t, gate.Addr)
	var got sync.Map
	pushed := 0
	for range 30 {
		var poppers sync.WaitGroup
		for range 10 {
			c := servers.MustDial(t, gate.Addr)
			poppers.Go(func() {
				if err := popUntilClosed(c, "jobs", &got); err != nil {
					t.Error(err)
				}
			})
		}
		var killed atomic.Bool
		var kills sync.WaitGroup
		awaitBlocked(t, env.Primary(), 10)
		kills.Go(func() {
			defer killed.Store(true)
			for _, line := range strings.Split(clientsOf(t, killer), "\n") {
				if strings.Contains(line, "cmd=blpop") {
					id, _, _ := strings.Cut(line[strings.Index(line, "id="):], " ")
					if reply, err := killer.Do("CLIENT", "KILL", "ID", id[3:]); err != nil || reply[0] != ':' {
						t.Errorf("CLIENT KILL: %q, %v", reply, err)
					}
				}
			}
		})
		for ; !killed.Load(); pushed++ {
			if reply, err := pusher.Do("RPUSH", "jobs", fmt.Sprint(pushed)); err != nil || reply[0] != ':' {
				t.Fatalf("RPUSH: %q, %v", reply, err)
			}
		}
		kills.Wait()
		poppers.Wait()
		expectAll(t, pusher, "jobs", &got, pushed)
	}
}
