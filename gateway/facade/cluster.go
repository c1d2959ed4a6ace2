package facade

import (
	"fmt"

	"evergate/gateway/resp"
	"evergate/routing"
)

// lastSlot is the highest slot of a cluster.
const lastSlot = 1<<14 - 1

// busOffset is the distance of the port of the cluster bus, which is not open here, from the port for clients.
const busOffset = 10000

// Cluster returns the reply to CLUSTER for a cluster of one node. successor is the gateway to which clients move while
// this one drains: all slots are its own then; without a Host there is none. id is that of the subcommand; args are all
// arguments, in the right number. It returns nil if only servers can answer.
func (f *Role) Cluster(proto int, id routing.ID, args [][]byte, successor Address) []byte {
	owner := f.Self
	if successor.Host != "" {
		owner = successor
	}
	switch id {
	case routing.CmdClusterSlots:
		return owner.slots()
	case routing.CmdClusterShards:
		return owner.shards(proto)
	case routing.CmdClusterNodes:
		return resp.AppendVerbatim(nil, proto, f.nodes(owner))
	case routing.CmdClusterInfo:
		return resp.AppendVerbatim(nil, proto, f.state(owner))
	case routing.CmdClusterMyID:
		return resp.AppendBulkString(nil, f.Self.id("node"))
	case routing.CmdClusterMyShardID:
		return resp.AppendBulkString(nil, f.Self.id("shard"))
	case routing.CmdClusterKeySlot:
		return resp.AppendInt(nil, int64(routing.Slot(args[2])))
	case routing.CmdClusterLinks:
		return resp.EmptyArray
	case routing.CmdClusterReplicas, routing.CmdClusterSlaves:
		return f.ofNode(args[2], owner, resp.EmptyArray)
	case routing.CmdClusterCountFailureReports:
		return f.ofNode(args[2], owner, []byte(":0\r\n"))
	case routing.CmdClusterHelp:
		return clusterHelp
	}
	return nil
}

// ofNode returns reply if id names this node or the owner of the slots, else the error for an unknown node.
func (f *Role) ofNode(id []byte, owner Address, reply []byte) []byte {
	if string(id) != f.Self.id("node") && string(id) != owner.id("node") {
		return resp.AppendError(nil, "ERR Unknown node "+string(id[:min(len(id), 128)]))
	}
	return reply
}

// AsksSlot reports whether a command asks for the keys of a slot, which only servers know.
func AsksSlot(id routing.ID) bool {
	return id == routing.CmdClusterCountKeysInSlot || id == routing.CmdClusterGetKeysInSlot
}

// SlotOf returns the slot of CLUSTER COUNTKEYSINSLOT or GETKEYSINSLOT, or the error reply if it is out of range.
func SlotOf(id routing.ID, args [][]byte) (slot int, reply []byte) {
	n, ok := resp.Integer(args[2])
	switch {
	case !ok:
		return 0, []byte("-ERR value is not an integer or out of range\r\n")
	case n >= 0 && n <= lastSlot:
		return int(n), nil
	case id == routing.CmdClusterGetKeysInSlot:
		return 0, []byte("-ERR Invalid slot or number of keys\r\n")
	}
	return 0, []byte("-ERR Invalid slot\r\n")
}

// slots returns the reply to CLUSTER SLOTS: one range, with one node.
func (a Address) slots() []byte {
	b := resp.AppendArray(resp.AppendArray(nil, 1), 3)
	b = resp.AppendInt(resp.AppendInt(b, 0), lastSlot)
	b = resp.AppendBulkString(resp.AppendArray(b, 4), a.Host)
	b = resp.AppendInt(b, int64(a.Port))
	b = resp.AppendBulkString(b, a.id("node"))
	return resp.AppendArray(b, 0) // no metadata
}

// shards returns the reply to CLUSTER SHARDS.
func (a Address) shards(proto int) []byte {
	b := resp.AppendMap(resp.AppendArray(nil, 1), proto, 2)
	b = resp.AppendArray(resp.AppendBulkString(b, "slots"), 2)
	b = resp.AppendInt(resp.AppendInt(b, 0), lastSlot)
	b = resp.AppendArray(resp.AppendBulkString(b, "nodes"), 1)
	fields := 7
	if a.named() {
		fields++
	}
	b = resp.AppendMap(b, proto, fields)
	b = resp.AppendBulkString(resp.AppendBulkString(b, "id"), a.id("node"))
	b = resp.AppendInt(resp.AppendBulkString(b, "port"), int64(a.Port))
	b = resp.AppendBulkString(resp.AppendBulkString(b, "ip"), a.Host)
	b = resp.AppendBulkString(resp.AppendBulkString(b, "endpoint"), a.Host)
	if a.named() {
		b = resp.AppendBulkString(resp.AppendBulkString(b, "hostname"), a.Host)
	}
	b = resp.AppendBulkString(resp.AppendBulkString(b, "role"), "master")
	b = resp.AppendInt(resp.AppendBulkString(b, "replication-offset"), 0)
	return resp.AppendBulkString(resp.AppendBulkString(b, "health"), "online")
}

// nodes returns the lines of CLUSTER NODES: this node's, and that of the owner of the slots if it is another one.
func (f *Role) nodes(owner Address) []byte {
	const all = " 0-16383"
	if owner == f.Self {
		return f.Self.appendNode(nil, "myself,master", 1, all)
	}
	return owner.appendNode(f.Self.appendNode(nil, "myself,master", 1, ""), "master", 2, all)
}

// appendNode appends a line of CLUSTER NODES. A name may take the place of the IP address: clients can dial it.
func (a Address) appendNode(b []byte, flags string, epoch int, slots string) []byte {
	bus := a.Port + busOffset
	if bus > 65535 {
		bus = 0 // none
	}
	name := ""
	if a.named() {
		name = "," + a.Host
	}
	return fmt.Appendf(b, "%s %s:%d@%d%s %s - 0 0 %d connected%s\n", a.id("node"), a.Host, a.Port, bus, name, flags, epoch,
		slots)
}

// state returns the text of CLUSTER INFO.
func (f *Role) state(owner Address) []byte {
	nodes := 1
	if owner != f.Self {
		nodes = 2
	}
	return fmt.Appendf(nil, clusterState, nodes, nodes) // the last epoch is that of the owner
}

const clusterState = "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\n" +
	"cluster_slots_pfail:0\r\ncluster_slots_fail:0\r\ncluster_known_nodes:%d\r\ncluster_size:1\r\n" +
	"cluster_current_epoch:%d\r\ncluster_my_epoch:1\r\ncluster_stats_messages_sent:0\r\n" +
	"cluster_stats_messages_received:0\r\ntotal_cluster_links_buffer_limit_exceeded:0\r\n"

var clusterHelp = resp.AppendLines(nil,
	"CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are, about this gateway as the only node:",
	"COUNT-FAILURE-REPORTS <node-id>", "COUNTKEYSINSLOT <slot>", "GETKEYSINSLOT <slot> <count>", "INFO", "KEYSLOT <key>",
	"LINKS", "MYID", "MYSHARDID", "NODES", "REPLICAS <node-id>", "SHARDS", "SLOTS", "HELP")
