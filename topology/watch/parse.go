package watch

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"evergate/topology"
)

// Replies are parsed here, without I/O; captured ones are in testdata. Every field is optional: other servers and newer
// versions omit some and add others.

// text returns a string or a number of a reply as a string; nil is "".
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}

func number(v any) int64 {
	n, err := strconv.ParseInt(text(v), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// fields parses a map, which in RESP2 is a list of keys and values.
func fields(v any) map[string]any {
	list, _ := v.([]any)
	m := make(map[string]any, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		m[text(list[i])] = list[i+1]
	}
	return m
}

// parseRole parses a reply to ROLE into seen; false if it is none.
func parseRole(reply any, seen *topology.RoleSeen) bool {
	list, _ := reply.([]any)
	switch {
	case len(list) >= 3 && text(list[0]) == "master":
		seen.Role = topology.RolePrimary
		seen.Offset = number(list[1])
		replicas, _ := list[2].([]any)
		for _, r := range replicas {
			if f, _ := r.([]any); len(f) >= 2 {
				seen.Replicas = append(seen.Replicas, topology.JoinAddr(text(f[0]), text(f[1])))
			}
		}
		return true
	case len(list) >= 5 && text(list[0]) == "slave":
		seen.Role = topology.RoleReplica
		seen.Primary = topology.JoinAddr(text(list[1]), text(list[2]))
		seen.LinkUp = text(list[3]) == "connected"
		seen.Syncing = text(list[3]) == "sync"
		seen.Offset = number(list[4])
		return true
	}
	return false
}

// isSentinel reports whether a reply to ROLE is that of a Sentinel.
func isSentinel(reply any) bool {
	list, _ := reply.([]any)
	return len(list) > 0 && text(list[0]) == "sentinel"
}

// parseInfo parses INFO replication or INFO server into seen, with role also the role and the replicas. It reports
// whether it has a role.
func parseInfo(info string, seen *topology.RoleSeen, role bool) bool {
	f := topology.InfoFields(info)
	seen.Version = either(f["redis_version"], seen.Version)
	seen.RunID = either(f["run_id"], seen.RunID)
	seen.ReplID = either(f["master_replid"], seen.ReplID)
	if second := f["master_replid2"]; strings.Trim(second, "0") != "" {
		seen.ReplID2 = second
		seen.SecondOffset = number(f["second_repl_offset"])
	}
	if p, ok := f["slave_priority"]; ok {
		seen.Priority = int(number(p))
	}
	seen.Take(f)
	if f["role"] == "slave" {
		seen.Syncing = seen.Syncing || f["master_sync_in_progress"] == "1"
		if role || seen.Offset < 0 { // while its link is down ROLE has no offset
			seen.Offset = number(either(f["slave_repl_offset"], f["master_repl_offset"]))
		}
	}
	switch {
	case !role:
	case f["role"] == "master":
		seen.Role = topology.RolePrimary
		seen.Offset = number(f["master_repl_offset"])
		seen.Replicas = infoReplicas(f)
	case f["role"] == "slave":
		seen.Role = topology.RoleReplica
		seen.Primary = topology.JoinAddr(f["master_host"], f["master_port"])
		seen.LinkUp = f["master_link_status"] == "up"
	}
	return f["role"] == "master" || f["role"] == "slave"
}

func infoReplicas(f map[string]string) (addrs []string) {
	for _, r := range topology.OnlineReplicas(f) {
		addrs = append(addrs, topology.JoinAddr(r["ip"], r["port"]))
	}
	return addrs
}

// parseEviction returns which keys a server evicts, by INFO memory: its maxmemory-policy, "noeviction" without a
// maxmemory, and "" if it reports no policy.
func parseEviction(info string) string {
	f := topology.InfoFields(info)
	if policy := f["maxmemory_policy"]; policy == "" || f["maxmemory"] != "0" {
		return policy
	}
	return "noeviction"
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// errNoAddress is the error of a Sentinel that knows the master's name but no address.
var errNoAddress = errors.New("names no address")

// parseSentinel builds one Sentinel's report from GET-MASTER-ADDR-BY-NAME, MASTER and REPLICAS.
func parseSentinel(sentinel string, addr []string, master map[string]string,
	replicas []map[string]string) (topology.SentinelReport, error) {
	if len(addr) != 2 || addr[0] == "" {
		return topology.SentinelReport{}, errNoAddress
	}
	report := topology.SentinelReport{
		Sentinel:    sentinel,
		Primary:     topology.JoinAddr(addr[0], addr[1]),
		ConfigEpoch: uint64(number(master["config-epoch"])),
		Quorum:      int(number(master["quorum"])),
		Sentinels:   int(number(master["num-other-sentinels"])) + 1,
		DownAfter:   time.Duration(number(master["down-after-milliseconds"])) * time.Millisecond,
	}
	// During a failover its leader still reports the flags of the old primary.
	if report.Primary == topology.JoinAddr(master["ip"], master["port"]) {
		report.Down = parseFlags(master["flags"])
		report.FailingOver = strings.Contains(master["flags"], "failover_in_progress")
	}
	for _, r := range replicas {
		if r["ip"] == "" {
			continue
		}
		replica := topology.SentinelReplica{
			Addr:     topology.JoinAddr(r["ip"], r["port"]),
			Down:     parseFlags(r["flags"]),
			LinkUp:   r["master-link-status"] == "ok",
			Priority: 100,
		}
		if p := either(r["slave-priority"], r["replica-priority"]); p != "" {
			replica.Priority = int(number(p))
		}
		report.Replicas = append(report.Replicas, replica)
	}
	return report, nil
}

func parseFlags(list string) topology.DownFlags {
	var down topology.DownFlags
	for _, flag := range strings.Split(list, ",") {
		switch flag {
		case "s_down":
			down |= topology.SDown
		case "o_down":
			down |= topology.ODown
		case "disconnected":
			down |= topology.Disconnected
		}
	}
	return down
}

// messageMaster returns the name of the master that a Sentinel's message is about; "" if it is about none. Payloads are
// "<name> <old ip> <old port> <new ip> <new port>" for +switch-master, else "<type> <name> <ip> <port>" followed by " @
// <master name> <ip> <port>" if it is not the master itself.
func messageMaster(channel, payload string) string {
	f := strings.Fields(payload)
	if channel == "+switch-master" && len(f) == 5 {
		return f[0]
	}
	for i, word := range f {
		if word == "@" && i+1 < len(f) {
			return f[i+1]
		}
	}
	if len(f) >= 4 && f[0] == "master" {
		return f[1]
	}
	return ""
}
