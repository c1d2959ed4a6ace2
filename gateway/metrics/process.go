package metrics

import (
	"runtime"

	"evergate/gateway/fanout"
	"evergate/gateway/retry"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/gateway/worker"
)

// put takes one value of a metric.
type put = func(value float64, labels ...string)

// total is a counter of all workers.
func total(name, help string, field func(s *worker.Stats) uint64) metric[Facts] {
	return counter(name, help, nil, func(f *Facts, put put) { put(float64(field(&f.Stats.Stats))) })
}

// totals is an array of counters, with one label.
func totals(name, help, label string, field func(s *worker.Stats) []uint64, value func(i int) string) metric[Facts] {
	return counter(name, help, []string{label}, func(f *Facts, put put) {
		for i, n := range field(&f.Stats.Stats) {
			put(float64(n), value(i))
		}
	})
}

// now is a number of something at present.
func now(name, help string, field func(f *Facts) float64) metric[Facts] {
	return gauge(name, help, nil, func(f *Facts, put put) { put(field(f)) })
}

var processMetrics = concat(ofProcess, ofClients, ofRequests, ofBuffers, ofUpstream, ofSubscribers)

func concat(all ...[]metric[Facts]) (one []metric[Facts]) {
	for _, some := range all {
		one = append(one, some...)
	}
	return one
}

var ofProcess = []metric[Facts]{
	gauge("build_info", "Version of this build; always 1.", []string{"version", "revision", "goversion"},
		func(f *Facts, put put) { put(1, f.Overview.Version, f.Overview.Revision, runtime.Version()) }),
	now("start_time_seconds", "Unix time at which the gateway started.",
		func(f *Facts) float64 { return float64(f.Overview.Started.UnixMilli()) / 1000 }),
	now("ready", "Whether the gateway is ready, as /readyz answers.",
		func(f *Facts) float64 { return truth(f.Overview.Ready) }),
	now("draining", "Whether the gateway is stopping.",
		func(f *Facts) float64 { return truth(f.Overview.Draining) }),
	now("config_last_reload_successful", "Whether the last reload of the settings succeeded; 1 before the first.",
		func(f *Facts) float64 { return truth(!f.Reloads.LastFailed) }),
	gauge("config_last_reload_timestamp_seconds", "Unix time of the last reload of the settings.", nil,
		func(f *Facts, put put) {
			if !f.Reloads.At.IsZero() {
				put(float64(f.Reloads.At.UnixMilli()) / 1000)
			}
		}),
	counter("config_reloads_total", "Reloads of the settings, by result.", []string{"result"},
		func(f *Facts, put put) {
			put(float64(f.Reloads.Done), "done")
			put(float64(f.Reloads.Failed), "failed")
		}),
	now("workers", "Event loops.", func(f *Facts) float64 { return float64(f.Overview.Workers) }),
}

var ofClients = []metric[Facts]{
	now("client_connections", "Clients that are connected.", func(f *Facts) float64 { return float64(f.Stats.Clients) }),
	now("client_connections_max", "Maximum number of clients.",
		func(f *Facts) float64 { return float64(f.Overview.ClientsMax) }),
	now("client_memory_bytes", "Memory that is kept for clients.",
		func(f *Facts) float64 { return float64(f.Stats.ClientMemory) }),
	now("client_memory_max_bytes", "Maximum of client_memory_bytes; 0 without one.",
		func(f *Facts) float64 { return float64(f.Overview.ClientMemoryMax) }),
	now("clients_blocked", "Clients that wait in a blocking command or for the end of CLIENT PAUSE.",
		func(f *Facts) float64 { return float64(f.Stats.Blocked) }),
	now("sessions_blocked", "Clients whose next request waits, for whatever reason.",
		func(f *Facts) float64 { return float64(f.Stats.BlockedSessions) }),
	total("client_connections_accepted_total", "Clients that were accepted.",
		func(s *worker.Stats) uint64 { return s.ClientsOpened }),
	counter("client_connections_rejected_total", "Clients that were turned away: too many, or from the wrong network.",
		nil, func(f *Facts, put put) { put(float64(f.Rejected)) }),
	totals("client_connections_closed_total", "Clients that have left, by reason.", "reason",
		func(s *worker.Stats) []uint64 { return s.ClientsClosed[:] },
		func(i int) string { return session.CloseReason(i).String() }),
	counter("client_tls_handshakes_total", "TLS handshakes with clients, by result.", []string{"result"},
		func(f *Facts, put put) {
			put(float64(f.Handshakes), "done")
			put(float64(f.HandshakesFailed), "failed")
		}),
	total("client_received_bytes_total", "Bytes from clients.",
		func(s *worker.Stats) uint64 { return s.ClientInBytes }),
	total("client_sent_bytes_total", "Bytes to clients.", func(s *worker.Stats) uint64 { return s.ClientOutBytes }),
	now("clients_asked_notices", "Clients that asked for notices of maintenance.",
		func(f *Facts) float64 { return float64(f.Stats.AskedNotices) }),
	total("client_notices_sent_total", "Notices of maintenance that were sent to clients.",
		func(s *worker.Stats) uint64 { return s.Notified }),
	total("protocol_errors_total", "Clients that were closed for malformed input.",
		func(s *worker.Stats) uint64 { return s.ProtocolErrors }),
	total("auth_failures_total", "Wrong passwords of clients.", func(s *worker.Stats) uint64 { return s.WrongPasswords }),
}

