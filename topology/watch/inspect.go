package watch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"evergate/topology"
)

// The queries of a survey alone. None is required: without the right for one its findings are skipped.

// harmfulScripted are commands that the gateway rejects but scripts may run: it does not inspect a script's body, so
// only the servers' ACL can forbid them. The arguments are for mayScript.
var harmfulScripted = []string{
	"'migrate','h','1','k','0','1'",
	"'pfdebug','getreg','k'",
	"'restore-asking','k','0','v'",
}

// inspect queries all Sentinels and nodes concurrently.
func (f *Findings) inspect(ctx context.Context, s Service, o Options) {
	var asking sync.WaitGroup
	for i := range f.Sentinels {
		asking.Go(func() { f.Sentinels[i].inspect(ctx, s, o) })
	}
	for i := range f.Nodes {
		asking.Go(func() { f.Nodes[i].inspect(ctx, s, o) })
	}
	asking.Wait()
}

func (n *SentinelFound) inspect(ctx context.Context, s Service, o Options) {
	if n.Lost != "" && !strings.Contains(n.Lost, noSuchMaster) {
		n.SpeaksTLS = s.SentinelTLS == nil && speaksTLS(ctx, n.Addr, n.Lost, o)
		return
	}
	client := redis.NewClient(options(n.Addr, o.DialTimeout, s.toSentinels()))
	defer client.Close()
	if n.Lost != "" {
		all := redis.NewMapStringStringSliceCmd(ctx, "sentinel", "masters")
		if client.Process(ctx, all) == nil {
			for _, master := range all.Val() {
				n.Masters = append(n.Masters, master["name"])
			}
			slices.Sort(n.Masters)
		}
		return
	}
	others := redis.NewMapStringStringSliceCmd(ctx, "sentinel", "sentinels", s.MasterName)
	if client.Process(ctx, others) == nil {
		n.Usable = 1
		for _, other := range others.Val() {
			if parseFlags(other["flags"])&(topology.SDown|topology.ODown) == 0 {
				n.Usable++
			}
		}
	}
	if err := client.Do(ctx, "sentinel", "ckquorum", s.MasterName).Err(); err != nil && replied(err) &&
		strings.HasPrefix(err.Error(), "NOQUORUM") {
		n.NoQuorum = err.Error()
	}
}

func (n *NodeFound) inspect(ctx context.Context, s Service, o Options) {
	n.MinReplicas = -1
	if n.Lost != "" {
		n.SpeaksTLS = s.UpstreamTLS == nil && speaksTLS(ctx, n.Addr, n.Lost, o)
		return
	}
	client := redis.NewClient(options(n.Addr, o.DialTimeout, s.toServers()))
	defer client.Close()
	if err := authentication(ctx, client, s); err != nil {
		n.Lost = words(err)
		return
	}
	n.Refused = refusals(ctx, client, s)
	if text, err := client.Info(ctx).Result(); err == nil {
		info := topology.InfoFields(text)
		n.InCluster = info["cluster_enabled"] == "1"
		n.Writable = info["role"] == "slave" && info["slave_read_only"] == "0"
	}
	if n.InCluster || len(s.Cluster) > 0 {
		if text, err := client.ClusterInfo(ctx).Result(); err == nil {
			info := topology.InfoFields(text)
			n.InCluster, n.ClusterState = true, info["cluster_state"]
			n.ClusterSize, n.ClusterSlots = int(number(info["cluster_size"])), int(number(info["cluster_slots_assigned"]))
		}
	}
	if n.Role.Role == topology.RolePrimary {
		n.inspectPrimary(ctx, client)
	}
}

// gatewaysIn returns the names of the gateways that probe a server, by its CLIENT LIST.
func gatewaysIn(list string) (names []string) {
	for field := range strings.FieldsSeq(list) {
		if name, isName := strings.CutPrefix(field, "name="); isName && strings.HasPrefix(name, ClientNames) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (n *NodeFound) inspectPrimary(ctx context.Context, client *redis.Client) {
	if list, err := client.ClientList(ctx).Result(); err == nil {
		n.Gateways = gatewaysIn(list)
	}
	const minReplicas = "min-replicas-to-write"
	if reply, err := client.ConfigGet(ctx, minReplicas).Result(); err == nil {
		if value, text := reply[minReplicas]; text {
			n.MinReplicas = int(number(value))
		}
	}
	for _, args := range harmfulScripted {
		if may, known := mayScript(ctx, client, args); known && may {
			name, _, _ := strings.Cut(strings.TrimPrefix(args, "'"), "'")
			n.Scripts = append(n.Scripts, strings.ToUpper(name))
		}
	}
	if WaitsForOwn(n.Role.Version) {
		waits, _ := mayScript(ctx, client, "'wait','0','0'")
		restores, known := mayScript(ctx, client, "'function','restore','x','append'")
		n.NoWait = waits && known && !restores
	}
}

// mayScript reports whether a script may run a command, without running it. known is false before Redis 7.0, and for a
// user who may run no script either.
func mayScript(ctx context.Context, client *redis.Client, args string) (may, known bool) {
	may, err := client.Eval(ctx, "return redis.acl_check_cmd("+args+")", nil).Bool()
	return may, err == nil || errors.Is(err, redis.Nil)
}

// authentication sends AUTH with a password alone, as connections for clients do: a server without a password rejects
// that, but accepts the same password for the default user in HELLO.
func authentication(ctx context.Context, client *redis.Client, s Service) error {
	if s.Upstream == nil {
		return nil
	}
	user, password, err := s.Upstream()
	if err != nil || user != "" || password == "" {
		return err
	}
	if err := client.Do(ctx, "auth", password).Err(); err != nil && replied(err) {
		return err
	}
	return nil
}

// refusals tries the commands of ServerCommands one by one and returns the rejected ones.
func refusals(ctx context.Context, client *redis.Client, s Service) []string {
	tries := [][]any{{"role"}, {"info", "replication"}}
	if len(s.Cluster) > 0 {
		tries = append(tries, []any{"cluster", "shards"}, []any{"cluster", "slots"}, []any{"cluster", "nodes"})
	}
	var list []string
	for _, args := range tries {
		if err := client.Do(ctx, args...).Err(); err != nil && refused(err) {
			name := strings.ToUpper(strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
			list = append(list, fmt.Sprintf("%s (%v)", name, err))
		}
	}
	return list
}

// speaksTLS reports whether a server that ended a plain connection, or answered it by no reply, completes a TLS
// handshake. The certificate does not matter: nothing is sent.
func speaksTLS(ctx context.Context, addr, lost string, o Options) bool {
	if lost != closedUnread && !strings.HasPrefix(lost, notRedis) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, o.DialTimeout)
	defer cancel()
	plain, err := dialer(o.DialTimeout, nil)(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer plain.Close()
	err = tls.Client(plain, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
	var alert tls.AlertError
	return err == nil || errors.As(err, &alert) || strings.Contains(err.Error(), "remote error: tls")
}
