package e2e

import (
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"evergate/testenv/servers"
)

// secured starts a gateway with TLS on all legs, whose clients need a certificate, and returns what they take.
func secured(t *testing.T, env *servers.Env, args ...string) (*servers.Gateway, *tls.Config) {
	t.Helper()
	config, err := env.TLS.Client()
	if err != nil {
		t.Fatal(err)
	}
	args = append(args, env.TLS.ToServers(len(env.Sentinels) > 0)...)
	args = append(args, "--tls-cert-file", env.TLS.Cert, "--tls-key-file", env.TLS.Key, "--tls-ca-file", env.TLS.CA)
	return servers.StartGatewayWith(t, servers.GatewayOptions{Args: args, TLS: config}), config
}

// TestFailoverWithTLSOnAllLegs kills the primary under load: no client sees an error but UNCERTAIN, or a value of
// another key. Replication is asynchronous, so the last write may be lost.
func TestFailoverWithTLSOnAllLegs(t *testing.T) {
	servers.NeedsTLS(t)
	t.Parallel()
	for name, mode := range map[string]struct {
		start func(servers.T, servers.Options) *servers.Env
		args  func(*servers.Env) []string
	}{
		"sentinel": {servers.StartSentinel, func(e *servers.Env) []string {
			return []string{"--sentinel", e.SentinelAddrs(), "--master-name", "main"}
		}},
		"cluster": {servers.StartCluster, func(e *servers.Env) []string { return []string{"--cluster", e.Addrs()} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := mode.start(t, servers.Options{Replicas: 1, Fast: true, TLS: true})
			gate, config := secured(t, env, mode.args(env)...)
			const writers = 8
			stop := make(chan struct{})
			var all sync.WaitGroup
			acked := make([]int, writers)
			for i := range writers {
				conn := servers.MustDialTLS(t, gate.Addr, config)
				all.Go(func() {
					for n := 1; ; n++ {
						select {
						case <-stop:
							return
						default:
						}
						reply, err := conn.Do("SET", fmt.Sprintf("w%d:%d", i, n), fmt.Sprint(n))
						switch {
						case err == nil && string(reply) == "+OK\r\n":
							acked[i] = n
						case err != nil || !strings.HasPrefix(string(reply), "-UNCERTAIN"):
							t.Errorf("writer %d: %q, %v", i, reply, err)
							return
						}
					}
				})
			}
			old := env.Groups[0].Primary()
			if err := env.Groups[0].AwaitOffsets(servers.Patience); err != nil {
				t.Error(err)
			}
			if err := old.Kill(); err != nil {
				t.Error(err)
			}
			servers.Until(t, servers.Patience, "a new primary", func() error {
				if p := env.Groups[0].Primary(); p == nil || p == old {
					return errors.New("none yet")
				}
				return nil
			})
			close(stop)
			all.Wait()
			conn := servers.MustDialTLS(t, gate.Addr, config)
			for i := range writers {
				if acked[i] == 0 {
					t.Errorf("writer %d had nothing acknowledged", i)
				}
				key, want := fmt.Sprintf("w%d:%d", i, acked[i]), fmt.Sprint(acked[i])
				want = fmt.Sprintf("$%d\r\n%s\r\n", len(want), want)
				if reply, err := conn.Do("GET", key); string(reply) != want && string(reply) != "$-1\r\n" {
					t.Errorf("GET %s: %q, %v", key, reply, err)
				}
			}
		})
	}
}

