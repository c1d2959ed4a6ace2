package watch_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"evergate/gateway/certs"
	"evergate/testenv/servers"
	"evergate/topology"
	"evergate/topology/watch"
)

// material is the TLS towards an Env's servers, changed by with.
func material(t *testing.T, env *servers.Env, with func(*certs.ClientOptions)) *certs.Client {
	t.Helper()
	o := certs.ClientOptions{Enabled: true, CAFile: env.TLS.CA, CertFile: env.TLS.Cert, KeyFile: env.TLS.Key}
	if with != nil {
		with(&o)
	}
	made, err := certs.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestWatchFollowsSentinelsOverTLS(t *testing.T) {
	servers.NeedsTLS(t)
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Sentinels: 3, Fast: true, TLS: true})
	m := material(t, env, nil)
	service := watch.Service{Name: "s", Sentinels: []string{env.Sentinels[0].Addr}, MasterName: "main", UpstreamTLS: m,
		SentinelTLS: m}
	other := service
	other.Name = "other"
	k := follow(t, service, other)[0]
	old := env.Primary()
	k.until(t, "the primary with two replicas", shape(old.Addr, 2))
	if err := old.Kill(); err != nil {
		t.Fatal(err)
	}
	k.until(t, "another primary", func(v *topology.View) error {
		if p := v.Shards[0].Primary; p == nil || p.Addr == old.Addr || v.Shards[0].Condition != topology.Steady {
			return fmt.Errorf("view %d: %s", v.Epoch, v.String())
		}
		return nil
	})
}

func TestWatchFollowsAClusterOverTLS(t *testing.T) {
	servers.NeedsTLS(t)
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3, Replicas: 1, TLS: true})
	service := watch.Service{Name: "c", Cluster: []string{env.Nodes()[0].Addr}, UpstreamTLS: material(t, env, nil)}
	k := follow(t, service)[0]
	k.until(t, "3 shards with a replica each", fullCluster)
	old := env.Groups[1].Nodes[0]
	if err := old.Kill(); err != nil {
		t.Fatal(err)
	}
	k.until(t, "a new primary", func(v *topology.View) error {
		for _, s := range v.Shards {
			if s.Primary == nil || s.Primary.Addr == old.Addr {
				return errors.New(v.String())
			}
		}
		return nil
	})
}

// TestSurveyExplainsTLS has servers with TLS, and settings that do not fit them.
func TestSurveyExplainsTLS(t *testing.T) {
	servers.NeedsTLS(t)
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 1, Sentinels: 3, DownAfter: 5 * time.Second, TLS: true})
	plain := servers.StartPlain(t, servers.Options{})
	right := material(t, env, nil)
	noCertificate := material(t, env, func(o *certs.ClientOptions) { o.CertFile, o.KeyFile = "", "" })
	otherName := material(t, env, func(o *certs.ClientOptions) { o.ServerName = "redis.example" })
	system := material(t, env, func(o *certs.ClientOptions) { o.CAFile = "" })
	addr, sentinel := env.Primary().Addr, env.Sentinels[0].Addr
	for _, test := range []struct {
		name    string
		service watch.Service
		want    string
	}{
		{"a server", watch.Service{Primary: addr}, "server " + addr + " speaks TLS: set --upstream-tls"},
		{"Sentinels", watch.Service{Sentinels: []string{sentinel}, MasterName: "main", UpstreamTLS: right},
			"Sentinel " + sentinel + " speaks TLS: set --sentinel-tls"},
		{"no certificate", watch.Service{Primary: addr, UpstreamTLS: noCertificate},
			"requires a client certificate; see --upstream-tls-cert-file"},
		{"another name", watch.Service{Sentinels: []string{sentinel}, MasterName: "main", SentinelTLS: otherName},
			"TLS with Sentinel " + sentinel + " fails: its certificate is for localhost, 127.0.0.1, ::1, not for " +
				"redis.example; see --sentinel-tls-server-name"},
		{"an unknown CA", watch.Service{Primary: addr, UpstreamTLS: system},
			`its certificate is signed by an unknown CA, "CN=Evergate test CA"; see --upstream-tls-ca-file`},
		{"no TLS there", watch.Service{Primary: plain.Primary().Addr, UpstreamTLS: right},
			"TLS with server " + plain.Primary().Addr + " fails: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.service.Name = "s"
			found, err := watch.Survey(t.Context(), watch.Options{DialTimeout: time.Second}, test.service)
			if err != nil {
				t.Fatal(err)
			}
			wantProblem(t, found, test.want)
			t.Logf("%v", found.Problems)
		})
	}
}
