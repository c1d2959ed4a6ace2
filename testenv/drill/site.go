package drill

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"evergate/testenv/drill/load"
	"evergate/testenv/servers"
	"evergate/topology"
)

// Mode is the topology of the servers.
type Mode string

const (
	// Sentinel is a primary with two replicas, watched by three Sentinels.
	Sentinel Mode = "sentinel"
	// Cluster is three shards of a primary and a replica each.
	Cluster Mode = "cluster"
)

const (
	downAfter   = time.Second
	nodeTimeout = 2 * time.Second
	// failoverTimeout is short: Sentinels whose election failed retry after twice this, which should be shorter than the
	// setting hold.
	failoverTimeout = 3 * time.Second
	masterName      = "main"
)

// site holds the servers and the path that clients use. startSite starts servers of its own, meetSite joins servers
// that run already.
type site struct {
	mode Mode
	// path is the address that clients use; dialPath connects there.
	path     string
	dialPath func() (*servers.Conn, error)
	// master is the name under which Sentinels watch the struck shard.
	master string
	// nodes are the servers of the struck shard, others one of another shard each, sentinels all Sentinels.
	nodes, others, sentinels []string
	tags                     []string
	// login holds the credentials for servers, watcher those for Sentinels.
	login, watcher Login
	hands          hands
	// downAfter is how long the servers take to mark one of them as down.
	downAfter time.Duration

	// Of servers of our own:
	env *servers.Env
	// tls is what clients of servers and of the gateway take; nil: no TLS.
	tls  *tls.Config
	gate *servers.Gateway
	// relays stand between the gateway and each server, by the server's address, if a drill needs them.
	relays map[string]*servers.Fault
	// proxy runs in place of the gateway; nil if there is none.
	proxy *servers.Process
	// liar is one more Sentinel, if a drill needs it.
	liar *liar

	// Of a target:
	target *Target
	// names are the hostnames that nodes of a cluster announce.
	names map[string]string
	// absent lists servers that do not answer and were left out, and settings that could not be read.
	absent []string
	// reads is the gateway's setting, as its INFO reports it.
	reads string
	// hurt holds for each broken server how it was broken.
	hurt map[string]string
	// rejoined reports whether a Sentinel was healed.
	rejoined bool
	// blow is how long the slowest command that broke something took.
	blow time.Duration
	// dir is for the files of a proxy of our own; empty if there is none.
	dir string
}

// hands break and heal a server by its address: kill without a warning, stop with one.
type hands struct {
	kill, stop, freeze, heal func(ctx context.Context, addr string) error
}

