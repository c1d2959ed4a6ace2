package direct

import (
	"context"
	"slices"
	"strings"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/resp"
	"evergate/routing"
	"evergate/topology"
	"evergate/topology/watch"
)

// CONFIG is answered with one reply for all servers of a service, or with an error that names the difference.
//
// It is not broadcast by a worker like a command over all keys (worker.spread): replicas take part too, and those that
// are unreachable must not make it fail; the reply depends on which server answered what; and no password may be passed
// on.

// retryEvery is the time between two attempts to reach servers of which one is being replaced.
const retryEvery = 100 * time.Millisecond

// Configure serves CONFIG GET, SET, RESETSTAT and REWRITE. It waits for primaries as long as a request would.
func (s *Service) Configure(ctx context.Context, r *admin.Request) []byte {
	gets := r.Command == routing.CmdConfigGet
	if gets {
		if name := secretIn(r.Words[1:]); name != "" {
			return resp.AppendError(nil, "ERR 'config get "+name+"' is not allowed through the gateway: it would reveal "+
				"a password of the servers")
		}
	}
	words := append([]string{"CONFIG"}, r.Words...)
	if r.Command == routing.CmdConfigSet {
		if name := protectedIn(r.Words[1:]); name != "" && !s.Conf().Allowed()[routing.ConfigSet] {
			return resp.AppendError(nil, "ERR 'config set "+name+"' is not allowed through the gateway: it, replicas or "+
				"Sentinels could lose access to the server; --allow '"+routing.ConfigSet+"' permits it")
		}
		if words = append(words[:2], s.toChange(ctx, r.Words[1:])...); len(words) == 2 {
			return resp.OK
		}
	}
	deadline := time.Now().Add(r.Patience)
	var asked []Reply // the last replies to a change, which may be sent twice without harm
	for {
		all, why := s.Primaries(ctx, words)
		if !gets && all != nil {
			asked = all
		}
		switch {
		case why == "" && gets:
			return configGot(r, all)
		case why == "":
			return s.configDone(ctx, words, all, deadline)
		case time.Now().Before(deadline):
		case asked != nil:
			return configChanged(r.Words[0], asked)
		default:
			return resp.AppendError(nil, "LOADING evergate: service '"+s.Name+"': "+why+
				"; the command was not executed")
		}
		if !pause(ctx, retryEvery) {
			return nil
		}
	}
}

// pause returns after d, or with false when ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// toChange removes from the pairs of a CONFIG SET the settings of a server's place and of the topology if all primaries
// have that value already: the client has read it there, and replicas have another port.
func (s *Service) toChange(ctx context.Context, words []string) (change []string) {
	for i := 0; i < len(words); i += 2 {
		name := strings.ToLower(words[i])
		if i+1 < len(words) && !isSecret(name) && (isPlace(name) || isOneOf(protected, name)) {
			all, why := s.Primaries(ctx, []string{"CONFIG", "GET", name})
			if why == "" && haveAll(all, name, words[i+1]) {
				continue
			}
		}
		change = append(change, words[i:min(i+2, len(words))]...)
	}
	return change
}

// haveAll reports whether a setting has a value in all servers' replies to CONFIG GET.
func haveAll(all []Reply, name, value string) bool {
	return !slices.ContainsFunc(all, func(s Reply) bool {
		return s.Err != nil || !slices.Contains(configPairs(s.Reply), [2]string{name, value})
	})
}

// Primaries sends a command to the primaries of all shards. why is the reason for a retry.
func (s *Service) Primaries(ctx context.Context, words []string) (all []Reply, why string) {
	v := s.View()
	if v == nil {
		return nil, "the topology is not known yet"
	}
	var nodes []*topology.Node
	for i := range v.Shards {
		if v.Shards[i].Primary == nil {
			return nil, "shard '" + v.Shards[i].Name + "' has no primary"
		}
		nodes = append(nodes, v.Shards[i].Primary)
	}
	all = s.each(ctx, nodes, words...)
	for i := range all {
		if err := all[i].Err; err != nil && (!watch.Replied(err) || strings.HasPrefix(err.Error(), "LOADING")) {
			return all, all[i].Node.Addr + " does not answer: " + watch.Words(err)
		}
	}
	return all, ""
}

// configDone continues after the primaries were asked to change: if all of them rejected the change nothing has
// happened, and the reply is their error; otherwise the replicas follow. A replica that lives and does not answer is
// asked until the deadline.
func (s *Service) configDone(ctx context.Context, words []string, all []Reply,
	deadline time.Time) []byte {
	if text := refusedAlike(all); text != "" {
		return resp.AppendError(nil, text)
	}
	for nodes := s.besidePrimaries(); ; {
		late, retry := !time.Now().Before(deadline), []*topology.Node(nil)
		for _, one := range s.each(ctx, nodes, words...) {
			switch {
			case one.Err == nil || watch.Replied(one.Err):
				all = append(all, one)
			case !watch.Closed(one.Err) && !s.serves(one.Node):
				// It serves no client, and may never come back. If it does, it has the settings of its file, like any server.
				s.Logger.Warn("server unreachable, not configured", "server", one.Node.Addr, "command",
					"CONFIG "+strings.ToUpper(words[1]), "error", watch.Words(one.Err))
			case late:
				all = append(all, one)
			default:
				retry = append(retry, one.Node)
			}
		}
		if nodes = retry; len(nodes) == 0 {
			return configChanged(words[1], all)
		}
		if !pause(ctx, retryEvery) {
			return nil
		}
	}
}