var ofRequests = []metric[Facts]{
	totals("upstream_requests_total", "Requests that were sent to servers, by the kind of connection.", "connection",
		func(s *worker.Stats) []uint64 { return s.Requests[:] },
		func(i int) string { return upstream.Purpose(i).String() }),
	total("requests_local_total", "Requests that the gateway answered itself.",
		func(s *worker.Stats) uint64 { return s.Local }),
	total("requests_queued_total", "Commands that were queued for an EXEC.",
		func(s *worker.Stats) uint64 { return s.Queued }),
	total("requests_rejected_total", "Requests that the gateway rejected without sending anything.",
		func(s *worker.Stats) uint64 { return s.Refused }),
	total("requests_denied_total", "Requests that the rights of their users do not allow.",
		func(s *worker.Stats) uint64 { return s.Denied }),
	total("requests_rate_waited_total", "Requests that waited for the rate of their user or address.",
		func(s *worker.Stats) uint64 { return s.Rates.Waited }),
	total("requests_rate_refused_total", "Requests that were rejected for the rate of their user or address.",
		func(s *worker.Stats) uint64 { return s.Rates.Refused }),
	total("requests_retried_total", "Requests that were retried since their connection was lost.",
		func(s *worker.Stats) uint64 { return s.Retried }),
	total("requests_uncertain_total", "Writes that may or may not have been executed.",
		func(s *worker.Stats) uint64 { return s.Uncertain }),
	total("ack_rounds_total", "WAITs that were sent behind writes which replicas must confirm.",
		func(s *worker.Stats) uint64 { return s.AckRounds }),
	total("ack_rounds_writes_total", "Writes that these WAITs were to confirm.",
		func(s *worker.Stats) uint64 { return s.AckWrites }),
	total("requests_out_of_order_total", "Requests that could no longer be executed in order.",
		func(s *worker.Stats) uint64 { return s.OutOfOrder }),
	total("blocking_pops_retried_total", "Blocking pops that were retried, and may have lost an element.",
		func(s *worker.Stats) uint64 { return s.PopsRetried }),
	totals("server_rejections_total", "Requests that servers rejected and clients did not notice, by kind.", "kind",
		func(s *worker.Stats) []uint64 { return s.RefusedByServer[:] },
		func(i int) string { return retry.Kind(i).String() }),
	totals("session_blocks_total", "How often a client's next request had to wait, by reason.", "reason",
		func(s *worker.Stats) []uint64 { return s.BlockedFor[:] },
		func(i int) string { return wait.Reason(i).String() }),
}

