// Package status says how the gateway is: the text of INFO, from counters and the view.
package status

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"time"

	"evergate/gateway/facade"
	"evergate/gateway/freshness"
	"evergate/gateway/latency"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/topology"
)

// Facts are what INFO is made of.
type Facts struct {
	Service    string
	RunID      string
	PID        int
	Port       int
	Uptime     time.Duration
	ClientsMax int
	// ClientMemoryMax bounds what is kept for all clients, in bytes; 0: no bound.
	ClientMemoryMax int64
	Rejected        uint64
	// Handshakes and HandshakesFailed are those of TLS with clients.
	Handshakes, HandshakesFailed uint64
	Workers                      int
	Reads                        string
	Hold                         string
	View                         *topology.View // nil while nothing is known
	// Polls is how often a primary was asked for its replication offset, Lags how far replicas are behind by that.
	Polls     uint64
	Lags      []freshness.Lag
	Stats     worker.Snapshot
	Failovers FailoverHistory
	Reloads   Reloads
	// Role is what the listener that is asked emulates; nil: nothing.
	Role *facade.Role
	// Servers are what the servers say of themselves; see AsksServers.
	Servers []ServerReport
}

// Sum adds the counters of workers.
func Sum(all []worker.Snapshot) worker.Snapshot {
	var sum worker.Snapshot
	for i := range all {
		sum.Clients += all[i].Clients
		sum.Conns += all[i].Conns
		sum.ClientMemory += all[i].ClientMemory
		sum.BlockedSessions += all[i].BlockedSessions
		sum.Waiting += all[i].Waiting
		sum.Silent += all[i].Silent
		sum.SubscriptionConns += all[i].SubscriptionConns
		sum.Subscribers += all[i].Subscribers
		sum.AskedNotices += all[i].AskedNotices
		for k := range sum.Topics {
			sum.Topics[k] += all[i].Topics[k]
		}
		sum.Dedicated += all[i].Dedicated
		sum.Blocked += all[i].Blocked
		sum.Rounds.Merge(&all[i].Rounds)
		sum.Stats.Add(&all[i].Stats)
		for of := range all[i].Services {
			if of == len(sum.Services) {
				sum.Services = append(sum.Services, worker.OfService{})
			}
			sum.Services[of].Add(&all[i].Services[of])
		}
	}
	return sum
}

// section is one part of INFO.
type section struct {
	name  string
	write func(b []byte, f *Facts) []byte
	// long ones are shown when "all" or they themselves are asked for.
	long bool
}

var allSections = []section{
	{"server", server, false}, {"clients", fromServers("clients", "Clients", clients), false},
	{"memory", fromServers("memory", "Memory", memory), false},
	{"persistence", fromServers("persistence", "Persistence", persistence), false},
	{"threads", asServers("threads", "Threads"), false},
	{"stats", fromServers("stats", "Stats", counters), false}, {"replication", replication, false},
	{"cpu", fromServers("cpu", "CPU", cpu), false}, {"modules", asServers("modules", "Modules"), false},
	{"commandstats", fromServers("commandstats", "Commandstats", nil), true},
	{"errorstats", fromServers("errorstats", "Errorstats", nil), false},
	{"latencystats", asServers("latencystats", "Latencystats"), true}, {"cluster", cluster, false},
	{"keyspace", fromServers("keyspace", "Keyspace", nil), false},
	{"keysizes", asServers("keysizes", "Keysizes"), false}, {"gateway", gateway, false},
	{"pubsub", pubsub, false}, {"failover", failover, false}, {"upstream", appendUpstream, false},
}

// sentinelSections are those of a listener that pretends to be a Sentinel: nothing about the servers.
var sentinelSections = []section{
	{"server", server, false}, {"clients", fromServers("clients", "Clients", clients), false},
	{"stats", fromServers("stats", "Stats", counters), false},
	{"cpu", fromServers("cpu", "CPU", cpu), false},
	{"sentinel", func(b []byte, f *Facts) []byte { return f.Role.AppendMasters(b) }, false},
}

// ownSections are those that say something of the gateway where no server is asked.
var ownSections = []string{"server", "clients", "memory", "stats", "cpu", "gateway", "pubsub", "failover", "upstream"}

