package drill

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"evergate/topology"
)

// The servers' own defaults, for servers whose settings cannot be read (sentinel.c, cluster.h).
const (
	defaultDownAfter   = 30 * time.Second
	defaultNodeTimeout = 15 * time.Second
)

// meetSentinels finds all Sentinels, and the servers that they watch, from some of them.
func (s *site) meetSentinels(named []string) error {
	s.sentinels = slices.Clone(named)
	var errs []error
	var watched map[string]string
	var replicas []map[string]string
	for _, addr := range named {
		master, err := s.ask(addr, "SENTINEL", "MASTER", s.master)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		others, err1 := s.ask(addr, "SENTINEL", "SENTINELS", s.master)
		slaves, err2 := s.ask(addr, "SENTINEL", "REPLICAS", s.master)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		for _, other := range records(others) {
			if addr := topology.JoinAddr(other["ip"], other["port"]); !slices.Contains(s.sentinels, addr) {
				s.sentinels = append(s.sentinels, addr)
			}
		}
		if watched == nil {
			watched, replicas = record(master), records(slaves)
		}
	}
	if watched == nil {
		return fmt.Errorf("no Sentinel knows %q: %w", s.master, errors.Join(errs...))
	}
	s.keepSentinels()
	s.downAfter = defaultDownAfter
	if ms, err := strconv.Atoi(watched["down-after-milliseconds"]); err == nil {
		s.downAfter = time.Duration(ms) * time.Millisecond
	}
	for _, server := range append([]map[string]string{watched}, replicas...) {
		s.nodes = append(s.nodes, topology.JoinAddr(server["ip"], server["port"]))
	}
	s.nodes = s.present(s.nodes)
	return nil
}

// keepSentinels drops Sentinels that do not answer, and duplicates: one may be named by its host and learnt by its
// address.
func (s *site) keepSentinels() {
	seen := map[string]bool{}
	s.sentinels = slices.DeleteFunc(s.sentinels, func(addr string) bool {
		lines, err := s.ask(addr, "SENTINEL", "MYID")
		if err != nil {
			s.absent = append(s.absent, err.Error())
			return true
		}
		id := lines[len(lines)-1]
		double := seen[id]
		seen[id] = true
		return double
	})
}

// present returns the servers that answer.
func (s *site) present(addrs []string) []string {
	return slices.DeleteFunc(slices.Clone(addrs), func(addr string) bool {
		_, err := s.ask(addr, "ROLE")
		if err != nil {
			s.absent = append(s.absent, err.Error())
		}
		return err != nil
	})
}

// records parses the lines of a reply that is a list of flat lists of names and values.
func records(lines []string) []map[string]string {
	var all []map[string]string
	for i, line := range lines {
		if i > 0 && strings.HasPrefix(line, "*") {
			all = append(all, record(lines[i:]))
		}
	}
	return all
}

// record parses the flat list of names and values at the start of lines.
func record(lines []string) map[string]string {
	fields := map[string]string{}
	n, _ := strconv.Atoi(lines[0][1:])
	for i := 1; i+3 < len(lines) && i < 2*n; i += 4 {
		fields[lines[i+1]] = lines[i+3]
	}
	return fields
}

// member is a line of CLUSTER NODES: id, address, flags, whom it replicates, ..., slots.
type member struct {
	id, addr, name, flags, master string
	// first is the lowest slot that it serves; none without one.
	first int
}

// none is no slot.
const none = -1

func members(text string) []member {
	var all []member
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 8 {
			continue
		}
		m := member{id: fields[0], flags: strings.TrimPrefix(fields[2], "myself,"), master: fields[3], first: none}
		if len(fields) > 8 { // "0-5460", "7", or "[7->-id]" for one that moves
			slot, _, _ := strings.Cut(strings.TrimPrefix(fields[8], "["), "-")
			m.first, _ = strconv.Atoi(slot)
		}
		where, names, _ := strings.Cut(fields[1], ",")
		m.name, _, _ = strings.Cut(names, ",")
		where, _, _ = strings.Cut(where, "@")
		if colon := strings.LastIndexByte(where, ':'); colon > 0 {
			m.addr = topology.JoinAddr(where[:colon], where[colon+1:])
			all = append(all, m)
		}
	}
	return all
}

// meetCluster finds a shard to strike and a node that does not belong to it, from some nodes.
func (s *site) meetCluster(named []string) error {
	var all []member
	var errs []error
	for _, addr := range named {
		lines, err := s.ask(addr, "CLUSTER", "NODES")
		if err == nil {
			all = members(strings.Join(lines, "\n"))
			break
		}
		errs = append(errs, err)
	}
	if len(all) == 0 {
		return fmt.Errorf("no node describes the cluster: %w", errors.Join(errs...))
	}
	slices.SortFunc(all, func(a, b member) int { return a.first - b.first }) // nodes report them in any order
	for _, m := range all {
		s.names[m.addr] = m.name
		if m.flags != "master" || m.first == none {
			continue
		}
		shard := []string{m.addr}
		for _, other := range all {
			if other.master == m.id {
				shard = append(shard, other.addr)
			}
		}
		shard = s.present(shard)
		// The first shard with a replica that answers is struck; if there is none, the last one is, and the drill fails later
		// with the reason.
		if len(s.nodes) < 2 && slices.Contains(shard, m.addr) {
			if len(s.nodes) > 0 {
				s.others = append(s.others, s.nodes[0])
			}
			s.nodes = shard
		} else if slices.Contains(shard, m.addr) {
			s.others = append(s.others, m.addr)
		}
	}
	if len(s.nodes) == 0 {
		return errors.New("no shard of the cluster has a primary that answers")
	}
	s.downAfter = defaultNodeTimeout
	if lines, err := s.ask(s.nodes[0], "CONFIG", "GET", "cluster-node-timeout"); err != nil {
		s.absent = append(s.absent, fmt.Sprintf("cluster-node-timeout cannot be read (%v); %v is assumed", err, s.downAfter))
	} else if ms, err := strconv.Atoi(lines[len(lines)-1]); err == nil {
		s.downAfter = time.Duration(ms) * time.Millisecond
	}
	return nil
}
