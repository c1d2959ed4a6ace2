package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"evergate/testenv/servers"
)

// keepalivedLines are the settings of docs/guide/two-gateways.md, with the user and the program of the check, the
// priority and the virtual address to fill in.
const keepalivedLines = `global_defs {
  enable_script_security
  script_user %s
}
vrrp_script evergate {
  script "%s"
  interval 1
  fall 2
  weight -20
}
vrrp_instance redis {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority %d
  advert_int 1
  virtual_ipaddress { %s/24 }
  track_script { evergate }
}
`

// Two machines and a network between them and this process, which the clients and the server are in.
const (
	networkLines = `mount -t tmpfs tmpfs /run
ip link add lan type bridge
ip link set lan up
ip addr add 10.9.0.1/24 dev lan`
	machineLines = `ip netns add gateway-%[1]d
ip link add port-%[1]d type veth peer name eth0 netns gateway-%[1]d
ip link set port-%[1]d master lan up
ip -n gateway-%[1]d link set lo up
ip -n gateway-%[1]d link set eth0 up
ip -n gateway-%[1]d addr add %[2]s/24 dev eth0`
	lanAddress     = "10.9.0.1"
	virtualAddress = "10.9.0.10"
)

var machines = [2]string{"10.9.0.2", "10.9.0.3"}

// virtual are two machines with a gateway and keepalived each, and one virtual address.
type virtual struct {
	place
	dir       string
	relay     *front // leads the gateways to the server
	processes []*servers.Process
}

// withVirtualAddress has two gateways on machines of their own; keepalived moves an address between them.
func withVirtualAddress(_ context.Context, primary string) (_ *place, err error) {
	if _, err := exec.LookPath("keepalived"); err != nil {
		return nil, errors.New("keepalived is not here")
	}
	if err := os.WriteFile("/proc/self/setgroups", []byte("allow"), 0); err != nil {
		return nil, fmt.Errorf("keepalived needs root for its checks: %w", err)
	}
	if err := commands(networkLines); err != nil {
		return nil, err
	}
	v := &virtual{}
	v.place.close = v.end
	defer func() {
		if err != nil {
			err = errors.Join(err, v.end())
		}
	}()
	if v.dir, err = os.MkdirTemp("", "evergate-machines-"); err != nil {
		return nil, err
	}
	v.primary = net.JoinHostPort(lanAddress, "6400")
	if v.relay, err = relay(v.primary, []string{primary}); err != nil {
		return nil, err
	}
	gateway, err := servers.BuildGateway()
	if err != nil {
		return nil, err
	}
	for i, host := range machines {
		if err := commands(fmt.Sprintf(machineLines, i+1, host)); err != nil {
			return nil, err
		}
		v.addrs[i] = net.JoinHostPort(host, "6379")
		v.args[i] = []string{"--listen", "0.0.0.0:6379", "--no-auth", "--admin", "127.0.0.1:9121"}
		v.binaries[i], err = script(v.dir, fmt.Sprint("gateway-", i+1), "ip", "netns", "exec", machineName(i), gateway)
		if err != nil {
			return nil, err
		}
	}
	check, err := script(v.dir, "check", gateway, "healthcheck", "--ready", "--primary", v.primary, "--listen",
		"0.0.0.0:6379", "--admin", "127.0.0.1:9121")
	if err != nil {
		return nil, err
	}
	v.place.front = func() (*front, error) { return v.keepAlive(check) }
	return &v.place, nil
}

func machineName(i int) string { return fmt.Sprint("gateway-", i+1) }

// keepAlive runs keepalived on both machines, and returns when the first one has the address.
func (v *virtual) keepAlive(check string) (*front, error) {
	for i := range machines {
		file := filepath.Join(v.dir, machineName(i)+".conf")
		lines := fmt.Sprintf(keepalivedLines, "root", check, 100-10*i, virtualAddress)
		if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
			return nil, err
		}
		process, err := servers.StartProcess(v.dir, filepath.Join(v.dir, machineName(i)+".log"), "ip", []string{"netns",
			"exec", machineName(i), "keepalived", "--dont-fork", "--log-console", "--vrrp", "--use-file", file, "--pid",
			file + ".pid", "--vrrp_pid", file + ".vrrp"})
		if err != nil {
			return nil, err
		}
		v.processes = append(v.processes, process)
	}
	f := &front{at: net.JoinHostPort(virtualAddress, "6379"), settled: v.settled, close: func() {}}
	return f, v.settled(context.Background())
}

// settled returns when the first machine has the address.
func (v *virtual) settled(ctx context.Context) error {
	return servers.WaitFor(ctx, "the address to be at the first machine", func() error {
		for i, want := range []bool{true, false} {
			out, err := exec.Command("ip", "-n", machineName(i), "addr", "show", "dev", "eth0").Output()
			if err != nil {
				return err
			}
			if has := strings.Contains(string(out), virtualAddress+"/"); has != want {
				log, _ := os.ReadFile(filepath.Join(v.dir, machineName(i)+".log"))
				return fmt.Errorf("machine %d has it: %v\n%s", i+1, has, log)
			}
		}
		return nil
	})
}

// end ends all of it.
func (v *virtual) end() (err error) {
	for _, p := range v.processes {
		err = errors.Join(err, p.Stop())
	}
	if v.relay != nil {
		v.relay.close()
	}
	for i := range machines { // their ports at once; a network without a name ends later
		_ = commands(fmt.Sprintf("ip link del port-%d\nip netns del gateway-%[1]d", i+1))
	}
	_ = commands("ip link del lan")
	return errors.Join(err, commands("umount --lazy /run"), os.RemoveAll(v.dir))
}
