package watch_test

import (
	"context"
	"fmt"
	"testing"

	"evergate/testenv/servers"
	"evergate/topology"
	"evergate/topology/watch"
)

// offsets returns an Offsets for each server of an Env, as user and password ask, until the test ends.
func offsets(t *testing.T, env *servers.Env, service watch.Service) []*watch.Offsets {
	t.Helper()
	w := watch.New(watch.Options{})
	service.Name, service.Primary = "s", env.Primary().Addr
	watched := w.Add(service)
	var list []*watch.Offsets
	for _, n := range env.Nodes() {
		o := watched.Offsets(n.Addr)
		t.Cleanup(o.Close)
		list = append(list, o)
	}
	return list
}

func TestOffsetsOfPrimaryAndReplica(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{Replicas: 1})
	both := offsets(t, env, watch.Service{})
	ask := func(i int) topology.RoleSeen {
		seen, err := both[i].Ask(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return seen
	}
	before := ask(0)
	if _, err := env.Primary().Do("set", "key", "value"); err != nil {
		t.Fatal(err)
	}
	primary := ask(0)
	if primary.Role != topology.RolePrimary || primary.RunID == "" || primary.ReplID == "" ||
		primary.Offset <= before.Offset || primary.RunID != before.RunID {
		t.Errorf("after a write: %+v, before: %+v", primary, before)
	}
	servers.Until(t, servers.Patience, "the replica has the write", func() error {
		r := ask(1)
		if r.Role != topology.RoleReplica || r.ReplID != primary.ReplID || r.RunID == "" || r.RunID == primary.RunID {
			return fmt.Errorf("it is no replica: %+v", r)
		}
		if r.Offset < primary.Offset {
			return fmt.Errorf("offset %d of %d", r.Offset, primary.Offset)
		}
		return nil
	})

	run := ask(1).RunID
	replica := env.Replicas()[0]
	if err := replica.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := both[1].Ask(t.Context()); err == nil {
		t.Error("a killed server answered")
	}
	if err := replica.Restart(); err != nil {
		t.Fatal(err)
	}
	servers.Until(t, servers.Patience, "it answers again", func() error {
		r, err := both[1].Ask(t.Context())
		if err == nil && r.RunID == run {
			t.Error("it has the run of before")
		}
		return err
	})
}

func TestOffsetsRefused(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{
		ACL: []string{"user few on >secret -@all +ping", "user default on nopass ~* &* +@all"}})
	for _, c := range []struct {
		password string
		refused  bool
	}{{"secret", true}, {"wrong", false}} {
		o := offsets(t, env, watch.Service{Upstream: func() (string, string, error) { return "few", c.password, nil }})[0]
		for range 2 {
			if _, err := o.Ask(t.Context()); err == nil || watch.Refused(err) != c.refused {
				t.Errorf("with the password %q: %v", c.password, err)
			}
		}
	}
}

func TestOffsetsEndWithTheirContext(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	server := env.Primary()
	o := offsets(t, env, watch.Service{})[0]
	if _, err := o.Ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := o.Ask(ctx)
		done <- err
	}()
	cancel()
	if err := <-done; err == nil {
		t.Error("a frozen server answered")
	}
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Ask(t.Context()); err != nil {
		t.Errorf("it does not answer again: %v", err)
	}
}

func TestOffsetsOverTLS(t *testing.T) {
	servers.NeedsTLS(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{TLS: true})
	o := offsets(t, env, watch.Service{UpstreamTLS: material(t, env, nil)})[0]
	if seen, err := o.Ask(t.Context()); err != nil || seen.RunID == "" {
		t.Errorf("%+v, %v", seen, err)
	}
}
