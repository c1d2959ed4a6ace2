package servers

import (
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestPlainReplicatesAndCleansUp(t *testing.T) {
	SkipShort(t)
	t.Parallel()
	env, err := Plain(Options{Replicas: 2, Password: "opensesame", Persist: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Close() })
	primary := env.Primary()
	if primary != env.Groups[0].Nodes[0] {
		t.Fatalf("primary is %v", primary)
	}
	if _, err := primary.Do("SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	if err := env.Groups[0].AwaitOffsets(Patience); err != nil {
		t.Fatal(err)
	}
	for _, replica := range env.Replicas() {
		if got, err := replica.Do("GET", "k"); err != nil || got != "v" {
			t.Errorf("replica %s has %v, %v", replica.Addr, got, err)
		}
	}
	if err := errors.Join(primary.Freeze(), primary.Kill(), primary.Restart()); err != nil {
		t.Fatal(err)
	}
	if got, err := primary.Do("GET", "k"); err != nil || got != "v" {
		t.Errorf("after a restart the persistent primary has %v, %v", got, err)
	}
	if err := primary.RestartWiped(); err != nil {
		t.Fatal(err)
	}
	if got, _ := primary.Do("DBSIZE"); got != int64(0) {
		t.Errorf("after being wiped the primary has %v keys", got)
	}
	checkClosed(t, env)
}

// checkClosed closes an Env and checks that no process and no file is left.
func checkClosed(t *testing.T, env *Env) {
	t.Helper()
	replica := env.Nodes()[1]
	if err := replica.Freeze(); err != nil {
		t.Fatal(err)
	}
	if err := env.Close(); err != nil {
		t.Fatal(err)
	}
	for _, n := range env.nodes {
		if !bindable(IPv4Loopback, n.Port) {
			t.Errorf("something still listens on %s", n.Addr)
		}
	}
	if _, err := os.Stat(env.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("directory %s: %v", env.Dir(), err)
	}
}

func TestFrozenServerDoesNotAnswer(t *testing.T) {
	t.Parallel()
	env := StartPlain(t, Options{})
	n := env.Primary()
	if err := n.Freeze(); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := n.Do("PING"); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("a frozen server answered: %v", err)
	}
	if err := n.Thaw(); err != nil {
		t.Fatal(err)
	}
	Until(t, Patience, "an answer after the thaw", func() error {
		_, err := n.Do("PING")
		return err
	})
}

func TestSentinelsElectNewPrimary(t *testing.T) {
	t.Parallel()
	env := StartSentinel(t, Options{Replicas: 2, Masters: []string{"main", "other"}, Fast: true})
	old, untouched := env.Primary(), env.Groups[1].Primary()
	if err := old.Kill(); err != nil {
		t.Fatal(err)
	}
	Until(t, Patience, "a new primary of main", func() error {
		if p := env.Primary(); p == nil || p == old {
			return errors.New("none yet")
		}
		return nil
	})
	if now := env.Groups[1].Primary(); now != untouched {
		t.Errorf("the other master moved: %v", now)
	}
	if err := old.Restart(); err != nil {
		t.Fatal(err)
	}
	Until(t, Patience, "the old primary as a replica in sync", func() error {
		if n := len(env.Replicas()); n != 2 {
			return errors.New("not yet")
		}
		return nil
	})
}

func TestClusterServesEverySlotAndMovesOne(t *testing.T) {
	t.Parallel()
	env := StartCluster(t, Options{Primaries: 3, Replicas: 1})
	const slot = 866 // of the key "hello"
	from, to := env.SlotOwner(slot), env.Groups[2].Primary()
	if from != env.Groups[0].Nodes[0] {
		t.Fatalf("slot %d is served by %v", slot, from)
	}
	if _, err := from.Do("SET", "hello", "world"); err != nil {
		t.Fatal(err)
	}
	err := errors.Join(env.MigrateSlot(slot, from, to), env.MoveKeys(slot, from, to), env.FinishSlot(slot, from, to))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := to.Do("GET", "hello"); err != nil || got != "world" {
		t.Errorf("the new owner has %v, %v", got, err)
	}
}

func TestWaitForNamesConditionAndShowsLogs(t *testing.T) {
	t.Parallel()
	env := StartPlain(t, Options{})
	err := env.WaitFor(20*time.Millisecond, "the moon", func() error { return errors.New("still dark") })
	for _, want := range []string{"the moon", "still dark", env.Nodes()[0].Addr, "Ready to accept connections"} {
		if !containsText(err, want) {
			t.Errorf("error does not say %q: %v", want, err)
		}
	}
}

func containsText(err error, text string) bool {
	return err != nil && strings.Contains(err.Error(), text)
}

// TestNodesMeetAfterAStall freezes a node while it is to meet another one, until that one has forgotten it: they meet
// later.
func TestNodesMeetAfterAStall(t *testing.T) {
	t.Parallel()
	env := StartCluster(t, Options{Primaries: 2, Unformed: true, NodeTimeout: time.Second})
	first, frozen := env.Nodes()[0], env.Nodes()[1]
	if err := frozen.Freeze(); err != nil {
		t.Fatal(err)
	}
	met := make(chan error, 1)
	go func() { met <- env.meetAll() }()
	handshake := "" // its line in the table, with the name that it has until it answers
	Until(t, Patience, "a node that is met, and forgotten", func() error {
		table, err := first.Do("CLUSTER", "NODES")
		listed := regexp.MustCompile(`\S+ \S+ handshake`).FindString(fmt.Sprint(table))
		if handshake == "" || listed == handshake {
			handshake = listed
			return fmt.Errorf("%v, %w", table, errors.Join(err))
		}
		return nil
	})
	if err := errors.Join(frozen.Thaw(), <-met); err != nil {
		t.Error(err)
	}
}

// TestTiltsAreShort: a Sentinel that has stood still for 2 s does nothing for a while, which must be less than what
// tests wait for, also after a restart and with the usual periods.
func TestTiltsAreShort(t *testing.T) {
	t.Parallel()
	for _, fast := range []bool{true, false} {
		env := StartSentinel(t, Options{Sentinels: 1, Fast: fast})
		if !env.Version.AtLeast(7, 0) {
			t.Skip("it has no SENTINEL DEBUG")
		}
		n := env.Sentinels[0]
		for what, change := range map[string]func() error{
			"started": func() error { return nil }, "restarted": n.Restart, "usual": env.UsualPeriods,
		} {
			if err := change(); err != nil {
				t.Fatal(err)
			}
			periods, err := n.Do("SENTINEL", "DEBUG")
			if err != nil {
				t.Fatal(err)
			}
			if got := Pairs(periods)["TILT-PERIOD"]; got != "1000" {
				t.Errorf("fast %v, %s: a tilt lasts %s ms", fast, what, got)
			}
		}
	}
}
