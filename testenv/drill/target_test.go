package drill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"evergate/testenv/drill/load"
	"evergate/testenv/drill/report"
	"evergate/testenv/servers"
)

// arena is an independent system: servers and a gateway that know nothing of drills. pids is a directory with the
// process id of each server in a file named after its port.
type arena struct {
	env    *servers.Env
	target Target
	pids   string
}

func startArena(t *testing.T, mode Mode, o servers.Options, gatewayArgs ...string) *arena {
	t.Helper()
	servers.SkipShort(t)
	o.DownAfter, o.FailoverTimeout, o.NodeTimeout, o.Fast, o.Persist = downAfter, failoverTimeout, nodeTimeout, true, true
	a := &arena{pids: t.TempDir()}
	args := append([]string{"--reads", "prefer-replica"}, gatewayArgs...)
	var err error
	if mode == Cluster {
		o.Replicas = 1
		a.env, err = servers.Cluster(o)
	} else {
		o.Replicas = 2
		a.env, err = servers.Sentinel(o)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.env.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := a.env.UsualPeriods(); err != nil {
		t.Fatal(err)
	}
	// One address of several suffices for the drill; it discovers the others.
	if mode == Cluster {
		args = append(args, "--cluster", a.env.Addrs())
		a.target.Cluster = []string{a.env.Groups[1].Nodes[0].Addr}
	} else {
		args = append(args, "--sentinel", a.env.SentinelAddrs(), "--master-name", "main")
		a.target.Sentinels, a.target.MasterName = []string{a.env.Sentinels[0].Addr}, "main"
	}
	for _, n := range append(a.env.Nodes(), a.env.Sentinels...) {
		if err := os.WriteFile(filepath.Join(a.pids, fmt.Sprint(n.Port)), fmt.Append(nil, n.Pid()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a.target.Addr = servers.StartGateway(t, args...).Addr
	a.target.Commands = Commands{Kill: a.signal("KILL"), Freeze: a.signal("STOP"), Heal: a.signal("CONT")}
	return a
}

// signal returns a template that sends a signal to a server of the arena.
func (a *arena) signal(name string) string {
	return fmt.Sprintf("kill -%s $(cat %s/{port})", name, a.pids)
}

func (a *arena) plan(name string) Plan {
	return Plan{Name: name, Mode: a.target.Mode(), Target: &a.target, Connections: 20, Rate: 300, Quick: true,
		Untimed: true}
}

// keys returns those on all running servers. A server that is being promoted or demoted closes its connections.
func (a *arena) keys(t *testing.T) (keys []string, err error) {
	t.Helper()
	for _, n := range a.env.Nodes() {
		if !n.Running() {
			continue
		}
		on, err := n.Client().Keys(t.Context(), "*").Result()
		if err != nil {
			return nil, err
		}
		for _, key := range on {
			keys = append(keys, n.Addr+" "+key)
		}
	}
	return keys, nil
}

// awaitNothing waits until replicas, too, have removed all keys.
func (a *arena) awaitNothing(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), switchPatience)
	defer cancel()
	if err := servers.WaitFor(ctx, "no key to be left", func() error {
		keys, err := a.keys(t)
		if err == nil && len(keys) > 0 {
			err = fmt.Errorf("%d are, %.200v", len(keys), keys)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

func (a *arena) play(t *testing.T, name string) *report.Report {
	t.Helper()
	judged, err := Run(t.Context(), a.plan(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Log(judged.Text())
	if v := judged.Verdict; !v.Kept() {
		t.Errorf("%s\n%s\n%s", strings.Join(v.Sentences(), "\n"), v.Vacuous, judged.Timeline())
	}
	a.awaitNothing(t)
	return judged
}

// TestTarget drills running systems: by commands to servers, by templates, and by both in a row.
func TestTarget(t *testing.T) {
	for _, mode := range both {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			a := startArena(t, mode, servers.Options{})
			a.play(t, "planned")
			before := a.env.Primary()
			a.play(t, "freeze-primary")
			if now := a.env.Primary(); now == nil || now == before {
				t.Errorf("%v is primary still", before)
			}
			a.target.Commands.Heal = ""
			judged := a.play(t, "kill-primary")
			const left = "was killed and is not healed: no --heal-cmd is given"
			if len(judged.Left) != 1 || !strings.Contains(strings.Join(strings.Fields(judged.Text()), " "), left) {
				t.Errorf("it does not say who is dead:\n%s", judged.Text())
			}
		})
	}
}

// TestTargetThatAsksForPasswords has different passwords for clients, servers and Sentinels.
func TestTargetThatAsksForPasswords(t *testing.T) {
	t.Parallel()
	a := startArena(t, Sentinel, servers.Options{Password: "of-servers", SentinelPassword: "of-sentinels"},
		"--password-file", secret(t, "of-clients"), "--upstream-password-file", secret(t, "of-servers"),
		"--sentinel-password-file", secret(t, "of-sentinels"))
	_, err := Run(t.Context(), a.plan("planned"))
	if err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("without passwords: %v", err)
	}
	// Without the password a client cannot see whether the servers are known yet.
	servers.Until(t, servers.Patience, "the gateway knows its servers", func() error {
		conn := servers.MustDial(t, a.target.Addr)
		_, _ = conn.Do("AUTH", "of-clients")
		reply, err := conn.Do("EXISTS", "k")
		if err == nil && string(reply) != ":0\r\n" {
			err = fmt.Errorf("%q", reply)
		}
		return err
	})
	shown := func(text string) Login { return Login{Password: func() (string, error) { return text, nil }} }
	a.target.Clients, a.target.Servers, a.target.Watchers = shown("of-clients"), shown("of-servers"), shown("of-sentinels")
	a.play(t, "planned")
}

func secret(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTargetIsLeftInOrder ends a drill in its middle, while its primary is frozen.
func TestTargetIsLeftInOrder(t *testing.T) {
	for _, mode := range both {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			a := startArena(t, mode, servers.Options{})
			frozen := a.env.Primary()
			ctx, end := context.WithCancel(t.Context())
			plan := a.plan("freeze-primary")
			var once sync.Once
			sawKeys := false
			plan.Live = func(p Progress) {
				if strings.HasPrefix(p.Phase, "freeze ") {
					once.Do(func() {
						sawKeys = strings.Contains(fmt.Sprint(a.env.Groups[0].Nodes[1].Client().Keys(t.Context(), "*")), load.Keyspace)
						end()
					})
				}
			}
			if _, err := Run(ctx, plan); !errors.Is(err, context.Canceled) {
				t.Fatalf("it ended with %v", err)
			}
			if !sawKeys {
				t.Error("there were no keys to remove")
			}
			if _, err := frozen.Do("PING"); err != nil {
				t.Errorf("it is frozen still: %v", err)
			}
			a.awaitNothing(t)
		})
	}
}

// TestTargetIsAskedForFirst refuses consent, and checks that nothing was changed.
func TestTargetIsAskedForFirst(t *testing.T) {
	t.Parallel()
	a := startArena(t, Sentinel, servers.Options{})
	plan := a.plan("kill-primary")
	primary := a.env.Primary()
	no, warning := errors.New("no"), ""
	plan.Consent = func(text string) error {
		warning = text
		if keys, err := a.keys(t); err != nil || len(keys) > 0 {
			t.Errorf("it has written %v before it asked, or: %v", keys, err)
		}
		return no
	}
	if _, err := Run(t.Context(), plan); !errors.Is(err, no) {
		t.Fatalf("it ended with %v", err)
	}
	for _, part := range []string{"kill-primary", a.target.Addr, "primary    " + primary.Addr, a.env.Replicas()[0].Addr,
		a.env.Sentinels[2].Addr, a.target.Commands.Kill, load.Keyspace} {
		if !strings.Contains(warning, part) {
			t.Errorf("the warning has no %q:\n%s", part, warning)
		}
	}
	if keys, err := a.keys(t); a.env.Primary() != primary || err != nil || len(keys) > 0 {
		t.Errorf("it did something without consent: %v, %v", keys, err)
	}
	a.refuses(t)
	a.standsBeside(t)
}

// refuses checks the warning of a drill before it strikes.
func (a *arena) refuses(t *testing.T) {
	t.Helper()
	stranger, err := servers.Plain(servers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close() }()
	other := servers.StartGateway(t, "--primary", stranger.Primary().Addr)
	for _, c := range []struct {
		name   string
		change func(*Plan, *Target)
		want   string
	}{
		{"kill-primary", func(_ *Plan, t *Target) { t.Commands = Commands{} }, "kill-primary needs --kill-cmd: "},
		{"kill-replica", func(_ *Plan, t *Target) { t.Commands = Commands{} }, "needs --kill-cmd and --heal-cmd"},
		{"split-brain", func(*Plan, *Target) {}, "needs servers of its own"},
		{"planned", func(_ *Plan, t *Target) { t.Addr = a.env.Primary().Addr }, "is not an Evergate gateway"},
		{"planned", func(_ *Plan, t *Target) { t.Addr = other.Addr }, "are not the servers behind it"},
		{"planned", func(p *Plan, _ *Target) { p.Beside = other.Addr }, "are not the servers behind it"},
		{"planned", func(_ *Plan, t *Target) { t.MasterName = "mian" }, `no Sentinel knows "mian"`},
		{"planned-lagging", func(_ *Plan, t *Target) { t.Sentinels = nil }, "no Sentinel knows"},
	} {
		plan, target := a.plan(c.name), a.target
		plan.Target = &target
		c.change(&plan, &target)
		if _, err := Run(t.Context(), plan); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if keys, err := stranger.Primary().Client().Keys(t.Context(), "*").Result(); err != nil || len(keys) > 0 {
		t.Errorf("left at a stranger: %v %v", keys, err)
	}
}

// standsBeside runs a drill over a path that the drill did not start.
func (a *arena) standsBeside(t *testing.T) {
	t.Helper()
	path, err := servers.NewFault(a.env.Primary().Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer path.Close()
	plan := a.plan("planned")
	plan.Beside = path.Addr
	judged, err := Run(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	// Such a path stays with the former primary: the writes that this acknowledges are lost, and later it is a replica.
	if judged.Path != path.Addr || judged.Account.Lost == 0 || judged.Verdict.Kept() {
		t.Error(judged.Text())
	}
	a.awaitNothing(t)
}