// besidePrimaries returns all nodes that are not primaries now.
func (s *Service) besidePrimaries() (nodes []*topology.Node) {
	v := s.View()
	for _, n := range v.Nodes {
		isPrimary := func(s topology.Shard) bool { return s.Primary == n }
		if n != nil && !slices.ContainsFunc(v.Shards, isPrimary) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// serves reports whether a node may serve clients now.
func (s *Service) serves(n *topology.Node) bool {
	return slices.ContainsFunc(s.View().Shards, func(s topology.Shard) bool {
		return s.Primary == n || slices.Contains(s.Replicas, n)
	})
}

// refusedAlike returns the error that all servers gave; empty if they differ.
func refusedAlike(all []Reply) string {
	text := ""
	for i := range all {
		if all[i].Err == nil || text != "" && text != all[i].Err.Error() {
			return ""
		}
		text = all[i].Err.Error()
	}
	return text
}

// configChanged returns OK if all servers changed, or names those that did not.
func configChanged(sub string, all []Reply) []byte {
	var done, failed []string
	for i := range all {
		if err := all[i].Err; err != nil {
			failed = append(failed, all[i].Node.Addr+" ("+watch.Words(err)+")")
		} else {
			done = append(done, all[i].Node.Addr)
		}
	}
	if len(failed) == 0 {
		return resp.OK
	}
	text := "ERR evergate: CONFIG " + strings.ToUpper(sub)
	if len(done) > 0 {
		text += " succeeded on " + strings.Join(done, ", ") + " and"
	}
	return resp.AppendError(nil, text+" failed on "+strings.Join(failed, ", "))
}

// configLocal are the settings that clients and benchmarks read when they connect, for servers that do not allow
// CONFIG.
var configLocal = [][2]string{
	{"appendonly", "no"}, {"databases", "16"}, {"maxmemory", "0"}, {"maxmemory-policy", "noeviction"},
	{"notify-keyspace-events", ""}, {"proto-max-bulk-len", "536870912"}, {"replica-read-only", "yes"}, {"save", ""},
	{"slave-read-only", "yes"}, {"timeout", "0"},
}

// configGot merges the primaries' replies to CONFIG GET into one.
func configGot(r *admin.Request, all []Reply) []byte {
	patterns := r.Words[1:]
	var tables [][][2]string
	for i := range all {
		switch err := all[i].Err; {
		case err != nil && watch.Refused(err):
			return configTable(r, locally(patterns))
		case err != nil:
			return resp.AppendError(nil, err.Error())
		}
		tables = append(tables, configPairs(all[i].Reply))
	}
	agreed, name := agree(tables, patterns)
	if name == "" {
		return configTable(r, agreed)
	}
	var each []string
	for i := range tables {
		value := "none"
		if at := slices.IndexFunc(tables[i], func(p [2]string) bool { return p[0] == name }); at >= 0 {
			value = "'" + tables[i][at][1] + "'"
		}
		each = append(each, value+" on "+all[i].Node.Addr)
	}
	return resp.AppendError(nil, "ERR evergate: the servers differ in '"+name+"': "+strings.Join(each, ", "))
}

func configTable(r *admin.Request, pairs [][2]string) []byte {
	b := resp.AppendMap(nil, int(r.Proto), len(pairs))
	for _, p := range pairs {
		b = resp.AppendBulkString(resp.AppendBulkString(b, p[0]), p[1])
	}
	return b
}

// configPairs parses a server's reply to CONFIG GET.
func configPairs(reply any) (pairs [][2]string) {
	words, _ := reply.([]any)
	for i := 0; i+1 < len(words); i += 2 {
		name, _ := words[i].(string)
		value, _ := words[i+1].(string)
		if !isSecret(name) {
			pairs = append(pairs, [2]string{name, value})
		}
	}
	return pairs
}

// agree returns the settings that all tables share, or the name of one that differs. A setting of a server's place that
// differs, and was not asked for by name, is left out instead.
func agree(tables [][][2]string, asked []string) (agreed [][2]string, differ string) {
	count := map[[2]string]int{}
	names := map[string]int{}
	var order [][2]string
	for _, table := range tables {
		for _, p := range table {
			if count[p] == 0 {
				order = append(order, p)
			}
			count[p]++
			names[p[0]]++
		}
	}
	for _, p := range order {
		byName := slices.ContainsFunc(asked, func(a string) bool { return strings.EqualFold(a, p[0]) })
		switch {
		case count[p] == len(tables):
			agreed = append(agreed, p)
		case !isPlace(p[0]) || byName:
			return nil, p[0]
		}
	}
	return agreed, ""
}

// locally returns the settings of configLocal that match.
func locally(patterns []string) (found [][2]string) {
	for _, v := range configLocal {
		if slices.ContainsFunc(patterns, func(p string) bool { return p == "*" || strings.EqualFold(p, v[0]) }) {
			found = append(found, v)
		}
	}
	return found
}