// TestCertificatesAreRenewedUnderLoad renews the gateway's certificate and key while clients connect, talk and leave.
func TestCertificatesAreRenewedUnderLoad(t *testing.T) {
	servers.NeedsTLS(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{TLS: true})
	dir := t.TempDir()
	renew := func(name string) {
		t.Helper()
		_, _, err := env.TLS.Authority.WritePair(dir, "gate", servers.Issue{Name: name, Hosts: []string{"127.0.0.1"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	renew("first")
	config, err := env.TLS.Client()
	if err != nil {
		t.Fatal(err)
	}
	gate := servers.StartGatewayWith(t, servers.GatewayOptions{TLS: config, Args: append(env.TLS.ToServers(false),
		"--primary", env.Primary().Addr, "--tls-cert-file", filepath.Join(dir, "gate.crt"), "--tls-key-file",
		filepath.Join(dir, "gate.key"))})
	shown := func() (string, error) { // the certificate that a new client is shown
		conn, err := servers.DialTLS(gate.Addr, config)
		if err != nil {
			return "", err
		}
		defer conn.Close()
		if reply, err := conn.Do("SET", "k", strings.Repeat("v", 1000)); string(reply) != "+OK\r\n" {
			return "", fmt.Errorf("%q, %w", reply, err)
		}
		return conn.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName, nil
	}
	stays := servers.MustDialTLS(t, gate.Addr, config)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := shown(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for _, name := range []string{"second", "third"} {
		renew(name)
		servers.Until(t, 30*time.Second, "the certificate "+name, func() error {
			got, err := shown()
			if err == nil && got != name {
				err = fmt.Errorf("it is %s", got)
			}
			return err
		})
	}
	close(stop)
	clients.Wait()
	if reply, err := stays.Do("PING"); string(reply) != "+PONG\r\n" {
		t.Errorf("a client of the first certificate: %q, %v", reply, err)
	}
}

// TestFacadesOverTLS has go-redis find its way by the facades of a gateway that listens with and without TLS: each
// client gets addresses of its own kind, and uses them.
func TestFacadesOverTLS(t *testing.T) {
	servers.NeedsTLS(t)
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{TLS: true})
	var addrs [6]string
	for i := range addrs {
		p, err := servers.ReservePort(servers.IPv4Loopback)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Release)
		addrs[i] = p.Addr()
	}
	plain, cluster, sentinel := addrs[0], addrs[1], addrs[2]
	tlsPlain, tlsCluster, tlsSentinel := addrs[3], addrs[4], addrs[5]
	config, err := env.TLS.Client()
	if err != nil {
		t.Fatal(err)
	}
	servers.StartGatewayWith(t, servers.GatewayOptions{Addr: plain, Args: append(env.TLS.ToServers(false), "--primary",
		env.Primary().Addr, "--listen", strings.Join(addrs[:3], ","), "--tls-listen", strings.Join(addrs[3:], ","),
		"--facade", cluster+"=cluster,"+sentinel+"=sentinel,"+tlsCluster+"=cluster,"+tlsSentinel+"=sentinel",
		"--tls-cert-file", env.TLS.Cert, "--tls-key-file", env.TLS.Key)})
	for _, kind := range []struct {
		name                        string
		primary, cluster, sentinels string
		config                      *tls.Config
	}{{"plain", plain, cluster, sentinel, nil}, {"TLS", tlsPlain, tlsCluster, tlsSentinel, config}} {
		asked := servers.NewTLSClient(kind.sentinels, "", "", kind.config)
		reply, err := asked.Do(t.Context(), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "default").StringSlice()
		if err != nil || strings.Join(reply, ":") != kind.primary {
			t.Errorf("%s: the Sentinel facade names %v, %v; want %s", kind.name, reply, err, kind.primary)
		}
		_ = asked.Close()
		quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
		bySentinel := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "default",
			SentinelAddrs: []string{kind.sentinels}, TLSConfig: kind.config})
		byCluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{kind.cluster}, TLSConfig: kind.config,
			MaintNotificationsConfig: quiet})
		for way, client := range map[string]redis.UniversalClient{"Sentinel": bySentinel, "cluster": byCluster} {
			if err := client.Set(t.Context(), "k", kind.name+way, 0).Err(); err != nil {
				t.Errorf("%s, %s: %v", kind.name, way, err)
			} else if got := client.Get(t.Context(), "k").Val(); got != kind.name+way {
				t.Errorf("%s, %s: %q", kind.name, way, got)
			}
			_ = client.Close()
		}
	}
}
