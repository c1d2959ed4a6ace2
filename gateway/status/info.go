// Package status says how the gateway is: the text of INFO, from counters and the view.
package status

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"

	"evergate/gateway/backend"
	"evergate/gateway/facade"
	"evergate/gateway/session"
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
	Rejected   uint64
	Workers    int
	Reads      string
	Hold       string
	View       *topology.View // nil while nothing is known
	Stats      worker.Snapshot
	Failovers  FailoverStory
	// Face is what the listener pretends to be that is asked; nil: nothing.
	Face *facade.Face
}

// Sum adds the counters of workers.
func Sum(all []worker.Snapshot) worker.Snapshot {
	var sum worker.Snapshot
	for i := range all {
		sum.Clients += all[i].Clients
		sum.Lanes += all[i].Lanes
		sum.Parked += all[i].Parked
		sum.Waiting += all[i].Waiting
		sum.Silent += all[i].Silent
		sum.Feeds += all[i].Feeds
		sum.Subscribers += all[i].Subscribers
		for k := range sum.Topics {
			sum.Topics[k] += all[i].Topics[k]
		}
		sum.Private += all[i].Private
		sum.Blocked += all[i].Blocked
		sum.Stats.Add(&all[i].Stats)
	}
	return sum
}

// section is one part of INFO.
type section struct {
	name  string
	write func(b []byte, f *Facts) []byte
}

var allSections = []section{
	{"server", server}, {"clients", clients}, {"memory", memory}, {"stats", counters}, {"replication", replication},
	{"cpu", cpu}, {"cluster", cluster}, {"keyspace", keyspace}, {"gateway", gateway}, {"pubsub", pubsub},
	{"failover", failover}, {"upstream", upstream},
}

// sentinelSections are those of a listener that pretends to be a Sentinel: nothing about the servers.
var sentinelSections = []section{
	{"server", server}, {"clients", clients}, {"stats", counters}, {"cpu", cpu},
	{"sentinel", func(b []byte, f *Facts) []byte { return f.Face.AppendMasters(b) }},
}

// Info is the text of INFO: lines "key:value" under "# Section", as Redis writes them, with the gateway's own sections
// at the end. No sections, "default", "all" and "everything" mean all of them; unknown ones are left out.
func Info(f Facts, sections []string) []byte {
	everything := len(sections) == 0
	for _, s := range sections {
		if s == "all" || s == "default" || s == "everything" {
			everything = true
		}
	}
	known := allSections
	if f.Face.Is(facade.Sentinel) {
		known = sentinelSections
	}
	var b []byte
	for _, s := range known {
		if !everything && !slices.Contains(sections, s.name) {
			continue
		}
		if len(b) > 0 {
			b = append(b, "\r\n"...)
		}
		b = s.write(b, &f)
	}
	return b
}

func server(b []byte, f *Facts) []byte {
	version := "6.2.0"
	if f.View != nil && f.View.Lowest != nil && f.View.Lowest.Version != "" {
		version = f.View.Lowest.Version
	}
	return fmt.Appendf(b, "# Server\r\nredis_version:%s\r\nredis_mode:%s\r\nos:%s %s\r\narch_bits:64\r\n"+
		"process_id:%d\r\nrun_id:%s\r\ntcp_port:%d\r\nuptime_in_seconds:%d\r\nuptime_in_days:%d\r\nevergate_version:%s\r\n",
		version, f.Face.Mode(), runtime.GOOS, runtime.GOARCH, f.PID, f.RunID, f.Port,
		int(f.Uptime.Seconds()), int(f.Uptime.Hours()/24), Version())
}

func clients(b []byte, f *Facts) []byte {
	return fmt.Appendf(b, "# Clients\r\nconnected_clients:%d\r\nmaxclients:%d\r\nblocked_clients:%d\r\n",
		f.Stats.Clients, f.ClientsMax, f.Stats.Blocked)
}

func memory(b []byte, _ *Facts) []byte {
	sample := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
	}
	metrics.Read(sample)
	return fmt.Appendf(b, "# Memory\r\nused_memory:%d\r\nused_memory_rss:%d\r\nmaxmemory:0\r\n"+
		"maxmemory_policy:noeviction\r\n",
		sample[2].Value.Uint64(), sample[0].Value.Uint64()-sample[1].Value.Uint64())
}

