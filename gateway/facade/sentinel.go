package facade

import (
	"fmt"
	"strconv"

	"evergate/gateway/resp"
	"evergate/routing"
)

var noMaster = []byte("-ERR No such master with that name\r\n")

// Sentinel returns the reply to SENTINEL; args are all arguments.
func (f *Role) Sentinel(proto int, args [][]byte) []byte {
	if len(args) < 2 {
		return wrongArity("sentinel")
	}
	command := routing.OfSentinel(args[0]).Of(args)
	switch {
	case command == nil:
		return resp.AppendError(nil, "ERR unknown subcommand '"+string(args[1][:min(len(args[1]), 128)])+
			"'. Try SENTINEL HELP.")
	case command.Has(routing.Harmful):
		return resp.AppendError(nil, "ERR 'sentinel "+command.Word()+"' is not allowed through the gateway")
	case !command.ArityFits(len(args)):
		return wrongArity(command.Name)
	case len(args) == 3:
		return f.ofMaster(proto, command.ID, f.master(string(args[2])))
	}
	switch command.ID {
	case routing.CmdSentinelMasters:
		b := resp.AppendArray(nil, len(f.Masters))
		for i := range f.Masters {
			b = f.Masters[i].append(b, proto)
		}
		return b
	case routing.CmdSentinelMyID:
		return resp.AppendBulkString(nil, f.Self.id("sentinel"))
	case routing.CmdSentinelHelp:
		return sentinelHelp
	}
	return resp.EmptyArray // pending scripts
}

func wrongArity(name string) []byte {
	return resp.AppendError(nil, "ERR wrong number of arguments for '"+name+"' command")
}

// master returns the service with a name, nil if there is none.
func (f *Role) master(name string) *Master {
	for i := range f.Masters {
		if f.Masters[i].Name == name {
			return &f.Masters[i]
		}
	}
	return nil
}

// ofMaster returns the reply to a subcommand about one service.
func (f *Role) ofMaster(proto int, id routing.ID, m *Master) []byte {
	if id == routing.CmdSentinelGetMasterAddr {
		switch {
		case m != nil:
			b := resp.AppendBulkString(resp.AppendArray(nil, 2), m.Addr.Host)
			return resp.AppendBulkString(b, strconv.Itoa(m.Addr.Port))
		case proto == 3:
			return resp.Null3
		}
		return resp.NullArray
	}
	switch {
	case m == nil:
		return noMaster
	case id == routing.CmdSentinelMaster:
		return m.append(nil, proto)
	case id == routing.CmdSentinelReplicas, id == routing.CmdSentinelSlaves:
		b := resp.AppendArray(nil, len(m.Replicas))
		for _, addr := range m.Replicas {
			b = m.appendReplica(b, proto, addr)
		}
		return b
	case id == routing.CmdSentinelCKQuorum:
		return []byte("+OK 1 usable Sentinels. Quorum and failover authorization can be reached\r\n")
	}
	return resp.EmptyArray // other Sentinels: there are none
}

// The periods that a Sentinel reports, in milliseconds: its defaults, since nothing is ever down here.
const (
	downAfter       = "30000"
	failoverTimeout = "180000"
)

// append appends the fields of SENTINEL MASTER.
func (m *Master) append(b []byte, proto int) []byte {
	return appendFields(b, proto,
		"name", m.Name, "ip", m.Addr.Host, "port", strconv.Itoa(m.Addr.Port), "runid", m.Addr.id("run"), "flags", "master",
		"link-pending-commands", "0", "link-refcount", "1", "last-ping-sent", "0", "last-ok-ping-reply", "0",
		"last-ping-reply", "0", "down-after-milliseconds", downAfter, "info-refresh", "0", "role-reported", "master",
		"role-reported-time", "0", "config-epoch", "0", "num-slaves", strconv.Itoa(len(m.Replicas)),
		"num-other-sentinels", "0", "quorum", "1", "failover-timeout", failoverTimeout, "parallel-syncs", "1")
}

// appendReplica appends the fields of SENTINEL REPLICAS for one replica.
func (m *Master) appendReplica(b []byte, proto int, addr Address) []byte {
	return appendFields(b, proto,
		"name", addr.String(), "ip", addr.Host, "port", strconv.Itoa(addr.Port), "runid", addr.id("run"), "flags", "slave",
		"link-pending-commands", "0", "link-refcount", "1", "last-ping-sent", "0", "last-ok-ping-reply", "0",
		"last-ping-reply", "0", "down-after-milliseconds", downAfter, "info-refresh", "0", "role-reported", "slave",
		"role-reported-time", "0", "master-link-down-time", "0", "master-link-status", "ok", "master-host", m.Addr.Host,
		"master-port", strconv.Itoa(m.Addr.Port), "slave-priority", "100", "slave-repl-offset", "0",
		"replica-announced", "1")
}

func appendFields(b []byte, proto int, namesAndValues ...string) []byte {
	b = resp.AppendMap(b, proto, len(namesAndValues)/2)
	for _, text := range namesAndValues {
		b = resp.AppendBulkString(b, text)
	}
	return b
}

// AppendMasters appends the section of INFO for a Sentinel.
func (f *Role) AppendMasters(b []byte) []byte {
	b = fmt.Appendf(b, "# Sentinel\r\nsentinel_masters:%d\r\nsentinel_tilt:0\r\nsentinel_tilt_since_seconds:-1\r\n"+
		"sentinel_running_scripts:0\r\nsentinel_scripts_queue_length:0\r\nsentinel_simulate_failure_flags:0\r\n",
		len(f.Masters))
	for i := range f.Masters {
		m := &f.Masters[i]
		b = fmt.Appendf(b, "master%d:name=%s,status=ok,address=%s:%d,slaves=%d,sentinels=1\r\n", i, m.Name, m.Addr.Host,
			m.Addr.Port, len(m.Replicas))
	}
	return b
}

var sentinelHelp = resp.AppendLines(nil,
	"SENTINEL <subcommand> [<arg> [value] [opt] ...]. Subcommands are, about the services of this gateway:",
	"CKQUORUM <name>", "GET-MASTER-ADDR-BY-NAME <name>", "MASTER <name>", "MASTERS", "MYID", "PENDING-SCRIPTS",
	"REPLICAS <name>", "SENTINELS <name>", "SLAVES <name>", "HELP")
