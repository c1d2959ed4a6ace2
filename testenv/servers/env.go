package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Group is a primary with its replicas: a master of Sentinels, a shard of a Cluster, or the one group of a plain Env.
// Which of them is the primary is queried each time, never cached.
type Group struct {
	// Name is the master name under Sentinels, else "main" or "shard-N".
	Name string
	// Nodes are its servers; the first was the primary at the start.
	Nodes []*Node
	env   *Env
}

// Env is a set of running servers. Close ends them and removes everything.
type Env struct {
	// Groups holds a group for each primary.
	Groups []*Group
	// Sentinels are the Sentinels, if any.
	Sentinels []*Node
	// Version is that of the server program.
	Version Version
	// TLS is set with Options.TLS.
	TLS *TLS

	options Options
	dir     *ownedDir
	nodes   []*Node // all that were ever started, for Close
}

// Plain starts one primary with Options.Replicas replicas and waits until they are in sync.
func Plain(o Options) (*Env, error) {
	return build(o, func(e *Env) error {
		group, err := e.startGroup("main")
		if err != nil {
			return err
		}
		return group.AwaitReplicas()
	})
}

// build makes an Env, and closes it if fill fails.
func build(o Options, fill func(*Env) error) (*Env, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	version, err := ServerVersion(o.Binary)
	if err != nil {
		return nil, err
	}
	dir, err := newOwnedDir()
	if err != nil {
		return nil, err
	}
	e := &Env{Version: version, options: o, dir: dir}
	if o.TLS {
		e.TLS, err = newTLS(dir.path)
	}
	if err == nil {
		err = fill(e)
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// startGroup starts a primary and its replicas and does not wait for them.
func (e *Env) startGroup(name string) (*Group, error) {
	group := &Group{Name: name, env: e}
	for i := range 1 + e.options.Replicas {
		var extra []string
		if i > 0 {
			extra = []string{fmt.Sprintf("replicaof %s %d", e.options.Host, group.Nodes[0].Port)}
		}
		n, err := e.startServer(extra)
		if err != nil {
			return nil, err
		}
		group.Nodes = append(group.Nodes, n)
	}
	e.Groups = append(e.Groups, group)
	return group, nil
}

// startServer starts a data server with the Env's options and extra lines.
func (e *Env) startServer(extra []string) (*Node, error) {
	o := &e.options
	index := 0
	for _, n := range e.nodes {
		if n.options == nil {
			index++
		}
	}
	lines := []string{
		`save ""`,
		"repl-diskless-sync yes",
		"repl-diskless-sync-delay 0",
		"repl-ping-replica-period 1",
	}
	if o.Persist {
		lines = append(lines, "appendonly yes")
	}
	if e.Version.AtLeast(7, 0) {
		lines = append(lines, "enable-debug-command yes")
	}
	if o.Password != "" {
		lines = append(lines, "requirepass "+o.Password, "masterauth "+o.Password)
	}
	if o.User != "" {
		lines = append(lines, "masteruser "+o.User, "masterauth "+o.UserPassword)
	}
	lines = append(lines, extra...)
	lines = append(lines, o.Config...)
	if o.NodeConfig != nil {
		lines = append(lines, o.NodeConfig(index)...)
	}
	user, password := o.User, o.UserPassword
	if user == "" {
		password = o.Password
	}
	return e.startNode(user, password, nil, nil, func(n *Node) []string {
		if len(o.ACL) == 0 {
			return lines
		}
		return append([]string{"aclfile " + filepath.Join(n.Dir, "users.acl")}, lines...)
	})
}

// startNode starts a server on a free port, or on another one if that port is taken in between.
func (e *Env) startNode(user, password string, arguments []string, started func(*Node) error,
	conf func(*Node) []string) (*Node, error) {
	for {
		n, err := e.newNode(arguments)
		if err != nil {
			return nil, err
		}
		n.started = started
		if n.client, err = e.newClient(n.Addr, user, password); err != nil {
			return nil, err
		}
		if err = n.writeConf(conf(n)); err == nil && arguments == nil && len(e.options.ACL) > 0 {
			text := strings.Join(e.options.ACL, "\n") + "\n"
			err = os.WriteFile(filepath.Join(n.Dir, "users.acl"), []byte(text), 0o600)
		}
		if err == nil {
			err = n.start()
		}
		if err == nil {
			e.nodes = append(e.nodes, n)
			return n, nil
		}
		_ = n.client.Close()
		n.port.Release()
		if !errors.Is(err, errPortTaken) {
			return nil, err
		}
	}
}

// newClient returns a client of one of the Env's servers.
func (e *Env) newClient(addr, user, password string) (*redis.Client, error) {
	if e.TLS == nil {
		return NewClient(addr, user, password), nil
	}
	config, err := e.TLS.Client()
	return NewTLSClient(addr, user, password, config), err
}

func (e *Env) newNode(arguments []string) (*Node, error) {
	p, err := ReservePort(e.options.Host)
	if err != nil {
		return nil, err
	}
	n := &Node{Addr: p.Addr(), Port: p.number, binary: e.options.Binary, options: arguments, port: p, tls: e.TLS}
	n.Dir = filepath.Join(e.dir.path, fmt.Sprint(p.number))
	if err := os.MkdirAll(n.Dir, 0o700); err != nil {
		p.Release()
		return nil, err
	}
	return n, nil
}

// Close ends every server, frozen or not, and removes their directories and reservations.
func (e *Env) Close() error {
	var errs []error
	for _, n := range e.nodes {
		errs = append(errs, n.process.Kill())
		_ = n.client.Close() // TLS complains that nobody is there to say goodbye to
		n.port.Release()
	}
	return errors.Join(append(errs, e.dir.remove())...)
}

// Nodes returns all data servers, group by group.
func (e *Env) Nodes() []*Node {
	var all []*Node
	for _, g := range e.Groups {
		all = append(all, g.Nodes...)
	}
	return all
}

// Addrs returns the addresses of all data servers, joined by commas, as for flags.
func (e *Env) Addrs() string { return joinAddrs(e.Nodes()) }

// SentinelAddrs returns the addresses of all Sentinels, joined by commas.
func (e *Env) SentinelAddrs() string { return joinAddrs(e.Sentinels) }

func joinAddrs(nodes []*Node) string {
	addrs := make([]string, len(nodes))
	for i, n := range nodes {
		addrs[i] = n.Addr
	}
	return strings.Join(addrs, ",")
}

// Node returns the server, Sentinel or not, with this address; nil if there is none.
func (e *Env) Node(addr string) *Node {
	for _, n := range e.nodes {
		if n.Addr == addr {
			return n
		}
	}
	return nil
}

// Dir returns the temporary directory of the Env; Close removes its files.
func (e *Env) Dir() string { return e.dir.path }

// Primary returns Group.Primary of the first group.
func (e *Env) Primary() *Node { return e.Groups[0].Primary() }

// Replicas returns Group.Replicas of the first group.
func (e *Env) Replicas() []*Node { return e.Groups[0].Replicas() }

// LogTails returns the end of every server's log, each below its address.
func (e *Env) LogTails() string {
	var b strings.Builder
	for _, n := range e.nodes {
		fmt.Fprintf(&b, "--- log of %s (process %d)\n%s", n.Addr, n.Pid(), n.process.LogTail(logTailBytes))
	}
	return b.String()
}

// Primary asks all servers of the group for their role. It returns the one that reports master or, if several do, the
// one that most Sentinels name; nil if there is none, or no way to choose.
func (g *Group) Primary() *Node {
	isMaster := func(role string, _ bool) bool { return role == "master" }
	masters := g.nodesWhose(isMaster)
	if len(g.env.Sentinels) > 0 {
		masters = g.namedByMajority(masters)
	} else if len(g.env.Groups) == 1 { // no other can replace it: it may be too busy to reply
		for tries := 1; len(masters) == 0 && g.Nodes[0].Running() && tries < 5; tries++ {
			masters = g.nodesWhose(isMaster)
		}
	}
	if len(masters) != 1 {
		return nil
	}
	return masters[0]
}

// Replicas returns the servers of the group that report slave and are in sync with their primary.
func (g *Group) Replicas() []*Node {
	return g.nodesWhose(func(role string, linked bool) bool { return role == "slave" && linked })
}

// nodesWhose asks all servers of the group for their role concurrently, so that several frozen ones cost one timeout,
// and returns those whose answer is wanted.
func (g *Group) nodesWhose(wanted func(role string, linked bool) bool) []*Node {
	var asking sync.WaitGroup
	matches := make([]bool, len(g.Nodes))
	for i, n := range g.Nodes {
		asking.Go(func() {
			role, linked, err := n.Role()
			matches[i] = err == nil && wanted(role, linked)
		})
	}
	asking.Wait()
	var nodes []*Node
	for i, n := range g.Nodes {
		if matches[i] {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// Addrs returns the addresses of the group's servers, joined by commas.
func (g *Group) Addrs() string { return joinAddrs(g.Nodes) }

// AwaitReplicas waits until all servers but one are replicas in sync.
func (g *Group) AwaitReplicas() error {
	return g.env.WaitFor(Patience, "replicas of "+g.Name+" in sync", func() error {
		if got, want := len(g.Replicas()), len(g.Nodes)-1; got != want {
			return fmt.Errorf("%d of %d are", got, want)
		}
		return nil
	})
}

// AwaitOffsets waits until every replica of the group has everything that the primary has now (WAIT on the primary
// covers only the writes of its connection).
func (g *Group) AwaitOffsets(timeout time.Duration) error {
	primary := g.Primary()
	if primary == nil {
		return errors.New("no primary")
	}
	want, err := primary.replicationOffset()
	if err != nil {
		return err
	}
	return g.env.WaitFor(timeout, fmt.Sprintf("offset %d on all replicas", want), func() error {
		for _, n := range g.Replicas() {
			if got, err := n.replicationOffset(); err != nil || got < want {
				return fmt.Errorf("%s is at %d: %w", n.Addr, got, errors.Join(err))
			}
		}
		return nil
	})
}

// replicationOffset returns the server's own master_repl_offset, which a replica has too.
func (n *Node) replicationOffset() (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), AskPatience)
	defer cancel()
	text, err := n.client.Info(ctx, "replication").Result()
	if err != nil {
		return 0, err
	}
	var offset int64
	_, after, _ := strings.Cut(text, "master_repl_offset:")
	_, err = fmt.Sscan(after, &offset)
	return offset, err
}