// OwnInfo is the text of PROXY INFO: of the sections of INFO those that are the gateway's own. Facts.Servers is empty.
func OwnInfo(f Facts, sections []string) []byte {
	if len(sections) == 0 || slices.ContainsFunc(sections, isEverything) {
		return Info(f, ownSections)
	}
	sections = slices.DeleteFunc(slices.Clone(sections),
		func(s string) bool { return !slices.Contains(ownSections, s) })
	if len(sections) == 0 {
		return nil
	}
	return Info(f, sections)
}

// Info is the text of INFO: lines "key:value" under "# Section", as Redis writes them, with the gateway's own sections
// at the end. "all" and "everything" mean all of them, none or "default" those that are short; unknown ones are left
// out.
func Info(f Facts, sections []string) []byte {
	ordinary := len(sections) == 0 || slices.ContainsFunc(sections, isEverything)
	long := slices.Contains(sections, "all") || slices.Contains(sections, "everything")
	known := allSections
	if f.Role.Is(facade.Sentinel) {
		known = sentinelSections
	}
	var b []byte
	for _, s := range known {
		if !(ordinary && !s.long || long) && !slices.Contains(sections, s.name) {
			continue
		}
		if part := s.write(nil, &f); len(b) > 0 && len(part) > 0 {
			b = append(append(b, "\r\n"...), part...)
		} else {
			b = append(b, part...)
		}
	}
	return b
}

func isEverything(section string) bool {
	return section == "all" || section == "default" || section == "everything"
}

// fromServers is a section that servers make. own writes what is the gateway's, and what to say when none of them says
// anything.
func fromServers(name, title string, own func(f *Facts, reported bool) []field) func(b []byte, f *Facts) []byte {
	return func(b []byte, f *Facts) []byte {
		b = append(append(append(b, "# "...), title...), "\r\n"...)
		fields := ofServers(name, f.Servers)
		if own != nil {
			for _, o := range own(f, len(fields) > 0) {
				if at := slices.IndexFunc(fields, func(f field) bool { return f.key == o.key }); at >= 0 {
					fields[at] = o
				} else if !newer[o.key] {
					fields = append(fields, o)
				}
			}
		}
		for _, l := range fields {
			b = fmt.Appendf(b, "%s:%s\r\n", l.key, l.value)
		}
		for _, s := range f.Servers {
			if s.Missing != "" && (s.Primary || served[name]) {
				b = fmt.Appendf(b, "evergate_missing:%s=%s\r\n", s.Addr, s.Missing)
			}
		}
		return b
	}
}

// asServers is a section that there is where a server has it.
func asServers(name, title string) func(b []byte, f *Facts) []byte {
	write := fromServers(name, title, nil)
	return func(b []byte, f *Facts) []byte {
		if !slices.ContainsFunc(f.Servers, func(s ServerReport) bool { return topology.HasInfoSection(s.Text, name) }) {
			return b
		}
		return write(b, f)
	}
}

func server(b []byte, f *Facts) []byte {
	version := "6.2.0"
	if f.View != nil && f.View.Lowest != nil && f.View.Lowest.Version != "" {
		version = f.View.Lowest.Version
	}
	b = fmt.Appendf(b, "# Server\r\nredis_version:%s\r\n", version)
	for _, reported := range ofServers("server", f.Servers) {
		if reported.key == "server_name" || strings.HasPrefix(reported.key, "valkey_") {
			b = fmt.Appendf(b, "%s:%s\r\n", reported.key, reported.value)
		}
	}
	return fmt.Appendf(b, "redis_git_sha1:00000000\r\nredis_git_dirty:0\r\nredis_mode:%s\r\nos:%s %s\r\narch_bits:64\r\n"+
		"process_id:%d\r\nrun_id:%s\r\ntcp_port:%d\r\nuptime_in_seconds:%d\r\nuptime_in_days:%d\r\nevergate_version:%s\r\n",
		f.Role.Mode(), runtime.GOOS, runtime.GOARCH, f.PID, f.RunID, f.Port,
		int(f.Uptime.Seconds()), int(f.Uptime.Hours()/24), Version())
}

// clients are the gateway's own; what servers say of keys that somebody waits for or watches is true for them as well.
func clients(f *Facts, _ bool) []field {
	return []field{{"connected_clients", fmt.Sprint(f.Stats.Clients)}, {"maxclients", fmt.Sprint(f.ClientsMax)},
		{"blocked_clients", fmt.Sprint(f.Stats.Blocked)}, {"pubsub_clients", fmt.Sprint(f.Stats.Subscribers)},
		{"cluster_connections", "0"}, {"tracking_clients", "0"}}
}