// dialServer connects to a server or Sentinel itself.
func (s *site) dialServer(addr string) (*servers.Conn, error) {
	login := s.login
	if slices.Contains(s.sentinels, addr) {
		login = s.watcher
	}
	conn, err := login.open(s.reach(addr))
	if err != nil {
		return nil, err
	}
	patience := conn.Timeout
	conn.Timeout = lookPatience
	if err := login.greet(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	conn.Timeout = patience
	return conn, nil
}

// reach returns the dial address of a server that the topology names addr.
func (s *site) reach(addr string) string {
	if s.target == nil {
		return addr
	}
	return topology.MapAddr(s.target.AddressMap, addr)
}

// options returns the options of a drill's own servers.
func (p *Plan) options(d *drill) servers.Options {
	o := servers.Options{DownAfter: downAfter, FailoverTimeout: failoverTimeout, Fast: true, Persist: true,
		NodeTimeout: nodeTimeout, Masters: []string{masterName}, TLS: p.TLS}
	o.Replicas = p.replicas()
	if d.options != nil {
		d.options(&o)
	}
	return o
}

// startSite starts servers and the path of a drill. If a step fails, it ends all that it has started.
func startSite(ctx context.Context, p *Plan, d *drill) (s *site, err error) {
	s = &site{mode: p.Mode, master: masterName, downAfter: downAfter}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if p.Mode == Cluster {
		s.env, err = servers.Cluster(p.options(d))
	} else {
		s.env, err = servers.Sentinel(p.options(d))
	}
	if err != nil {
		return s, err
	}
	if p.TLS {
		if s.tls, err = s.env.TLS.Client(); err != nil {
			return s, err
		}
		s.login.TLS = func(string) *tls.Config { return s.tls }
		s.watcher.TLS = s.login.TLS
	}
	// Fast Sentinels demote a candidate again that its leader has not yet asked for INFO: that would be another drill.
	if err := s.env.UsualPeriods(); err != nil {
		return s, err
	}
	s.ownAddresses()
	if d.outsiders {
		s.login.User, s.login.Password = outsider, func() (string, error) { return outsider, nil }
	}
	if d.liar {
		if s.liar, err = startLiar(s.master, s.nodes[0], s.tls); err != nil {
			return s, err
		}
	}
	if d.relays {
		if err := s.startRelays(); err != nil {
			return s, err
		}
	}
	return s, s.startPath(ctx, p, d)
}

func (s *site) ownAddresses() {
	struck := s.env.Groups[0]
	for _, n := range struck.Nodes {
		s.nodes = append(s.nodes, n.Addr)
	}
	for _, g := range s.env.Groups[1:] {
		s.others = append(s.others, g.Nodes[0].Addr)
	}
	for _, n := range s.env.Sentinels {
		s.sentinels = append(s.sentinels, n.Addr)
	}
	s.hands = hands{
		kill:   func(_ context.Context, addr string) error { return s.env.Node(addr).Kill() },
		stop:   func(_ context.Context, addr string) error { return s.env.Node(addr).Stop() },
		freeze: func(_ context.Context, addr string) error { return s.env.Node(addr).Freeze() },
		heal: func(_ context.Context, addr string) error {
			n := s.env.Node(addr)
			if n.Running() {
				return n.Thaw()
			}
			return n.Restart()
		},
	}
}

// startRelays puts a relay before each server of the struck shard and each Sentinel, for the gateway alone.
func (s *site) startRelays() error {
	s.relays = map[string]*servers.Fault{}
	for _, addr := range slices.Concat(s.nodes, s.sentinels) {
		relay, err := servers.NewFault(addr)
		if err != nil {
			return err
		}
		s.relays[addr] = relay
	}
	return nil
}

// startPath starts the gateway, or the path that is drilled in its place.
func (s *site) startPath(ctx context.Context, p *Plan, d *drill) error {
	if p.Beside != "" {
		return s.startBeside(ctx, p.Beside)
	}
	args := append([]string{"--log-level", "debug"}, d.gateway...)
	if s.mode == Cluster {
		args = append(args, "--cluster", s.env.Addrs())
	} else {
		named := s.env.SentinelAddrs()
		if s.liar != nil {
			named = s.liar.addr + "," + named
		}
		args = append(args, "--sentinel", named, "--master-name", s.master)
	}
	var mapped []string
	for addr, relay := range s.relays {
		mapped = append(mapped, addr+"="+relay.Addr)
	}
	if len(mapped) > 0 {
		args = append(args, "--address-map", strings.Join(mapped, ","))
	}
	var variables []string
	if s.login.User != "" {
		password, err := s.login.Password()
		if err != nil {
			return err
		}
		args = append(args, "--upstream-user", s.login.User)
		variables = append(variables, "EVERGATE_UPSTREAM_PASSWORD="+password)
	}
	if t := s.env.TLS; t != nil {
		args = append(args, t.ToServers(s.mode == Sentinel)...)
		args = append(args, "--tls-cert-file", t.Cert, "--tls-key-file", t.Key, "--tls-ca-file", t.CA)
	}
	if p.Acks != "" {
		args = append(args, "--acks", p.Acks)
	}
	gate, err := servers.RunGateway(servers.GatewayOptions{Args: append(args, p.GatewayArgs...), Binary: p.Binary,
		Variables: variables, TLS: s.tls})
	if err != nil {
		return err
	}
	s.gate, s.path, s.dialPath = gate, gate.Addr, gate.Dial
	return nil
}

// close ends all that startSite started; a target keeps running.
func (s *site) close() error {
	var errs []error
	if s.gate != nil {
		errs = append(errs, s.gate.Close())
	}
	if s.proxy != nil {
		errs = append(errs, s.proxy.Stop())
	}
	if s.liar != nil {
		s.liar.close()
	}
	for _, relay := range s.relays {
		relay.Close()
	}
	if s.env != nil {
		errs = append(errs, s.env.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// ask sends one command to a server and returns the lines of its reply.
func (s *site) ask(addr string, args ...string) ([]string, error) {
	conn, err := s.dialServer(addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	conn.Timeout = 2 * time.Second
	frame, err := conn.Do(args...)
	if err != nil {
		return nil, fmt.Errorf("%s to %s: %w", args[0], addr, err)
	}
	if len(frame) > 0 && frame[0] == '-' {
		return nil, fmt.Errorf("%s to %s: %s", strings.Join(args, " "), addr, strings.TrimSpace(string(frame[1:])))
	}
	return strings.Split(strings.TrimSuffix(string(frame), "\r\n"), "\r\n"), nil
}

// primary returns the struck shard's primary: under Sentinel the one that a majority names and that reports the role,
// in a cluster the one that reports the role.
func (s *site) primary() (string, error) {
	votes := map[string]int{}
	for _, addr := range s.sentinels {
		if lines, err := s.ask(addr, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", s.master); err == nil && len(lines) > 4 {
			votes[topology.JoinAddr(lines[2], lines[4])]++
		}
	}
	masters := []string{}
	for _, addr := range s.nodes {
		lines, err := s.ask(addr, "ROLE")
		if err != nil || len(lines) < 3 || lines[2] != "master" {
			continue
		}
		if len(s.sentinels) == 0 || votes[addr] > len(s.sentinels)/2 {
			masters = append(masters, addr)
		}
	}
	if len(masters) != 1 {
		return "", fmt.Errorf("no agreement on a primary: %v claim the role, Sentinels name %v", masters, votes)
	}
	return masters[0], nil
}

// replicas returns the other servers of the struck shard that are linked to their primary.
func (s *site) replicas() []string {
	var all []string
	for _, addr := range s.nodes {
		lines, err := s.ask(addr, "ROLE")
		if err == nil && len(lines) > 7 && lines[2] == "slave" && lines[7] == "connected" {
			all = append(all, addr)
		}
	}
	return all
}

// findTags looks for hash tags whose slots belong to the struck shard, one for each of n connections.
func (s *site) findTags(n int) error {
	if s.mode != Cluster {
		return nil
	}
	owner, err := s.primary()
	if err != nil {
		return err
	}
	var refusal error
	for i := 0; len(s.tags) < n && i < 100*n; i++ {
		tag := fmt.Sprint("t", i)
		// A node redirects keys of other nodes' slots before it looks for the key.
		if _, err := s.ask(owner, "EXISTS", load.Keyspace+"{"+tag+"}"); err == nil {
			s.tags = append(s.tags, tag)
		} else {
			refusal = err
		}
	}
	if len(s.tags) < n {
		return fmt.Errorf("%s serves too few slots for %d connections: %w", owner, n, refusal)
	}
	return nil
}
