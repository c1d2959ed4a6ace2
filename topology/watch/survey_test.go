package watch_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"evergate/testenv/servers"
	"evergate/topology/watch"
)

func TestSurveySentinel(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Sentinels: 3, DownAfter: 5 * time.Second})
	service := watch.Service{Name: "s", Sentinels: []string{env.Sentinels[0].Addr}, MasterName: "main"}
	found, err := watch.Survey(t.Context(), watch.Options{}, service)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Sentinels) != 3 || len(found.Nodes) != 3 || found.DownAfter != 5*time.Second {
		t.Errorf("%d Sentinels, %d nodes, down-after %v", len(found.Sentinels), len(found.Nodes), found.DownAfter)
	}
	if found.View == nil || len(found.View.Shards[0].Replicas) != 2 ||
		found.Has(watch.Broken) || found.Has(watch.Fragile) || found.Has(watch.Warning) {
		t.Errorf("view %+v, problems %q", found.View, found.Problems)
	}
	// A frequent mistake: the announced addresses cannot be reached from here.
	service.AddressMap = map[string]string{env.Replicas()[0].Addr: "127.0.0.1:1"}
	found, err = watch.Survey(t.Context(), watch.Options{}, service)
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, found, "server 127.0.0.1:1 cannot be reached: connection refused (--address-map maps "+
		env.Replicas()[0].Addr)
}

// TestSurveyWaitsForSentinels: a Sentinel that accepts and stays silent is reported as lost, not left out.
func TestSurveyWaitsForSentinels(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Sentinels: 3, DownAfter: time.Minute})
	silent := env.Sentinels[2]
	if err := silent.Freeze(); err != nil {
		t.Fatal(err)
	}
	found, err := watch.Survey(t.Context(), watch.Options{DialTimeout: time.Second}, watch.Service{Name: "s",
		Sentinels: []string{env.Sentinels[0].Addr}, MasterName: "main"})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Sentinels) != 3 {
		t.Errorf("%d Sentinels of 3: %+v", len(found.Sentinels), found.Sentinels)
	}
	for _, s := range found.Sentinels {
		if (s.Lost != "") != (s.Addr == silent.Addr) {
			t.Errorf("Sentinel %s lost %q", s.Addr, s.Lost)
		}
	}
}

func TestSurveyCluster(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3, NodeTimeout: 3 * time.Second, ACL: []string{
		"user default on nopass ~* &* +@all", "user few on >secret -@all +info +cluster|slots +config|get"}})
	found, err := watch.Survey(t.Context(), watch.Options{}, watch.Service{Name: "c",
		Cluster:  []string{env.Nodes()[0].Addr},
		Upstream: func() (string, string, error) { return "few", "secret", nil }})
	if err != nil {
		t.Fatal(err)
	}
	if found.View == nil || len(found.View.Shards) != 3 || found.DownAfter != 3*time.Second {
		t.Errorf("view %+v, node timeout %v", found.View, found.DownAfter)
	}
	for _, command := range []string{"ROLE", "CLUSTER SHARDS", "CLUSTER NODES"} {
		wantProblem(t, found, env.Nodes()[0].Addr+" rejects "+command)
	}
	wantProblem(t, found, "no replica can be promoted if primary")
}

// TestSurveyFindsWaitThatCannotBe: on servers whose WAIT is per connection, WAIT needs one more right.
func TestSurveyFindsWaitThatCannotBe(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{ACL: []string{"user default on nopass ~* &* +@all",
		"user few on >secret ~* &* +@all -function", "user all on >secret ~* &* +@all -migrate"}})
	for user, lacks := range map[string]bool{"few": env.Version.AtLeast(7, 2), "all": false} {
		found, err := watch.Survey(t.Context(), watch.Options{}, watch.Service{Name: "p", Primary: env.Primary().Addr,
			Upstream: func() (string, string, error) { return user, "secret", nil }})
		if err != nil {
			t.Fatal(err)
		}
		const part = "WAIT would fail at "
		if lacks {
			wantProblem(t, found, part+env.Primary().Addr)
		} else if strings.Contains(fmt.Sprint(found.Problems), part) {
			t.Errorf("user %s: %v", user, found.Problems)
		}
	}
}

// TestSurveyFindsWrongPassword: a server that rejects the password is reported as unusable.
func TestSurveyFindsWrongPassword(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{Password: "right"})
	found, err := watch.Survey(t.Context(), watch.Options{}, watch.Service{Name: "p", Primary: env.Primary().Addr,
		Upstream: func() (string, string, error) { return "", "wrong", nil }})
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, found, "rejects the password: WRONGPASS")
}

func TestSurveyFindsTrouble(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	one, two := servers.StartPlain(t, servers.Options{}), servers.StartPlain(t, servers.Options{})
	options := watch.Options{DialTimeout: 10 * time.Second}
	found, err := watch.Survey(t.Context(), options, watch.Service{Name: "p", Primary: one.Primary().Addr,
		Replicas: []string{two.Primary().Addr}})
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, found, "all report to be the primary")
	for _, p := range found.Problems {
		if strings.Contains(p.Text, "role primary") {
			t.Errorf("the alarm about the same is a problem, too: %s", p.Text)
		}
	}
	dead := one.Primary()
	if err := dead.Kill(); err != nil {
		t.Fatal(err)
	}
	found, err = watch.Survey(t.Context(), options, watch.Service{Name: "p", Primary: dead.Addr})
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, found, "cannot be reached: connection refused")
	found, err = watch.Survey(t.Context(), options, watch.Service{Name: "s", Sentinels: []string{two.Primary().Addr},
		MasterName: "main"})
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, found, two.Primary().Addr+" is not a Sentinel: ERR unknown command")
}

// TestSurveyFindsNamesWithoutAddress: an unknown name is reported as such, and the addresses of a name of the settings
// do not count as announced.
func TestSurveyFindsNamesWithoutAddress(t *testing.T) {
	resolve := func(_ context.Context, host string) ([]string, error) {
		if host == "dead.test" {
			return []string{"127.0.0.1"}, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	found, err := watch.Survey(t.Context(), watch.Options{Resolve: resolve},
		watch.Service{Name: "p", Primary: "nobody.test:6379", Replicas: []string{"dead.test:1"}})
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, found, "server nobody.test:6379 cannot be resolved: lookup nobody.test: no such host")
	wantProblem(t, found, "server 127.0.0.1:1 cannot be reached: connection refused")
	for _, p := range found.Problems {
		if strings.Contains(p.Text, "announced") {
			t.Errorf("nothing was announced: %s", p.Text)
		}
	}
}

func wantProblem(t *testing.T, found *watch.Findings, part string) {
	t.Helper()
	for _, p := range found.Problems {
		if strings.Contains(p.Text, part) {
			return
		}
	}
	t.Errorf("no problem says %q; problems:\n%+v", part, found.Problems)
}