// newer are fields that only some servers have: they are the gateway's where a server has them.
var newer = map[string]bool{"pubsub_clients": true, "cluster_connections": true, "tracking_clients": true,
	"evicted_clients": true}

// memory is that of the gateway where no server says anything.
func memory(_ *Facts, reported bool) []field {
	if reported {
		return nil
	}
	used, resident := ownMemory()
	return []field{{"used_memory", fmt.Sprint(used)}, {"used_memory_rss", fmt.Sprint(resident)}, {"maxmemory", "0"},
		{"maxmemory_policy", "noeviction"}}
}

// ownMemory is what the gateway itself uses, and what the system has given it.
func ownMemory() (used, resident uint64) {
	sample := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
	}
	metrics.Read(sample)
	return sample[2].Value.Uint64(), sample[0].Value.Uint64() - sample[1].Value.Uint64()
}

// persistence: the gateway takes requests while its servers load, and clients that look whether it is ready see that.
func persistence(*Facts, bool) []field { return []field{{"loading", "0"}, {"async_loading", "0"}} }

// counters: the connections are those of the gateway's clients.
func counters(f *Facts, reported bool) []field {
	s := &f.Stats.Stats
	own := []field{{"total_connections_received", fmt.Sprint(s.ClientsOpened)},
		{"rejected_connections", fmt.Sprint(f.Rejected)},
		{"evicted_clients", fmt.Sprint(s.ClientsClosed[session.MemoryLimit])}}
	if reported {
		return own
	}
	return append(own, field{"total_commands_processed", fmt.Sprint(s.Commands())},
		field{"total_net_input_bytes", fmt.Sprint(s.ClientInBytes)},
		field{"total_net_output_bytes", fmt.Sprint(s.ClientOutBytes)})
}

func replication(b []byte, f *Facts) []byte {
	// The servers behind stay hidden: some clients connect to whatever is named here.
	if f.Role.Is(facade.Replica) {
		return fmt.Appendf(b, "# Replication\r\nrole:slave\r\nmaster_host:%s\r\nmaster_port:%d\r\n"+
			"master_link_status:up\r\nmaster_last_io_seconds_ago:0\r\nmaster_sync_in_progress:0\r\n"+
			"slave_repl_offset:0\r\nslave_priority:100\r\nslave_read_only:1\r\nconnected_slaves:0\r\n"+
			"master_repl_offset:0\r\n", f.Role.Primary.Host, f.Role.Primary.Port)
	}
	return append(b, "# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_repl_offset:0\r\n"...)
}

func cpu(_ *Facts, reported bool) []field {
	if reported {
		return nil
	}
	user, system := cpuTime()
	return []field{{"used_cpu_sys", format(system.Seconds(), 6)}, {"used_cpu_user", format(user.Seconds(), 6)}}
}

func cluster(b []byte, f *Facts) []byte {
	enabled := 0
	if f.Role.Is(facade.Cluster) {
		enabled = 1
	}
	return fmt.Appendf(b, "# Cluster\r\ncluster_enabled:%d\r\n", enabled)
}

func gateway(b []byte, f *Facts) []byte {
	s := &f.Stats.Stats
	user, system := cpuTime()
	used, resident := ownMemory()
	b = f.Reloads.append(appendGateway(b, f))
	return fmt.Appendf(b, "connections_received:%d\r\ncommands_processed:%d\r\nclient_input_bytes:%d\r\n"+
		"client_output_bytes:%d\r\nmemory_used:%d\r\nmemory_rss:%d\r\ncpu_sys:%f\r\ncpu_user:%f\r\n", s.ClientsOpened,
		s.Commands(), s.ClientInBytes, s.ClientOutBytes, used, resident, system.Seconds(), user.Seconds())
}

