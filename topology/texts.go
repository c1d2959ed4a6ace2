package topology

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parsers of servers' texts: INFO, CLUSTER NODES, and the errors that name another node. Every field is optional: other
// servers and newer versions omit some and add others.

// InfoFields returns the lines "key:value" of INFO, or CLUSTER INFO.
func InfoFields(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			fields[key] = value
		}
	}
	return fields
}

// InfoSection returns the lines "key:value" of one section of INFO in their order. The case of name does not matter.
func InfoSection(text, name string) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		inside := false
		for line := range strings.Lines(text) {
			if head, isHead := infoHead(line); isHead {
				inside = strings.EqualFold(head, name)
			} else if key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok && inside && !yield(key, value) {
				return
			}
		}
	}
}

// HasInfoSection reports whether a text of INFO has a section, which may be empty.
func HasInfoSection(text, name string) bool {
	for line := range strings.Lines(text) {
		if head, isHead := infoHead(line); isHead && strings.EqualFold(head, name) {
			return true
		}
	}
	return false
}

// infoHead parses the line that begins a section.
func infoHead(line string) (name string, is bool) {
	return strings.CutPrefix(strings.TrimRight(line, "\r\n"), "# ")
}

// OnlineReplicas returns the replicas in a primary's INFO replication that are online, each with its own fields:
// slave0:ip=10.0.0.2,port=6379,state=online,offset=1,lag=0 and so on.
func OnlineReplicas(info map[string]string) (list []map[string]string) {
	n, _ := strconv.Atoi(info["connected_slaves"])
	for i := range n {
		r := map[string]string{}
		for _, pair := range strings.Split(info["slave"+strconv.Itoa(i)], ",") {
			if key, value, ok := strings.Cut(pair, "="); ok {
				r[key] = value
			}
		}
		if r["state"] == "online" && r["ip"] != "" {
			list = append(list, r)
		}
	}
	return list
}

// Take sets Silent from a primary's INFO replication, in which the lag of a replica is in seconds, and Zone from INFO
// server.
func (r *RoleSeen) Take(info map[string]string) {
	r.Zone = cmp.Or(info["availability_zone"], r.Zone)
	for _, replica := range OnlineReplicas(info) {
		if lag, err := strconv.Atoi(replica["lag"]); err == nil && lag >= int(SilentFor/time.Second) {
			r.Silent++
		}
	}
}

// SaveState parses INFO persistence: whether a save to disk is running, and whether the last one succeeded.
func SaveState(info string) (running, ok bool) {
	return strings.Contains(info, "rdb_bgsave_in_progress:1"), strings.Contains(info, "rdb_last_bgsave_status:ok")
}

// ClusterNode is a line of CLUSTER NODES: <id> <ip:port@cport[,hostname]> <flags> <primary> <ping> <pong>
// <config epoch> <link> <slots...>.
type ClusterNode struct {
	// Addr is ip:port as in the line.
	Addr string
	// Myself is the node that was asked, Failed one that is marked fail, or that has no address.
	Myself, Failed bool
	Epoch          uint64
	Slots          []SlotRange
	// Migrating has the slots that are being moved, with the ids of their destinations.
	Migrating map[int]string
}

// ClusterNodes parses CLUSTER NODES; the key is the node id.
func ClusterNodes(text string) map[string]ClusterNode {
	nodes := map[string]ClusterNode{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		var n ClusterNode
		where, _, _ := strings.Cut(f[1], ",")
		n.Addr, _, _ = strings.Cut(where, "@")
		flags := strings.Split(f[2], ",")
		n.Myself = slices.Contains(flags, "myself")
		n.Failed = slices.Contains(flags, "fail") || slices.Contains(flags, "noaddr")
		if len(f) > 6 {
			n.Epoch, _ = strconv.ParseUint(f[6], 10, 64)
		}
		for _, word := range f[min(len(f), 8):] {
			n.takeSlots(word)
		}
		nodes[f[0]] = n
	}
	return nodes
}

// takeSlots parses 7, 0-3, or [7->-id] for a slot that is being moved to a node. [7-<-id], a slot that is being
// imported, is ignored.
func (n *ClusterNode) takeSlots(word string) {
	if inner, moves := strings.CutPrefix(word, "["); moves {
		slot, id, _ := strings.Cut(strings.TrimSuffix(inner, "]"), "->-")
		if at, ok := slotOf(slot); ok {
			if n.Migrating == nil {
				n.Migrating = map[int]string{}
			}
			n.Migrating[at] = id
		}
		return
	}
	first, last, ranged := strings.Cut(word, "-")
	if !ranged {
		last = first
	}
	from, ok := slotOf(first)
	to, alsoOK := slotOf(last)
	if ok && alsoOK && from <= to {
		n.Slots = append(n.Slots, SlotRange{First: from, Last: to})
	}
}

// slotOf parses the number of a slot, and reports whether it is in range.
func slotOf(word string) (slot int, ok bool) {
	n, err := strconv.Atoi(word)
	return n, err == nil && n >= 0 && n < Slots
}

// OwnSlots are the slots of a node of a cluster by its own report.
type OwnSlots struct {
	owned [Slots]bool
	// to has the address of the destination of each slot that is being moved.
	to map[int]string
}

// ReadOwnSlots parses the reply to CLUSTER NODES of a node, for that node. Slots in a form that it does not know are
// not owned.
func ReadOwnSlots(text string) *OwnSlots {
	s := &OwnSlots{to: map[int]string{}}
	nodes := ClusterNodes(text)
	for _, n := range nodes {
		if !n.Myself {
			continue
		}
		for _, span := range n.Slots {
			for slot := span.First; slot <= span.Last; slot++ {
				s.owned[slot] = true
			}
		}
		for slot, id := range n.Migrating {
			s.to[slot] = nodes[id].Addr
		}
	}
	return s
}

// Has reports whether the node has a slot that is not being moved.
func (s *OwnSlots) Has(slot int) bool {
	_, leaves := s.to[slot]
	return s.owned[slot] && !leaves
}

// To returns the address of the node that a slot is being moved to; empty if it is not being moved, or the address is
// unknown.
func (s *OwnSlots) To(slot int) string { return s.to[slot] }

// Redirection parses an error that names the node of a slot: "MOVED 3999 127.0.0.1:6381", or ASK.
func Redirection(text string) (slot int, addr string, ok bool) {
	words := strings.Fields(text)
	if len(words) != 3 {
		return 0, "", false
	}
	slot, ok = slotOf(words[1])
	return slot, words[2], ok
}
