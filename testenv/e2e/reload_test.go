package e2e

import (
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"evergate/testenv/servers"
)

var (
	reloadClients = flag.Int("reload-clients", 50, "clients of TestReloadUnderLoad")
	reloadPause   = flag.Duration("reload-pause", 20*time.Millisecond, "pause of each of them between two requests")
	reloads       = flag.Int("reloads", 6, "reloads of TestReloadUnderLoad")
)

// reloadSettings are two files that differ in as much as a reload can change while clients stay.
var reloadSettings = [2]string{`
listen: [%[2]s]
max-clients: 5000
hold: 5s
allow-networks: [127.0.0.0/8]
deny: [flushall]
log-level: info
`, `
listen: [%[2]s, "unix:%[3]s"]
max-clients: 4000
max-clients-per-address: 4500
commands-per-second-per-address: 10000000
client-output-buffer-limit: 64mb,32mb,10s
client-memory-max: 900mb
idle-timeout: 10m
hold: 7s
reads: prefer-replica
silent-after: 700ms
on-gap: close
blocking-lost: error
allow: [debug]
users: ["user default on nopass ~* &* +@all"]
user-settings: {default: {commands-per-second: 10000000, databases: [0]}}
`}

// TestReloadUnderLoad reloads again and again while clients send requests: none loses its connection, or gets a reply
// that is not its own. -reload-clients 2000 -reload-pause 200ms measures how long the longest request takes.
func TestReloadUnderLoad(t *testing.T) {
	behind := servers.StartPlain(t, servers.Options{Replicas: 1})
	dir := t.TempDir()
	port, err := servers.ReservePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer port.Release()
	file := filepath.Join(dir, "evergate.yaml")
	write := func(i int) {
		text := fmt.Sprintf("primary: %[1]s\nworkers: 2\n"+reloadSettings[i%2], behind.Primary().Addr, port.Addr(),
			filepath.Join(dir, "socket"))
		if err := servers.Replace(file, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write(0)
	gate := servers.StartGatewayWith(t, servers.GatewayOptions{Args: []string{"--config", file}, Addr: port.Addr()})

	l := startLoad(t, gate.Addr, *reloadClients, *reloadPause)
	for i := range *reloads {
		l.goOn(t, *reloadClients) // each of them was served since the last reload
		if i == 0 {               // what clients have written is on the replica before the first read there
			direct := servers.MustDial(t, behind.Primary().Addr)
			for _, args := range [][]string{{"SET", "last", "1"}, {"WAIT", "1", "0"}} {
				if reply, err := direct.Do(args...); err != nil || reply[0] == '-' {
					t.Fatalf("%s: %q, %v", args[0], reply, err)
				}
			}
		}
		write(i + 1)
		l.during(func() {
			if err := gate.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			servers.Until(t, servers.Patience, "the reload to end", func() error {
				if n := strings.Count(gate.Log(), "settings reloaded: "); n <= i {
					return fmt.Errorf("%d reloads in\n%s", n, gate.Log())
				}
				return nil
			})
		})
	}
	took := l.end()
	if log := gate.Log(); strings.Contains(log, "reload failed") || strings.Contains(log, "need a restart") {
		t.Error(log)
	}
	t.Logf("%d clients, %d reloads: %s", *reloadClients, *reloads, took)
}