var ofBuffers = []metric[Facts]{
	now("requests_buffered", "Requests that wait for a server that can take them.",
		func(f *Facts) float64 { return float64(f.Stats.Waiting) }),
	total("buffering_started_total", "How often a shard began to be buffered.",
		func(s *worker.Stats) uint64 { return s.Holds }),
	total("buffering_ended_total", "How often a shard ceased to be buffered.",
		func(s *worker.Stats) uint64 { return s.HoldsEnded }),
	total("requests_buffered_total", "Requests that had to wait for a server.",
		func(s *worker.Stats) uint64 { return s.Held }),
	counter("buffered_requests_total", "Requests that waited for a server, by outcome.", []string{"outcome"},
		func(f *Facts, put put) {
			put(float64(f.Stats.HoldReleased), sessions.Released.String())
			put(float64(f.Stats.HoldExpired), sessions.Expired.String())
			put(float64(f.Stats.HoldLeft), sessions.Left.String())
		}),
	counter("buffering_rejected_total", "Requests that were not buffered, by reason.", []string{"reason"},
		func(f *Facts, put put) {
			put(float64(f.Stats.HoldRefused), "timeout")
			put(float64(f.Stats.HoldOverfull), "buffer_full")
			put(float64(f.Stats.WouldHaveHeld), "dry_run")
		}),
	total("replies_withheld_total", "Replies to writes of demoted primaries that were withheld.",
		func(s *worker.Stats) uint64 { return s.Withheld }),
	total("replies_withheld_released_total", "Withheld replies that turned out to be true, and were passed on.",
		func(s *worker.Stats) uint64 { return s.WithheldReleased }),
	total("replicas_left_out_total", "How often a replica was left out of reads, since it answered slowly or with errors.",
		func(s *worker.Stats) uint64 { return s.ReplicasLeftOut }),
	total("reads_rerouted_total", "Reads that were moved off silent connections.",
		func(s *worker.Stats) uint64 { return s.ReadElsewhere }),
	total("hedged_reads_total", "Reads that were sent to a second replica, since the first was late.",
		func(s *worker.Stats) uint64 { return s.Hedges.Sent }),
	counter("hedges_total", "Reads that were late, by outcome: which replica answered first, or why only one was asked.",
		[]string{"outcome"},
		func(f *Facts, put put) {
			put(float64(f.Stats.Hedges.Won), "won")
			put(float64(f.Stats.Hedges.Lost), "lost")
			put(float64(f.Stats.Hedges.Denied), "denied")
			put(float64(f.Stats.Hedges.NoReplica), "no-replica")
		}),
	total("reads_retried_on_primary_total",
		"Reads that were retried since a replica may not have the key yet, or refused them.",
		func(s *worker.Stats) uint64 { return s.Suspected }),
}

var ofUpstream = []metric[Facts]{
	gauge("upstream_connections", "Connections to servers, by kind.", []string{"connection"},
		func(f *Facts, put put) {
			put(float64(f.Stats.Conns-f.Stats.Dedicated-f.Stats.SubscriptionConns), "shared")
			put(float64(f.Stats.Dedicated), "dedicated")
			put(float64(f.Stats.SubscriptionConns), "subscription")
		}),
	now("upstream_connections_silent", "Connections whose server owes a reply and sends nothing.",
		func(f *Facts) float64 { return float64(f.Stats.Silent) }),
	total("upstream_connections_silent_total", "How often a connection fell silent.",
		func(s *worker.Stats) uint64 { return s.ConnsSilent }),
	total("upstream_dials_total", "Attempts to connect to a server.", func(s *worker.Stats) uint64 { return s.Dials }),
	total("upstream_connections_opened_total", "Connections to servers that were opened.",
		func(s *worker.Stats) uint64 { return s.ConnsOpened }),
	totals("upstream_connections_lost_total", "Connections to servers that have ended, by reason.", "reason",
		func(s *worker.Stats) []uint64 { return s.ConnsLost[:] },
		func(i int) string { return upstream.LostReason(i).String() }),
	total("upstream_connections_killed_total", "Stale connections that were ended at a server.",
		func(s *worker.Stats) uint64 { return s.Fenced }),
	total("upstream_received_bytes_total", "Bytes from servers.",
		func(s *worker.Stats) uint64 { return s.UpstreamInBytes }),
	total("upstream_sent_bytes_total", "Bytes to servers.", func(s *worker.Stats) uint64 { return s.UpstreamOutBytes }),
}

var ofSubscribers = []metric[Facts]{
	now("subscribers", "Clients that listen to channels or patterns.",
		func(f *Facts) float64 { return float64(f.Stats.Subscribers) }),
	gauge("subscriptions", "What is subscribed to at servers, once for each worker.", []string{"kind"},
		func(f *Facts, put put) {
			put(float64(f.Stats.Topics[fanout.Channel]), "channel")
			put(float64(f.Stats.Topics[fanout.Pattern]), "pattern")
			put(float64(f.Stats.Topics[fanout.Shard]), "shard_channel")
		}),
	total("subscribe_commands_total", "Commands that subscribed clients.",
		func(s *worker.Stats) uint64 { return s.Subscriptions }),
	total("messages_received_total", "Messages from servers.", func(s *worker.Stats) uint64 { return s.Messages }),
	total("messages_delivered_total", "Messages to clients.", func(s *worker.Stats) uint64 { return s.Delivered }),
	total("subscription_pings_total", "Pings on connections with subscriptions.",
		func(s *worker.Stats) uint64 { return s.Pings }),
	total("subscription_gaps_total", "Times in which messages may have been missed.",
		func(s *worker.Stats) uint64 { return s.Gaps }),
	counter("subscription_gap_seconds_total", "Length of all times in which messages may have been missed.", nil,
		func(f *Facts, put put) { put(float64(f.Stats.GapMillis) / 1000) }),
}