func counters(b []byte, f *Facts) []byte {
	s := &f.Stats.Stats
	return fmt.Appendf(b, "# Stats\r\ntotal_connections_received:%d\r\ntotal_commands_processed:%d\r\n"+
		"total_net_input_bytes:%d\r\ntotal_net_output_bytes:%d\r\nrejected_connections:%d\r\n",
		s.ClientsOpened, s.Commands(), s.ClientInBytes, s.ClientOutBytes, f.Rejected)
}

func replication(b []byte, f *Facts) []byte {
	// The servers behind stay hidden: some clients connect to whatever is named here.
	if f.Face.Is(facade.Replica) {
		return fmt.Appendf(b, "# Replication\r\nrole:slave\r\nmaster_host:%s\r\nmaster_port:%d\r\n"+
			"master_link_status:up\r\nmaster_last_io_seconds_ago:0\r\nmaster_sync_in_progress:0\r\n"+
			"slave_repl_offset:0\r\nslave_priority:100\r\nslave_read_only:1\r\nconnected_slaves:0\r\n"+
			"master_repl_offset:0\r\nloading:0\r\n", f.Face.Primary.Host, f.Face.Primary.Port)
	}
	return append(b, "# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_repl_offset:0\r\nloading:0\r\n"...)
}

func cpu(b []byte, _ *Facts) []byte {
	user, system := cpuTime()
	return fmt.Appendf(b, "# CPU\r\nused_cpu_sys:%f\r\nused_cpu_user:%f\r\n", system.Seconds(), user.Seconds())
}

func cluster(b []byte, f *Facts) []byte {
	enabled := 0
	if f.Face.Is(facade.Cluster) {
		enabled = 1
	}
	return fmt.Appendf(b, "# Cluster\r\ncluster_enabled:%d\r\n", enabled)
}

func keyspace(b []byte, _ *Facts) []byte { return append(b, "# Keyspace\r\n"...) }

func gateway(b []byte, f *Facts) []byte {
	s := &f.Stats.Stats
	return fmt.Appendf(b, "# Gateway\r\nservice:%s\r\nworkers:%d\r\nreads:%s\r\nrequests_to_primaries:%d\r\n"+
		"requests_to_replicas:%d\r\nrequests_on_private_lanes:%d\r\ncommands_queued:%d\r\nanswered_locally:%d\r\n"+
		"refused:%d\r\nparked:%d\r\ndone_again:%d\r\nuncertain:%d\r\nout_of_order:%d\r\nprotocol_errors:%d\r\n"+
		"wrong_passwords:%d\r\nblocking_pops_again:%d\r\nlanes:%d\r\nprivate_lanes:%d\r\ngoroutines:%d\r\n"+
		"heap_live_bytes:%d\r\n%s",
		f.Service, f.Workers, f.Reads, s.Requests[backend.Primary], s.Requests[backend.Replica],
		s.Requests[backend.Private], s.Queued, s.Local, s.Refused, f.Stats.Parked, s.DoneAgain, s.Uncertain, s.OutOfOrder,
		s.ProtocolErrors, s.WrongPasswords, s.PopsAgain, f.Stats.Lanes, f.Stats.Private, runtime.NumGoroutine(), heapLive(),
		byReason("clients_closed", s.ClientsClosed[:], func(i int) string { return session.CloseReason(i).String() }))
}

// heapLive is what the last collection found in use: unlike used_memory it does not hold what nobody needs any more.
func heapLive() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func upstream(b []byte, f *Facts) []byte {
	b = append(b, "# Upstream\r\n"...)
	s := &f.Stats.Stats
	b = fmt.Appendf(b, "upstream_input_bytes:%d\r\nupstream_output_bytes:%d\r\ndials:%d\r\nlanes_opened:%d\r\n",
		s.UpstreamInBytes, s.UpstreamOutBytes, s.Dials, s.LanesOpened)
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
		b = fmt.Appendf(b, "shard%d:primary=%s,condition=%s,replicas=%d\r\n", i, primary, sh.Condition, len(sh.Replicas))
	}
	return b
}
