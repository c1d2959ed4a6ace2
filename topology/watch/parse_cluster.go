package watch

import (
	"slices"
	"time"

	"evergate/topology"
)

// maps parses the replies of one node into its slot map. asked is the dial address of that node.
type maps struct {
	asked string
	// nodes are those of CLUSTER NODES; nil if that is not permitted.
	nodes map[string]topology.ClusterNode
	// nodeTimeout is cluster-node-timeout; zero if not reported.
	nodeTimeout time.Duration
}

// endpoint returns an announced address. An empty or missing endpoint means the host that was asked; "?" means that the
// node has no name to announce, and its IP is used if it is reported. "" if there is no address at all.
func (m maps) endpoint(endpoint, ip, id string, port string) string {
	if port == "" || port == "0" {
		return ""
	}
	if endpoint == "?" {
		known, _ := topology.SplitAddr(m.nodes[id].Addr)
		endpoint = either(ip, known)
		if endpoint == "" || endpoint == "?" {
			return ""
		}
	}
	if endpoint == "" {
		endpoint, _ = topology.SplitAddr(m.asked)
	}
	return topology.JoinAddr(endpoint, port)
}

// ids returns the IDs of all nodes that the asked one knows, by CLUSTER NODES.
func (m maps) ids() []string {
	var list []string
	for id := range m.nodes {
		list = append(list, id)
	}
	slices.Sort(list)
	return list
}

// shards parses CLUSTER SHARDS (Redis 7.0 and later).
func (m maps) shards(reply any) topology.SlotsSeen {
	seen := topology.SlotsSeen{Asked: m.asked, HasEpochs: m.nodes != nil, NodeTimeout: m.nodeTimeout,
		IDs: m.ids()}
	list, _ := reply.([]any)
	for _, item := range list {
		shard := fields(item)
		var out topology.ShardSeen
		bounds, _ := shard["slots"].([]any)
		for i := 0; i+1 < len(bounds); i += 2 {
			out.Slots = appendRange(out.Slots, number(bounds[i]), number(bounds[i+1]))
		}
		members, _ := shard["nodes"].([]any)
		primary := m.members(&out, members)
		if len(out.Slots) == 0 {
			out.Slots = m.nodes[primary].Slots
		}
		if out.Primary.Addr != "" {
			seen.Shards = append(seen.Shards, out)
		}
	}
	return seen
}

// lacksSlots reports whether a healthy primary is reported without slots and CLUSTER NODES is not permitted. It may
// have none, or have just been promoted: while the old primary precedes it in the shard, CLUSTER SHARDS of Redis 7.0 to
// 7.4 has the shard without the slots that the new one took over.
func (m maps) lacksSlots(seen topology.SlotsSeen) bool {
	for i := range seen.Shards {
		if m.nodes == nil && seen.Shards[i].Primary.Healthy && len(seen.Shards[i].Slots) == 0 {
			return true
		}
	}
	return false
}

// members sorts the nodes of a shard and returns the id of the primary. After a failover a shard may list two masters:
// the healthy one with the higher epoch counts.
func (m maps) members(out *topology.ShardSeen, members []any) (primary string) {
	for _, member := range members {
		f := fields(member)
		id := text(f["id"])
		port := text(f["port"])
		if port == "" {
			port = text(f["tls-port"])
		}
		seen := topology.MemberSeen{Addr: m.endpoint(text(f["endpoint"]), text(f["ip"]), id, port),
			Healthy: text(f["health"]) == "online" && !m.nodes[id].Failed}
		if seen.Addr == "" {
			continue
		}
		if text(f["role"]) != "master" {
			out.Replicas = append(out.Replicas, seen)
			continue
		}
		epoch := m.nodes[id].Epoch
		better := out.Primary.Addr == "" || seen.Healthy && !out.Primary.Healthy ||
			seen.Healthy == out.Primary.Healthy && epoch > out.Epoch
		if better {
			out.Primary, out.Epoch, primary = seen, epoch, id
		}
	}
	return primary
}

// slots parses CLUSTER SLOTS: [first, last, [endpoint, port, id, metadata], replicas...].
func (m maps) slots(reply any) topology.SlotsSeen {
	seen := topology.SlotsSeen{Asked: m.asked, HasEpochs: m.nodes != nil, NodeTimeout: m.nodeTimeout,
		IDs: m.ids()}
	index := map[string]int{}
	list, _ := reply.([]any)
	for _, item := range list {
		row, _ := item.([]any)
		if len(row) < 3 {
			continue
		}
		primary, id := m.slotNode(row[2])
		if primary.Addr == "" {
			continue
		}
		i, ok := index[primary.Addr]
		if !ok {
			i = len(seen.Shards)
			index[primary.Addr] = i
			shard := topology.ShardSeen{Primary: primary, Epoch: m.nodes[id].Epoch}
			for _, r := range row[3:] {
				if replica, _ := m.slotNode(r); replica.Addr != "" {
					shard.Replicas = append(shard.Replicas, replica)
				}
			}
			seen.Shards = append(seen.Shards, shard)
		}
		seen.Shards[i].Slots = appendRange(seen.Shards[i].Slots, number(row[0]), number(row[1]))
	}
	return seen
}

func (m maps) slotNode(v any) (topology.MemberSeen, string) {
	f, _ := v.([]any)
	if len(f) < 2 {
		return topology.MemberSeen{}, ""
	}
	var id, ip string
	if len(f) > 2 {
		id = text(f[2])
	}
	if len(f) > 3 {
		ip = text(fields(f[3])["ip"])
	}
	return topology.MemberSeen{Addr: m.endpoint(text(f[0]), ip, id, text(f[1])), Healthy: !m.nodes[id].Failed}, id
}

// appendRange appends only slots that exist: they become indexes.
func appendRange(list []topology.SlotRange, first, last int64) []topology.SlotRange {
	if first < 0 || first > last || last >= topology.Slots {
		return list
	}
	return append(list, topology.SlotRange{First: int(first), Last: int(last)})
}