// own are the counters of what the gateway did for its clients.
func appendGateway(b []byte, f *Facts) []byte {
	s, all := &f.Stats.Stats, f.Stats.Counted()
	waits := latency.Histogram{}
	if all.Acks.Waits != nil {
		waits = *all.Acks.Waits
	}
	p50, _ := waits.Quantile(0.5) // 0 without one
	p99, _ := waits.Quantile(0.99)
	return fmt.Appendf(b, "# Gateway\r\nservice:%s\r\nworkers:%d\r\nreads:%s\r\nrequests_to_primaries:%d\r\n"+
		"requests_to_replicas:%d\r\nrequests_on_dedicated_connections:%d\r\n"+
		"requests_on_acked_connections:%d\r\ncommands_queued:%d\r\n"+
		"requests_answered_locally:%d\r\nrequests_rejected:%d\r\nsessions_blocked_now:%d\r\nrequests_retried:%d\r\n"+
		"requests_uncertain:%d\r\nrequests_out_of_order:%d\r\nprotocol_errors:%d\r\nauth_failures:%d\r\n"+
		"ack_rounds:%d\r\nack_rounds_answered:%d\r\nack_rounds_writes:%d\r\nack_wait_usec:%d\r\n"+
		"ack_wait_p50_usec:%.0f\r\nack_wait_p99_usec:%.0f\r\n"+
		"ack_writes_confirmed:%d\r\nack_writes_unconfirmed:%d\r\nack_writes_rejected:%d\r\n"+
		"requests_denied:%d\r\nrequests_rate_waited:%d\r\nrequests_rate_refused:%d\r\n"+
		"tls_handshakes:%d\r\ntls_handshakes_failed:%d\r\n"+
		"blocking_pops_retried:%d\r\nupstream_connections:%d\r\ndedicated_connections:%d\r\ngoroutines:%d\r\n"+
		"heap_live_bytes:%d\r\nclient_memory:%d\r\nclient_memory_max:%d\r\n"+
		"maintenance_clients:%d\r\nmaintenance_notifications:%d\r\n%s",
		f.Service, f.Workers, f.Reads, s.Requests[upstream.Primary], s.Requests[upstream.Replica],
		s.Requests[upstream.Dedicated], s.Requests[upstream.Acked], s.Queued, s.Local, s.Refused,
		f.Stats.BlockedSessions, s.Retried, s.Uncertain, s.OutOfOrder, s.ProtocolErrors, s.WrongPasswords,
		s.AckRounds, waits.Total(), s.AckWrites, waits.Sum, p50, p99,
		all.Acks.Confirmed, all.Acks.Unconfirmed, all.Acks.Lacking,
		s.Denied, s.Rates.Waited, s.Rates.Refused, f.Handshakes, f.HandshakesFailed,
		s.PopsRetried, f.Stats.Conns, f.Stats.Dedicated,
		runtime.NumGoroutine(), heapLive(), f.Stats.ClientMemory, f.ClientMemoryMax, f.Stats.AskedNotices, s.Notified,
		byReason("clients_closed", s.ClientsClosed[:], func(i int) string { return session.CloseReason(i).String() }))
}

// heapLive is what the last collection found in use: unlike used_memory it does not hold what nobody needs any more.
func heapLive() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func appendUpstream(b []byte, f *Facts) []byte {
	b = append(b, "# Upstream\r\n"...)
	s := &f.Stats.Stats
	b = fmt.Appendf(b, "upstream_input_bytes:%d\r\nupstream_output_bytes:%d\r\nconnection_attempts:%d\r\n"+
		"connections_opened:%d\r\n", s.UpstreamInBytes, s.UpstreamOutBytes, s.Dials, s.ConnsOpened)
	proven := 0
	for _, l := range f.Lags {
		if l.Proven {
			proven++
		}
	}
	b = fmt.Appendf(b, "offset_polls:%d\r\nreplicas_proven:%d\r\n", f.Polls, proven)
	if f.View == nil {
		return append(b, "view_epoch:0\r\n"...)
	}
	b = fmt.Appendf(b, "view_epoch:%d\r\nshards:%d\r\n", f.View.Epoch, len(f.View.Shards))
	for i := range f.View.Shards {
		sh := &f.View.Shards[i]
		primary := "none"
		if sh.Primary != nil {
			primary = sh.Primary.Addr
		}
		b = fmt.Appendf(b, "shard%d:primary=%s,condition=%s,replicas=%d", i, primary, sh.Condition, len(sh.Replicas))
		if sh.Near > 0 {
			b = fmt.Appendf(b, ",in_zone=%d", sh.Near)
		}
		if sh.Provisional {
			b = append(b, ",provisional=yes"...)
		}
		if sh.Fence != "" {
			b = append(b, ",fenced=yes"...)
		}
		b = append(b, "\r\n"...)
	}
	return b
}
