package metrics

import (
	"evergate/gateway/api"
	"evergate/gateway/freshness"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
)

// Every metric of a service has the label service in front.
func ofService(name, help string, field func(s *Service) float64) metric[Service] {
	return gauge(name, help, []string{"service"}, func(s *Service, put put) { put(field(s)) })
}

func serviceLabels(more ...string) []string { return append([]string{"service"}, more...) }

// ofNode is a number of each node.
func ofNode(name, help string, field func(n *api.Node) float64) metric[Service] {
	return gauge(name, help, serviceLabels("node"), func(s *Service, put put) {
		for i := range s.Nodes {
			put(field(&s.Nodes[i]), s.Nodes[i].Addr)
		}
	})
}

// counted calls yield for each node with the connections that there were.
func (s *Service) counted(yield func(node string, c *upstream.ConnCounts)) {
	for i := range s.Nodes {
		at := s.ByNode[s.Nodes[i].Addr]
		yield(s.Nodes[i].Addr, &at.Counted)
	}
}

var serviceMetrics = []metric[Service]{
	ofService("service_clients", "Clients of the service.", func(s *Service) float64 {
		return float64(s.Counters.Clients)
	}),
	ofService("service_requests_buffered", "Requests of the service that wait for a server.",
		func(s *Service) float64 { return float64(s.Counters.BufferedNow) }),
	ofService("service_steady", "Whether each shard has a primary, and no failover is under way.",
		func(s *Service) float64 { return truth(s.Steady) }),
	ofService("topology_epoch", "Number of the view of the service; 0 while there is none.",
		func(s *Service) float64 { return float64(s.Epoch) }),
	ofService("cluster_slots_unserved", "Slots of a cluster that no shard serves.",
		func(s *Service) float64 { return float64(s.Unserved) }),
	gauge("shard_up", "Whether the shard has a primary.", serviceLabels("shard"), func(s *Service, put put) {
		for i := range s.Shards {
			put(truth(s.Shards[i].Primary != ""), s.Shards[i].Name)
		}
	}),
	gauge("shard_fenced", "Whether writes are stopped by --fence-minority.", serviceLabels("shard"),
		func(s *Service, put put) {
			for i := range s.Shards {
				put(truth(s.Shards[i].Fence != ""), s.Shards[i].Name)
			}
		}),
	gauge("shard_condition", "Condition of the shard: 1 for the one that holds.", serviceLabels("shard", "condition"),
		func(s *Service, put put) {
			for i := range s.Shards {
				for _, c := range []string{api.Steady, api.Suspect, api.Switching, api.Orphan} {
					put(truth(s.Shards[i].Condition == c), s.Shards[i].Name, c)
				}
			}
		}),
	gauge("shard_replicas", "Replicas of the shard, by whether they may serve reads.", serviceLabels("shard", "state"),
		func(s *Service, put put) {
			for i := range s.Shards {
				put(float64(len(s.Shards[i].Replicas)), s.Shards[i].Name, "usable")
				put(float64(len(s.Shards[i].Unused)), s.Shards[i].Name, "excluded")
			}
		}),
	gauge("node_info", "Role and zone of a server; always 1.", serviceLabels("node", "shard", "role", "version", "zone"),
		func(s *Service, put put) {
			for i := range s.Nodes {
				n := &s.Nodes[i]
				put(1, n.Addr, n.Shard, n.Role, n.Version, n.Zone)
			}
		}),
	ofNode("node_up", "Whether the server answers.", func(n *api.Node) float64 { return truth(n.Reachable) }),
	ofNode("node_connections", "Connections to the server.",
		func(n *api.Node) float64 { return float64(n.Connections) }),
	ofNode("node_requests_in_flight", "Requests that the server has not answered.",
		func(n *api.Node) float64 { return float64(n.InFlight) }),
	counter("node_connections_opened_total", "Connections to the server that were opened.", serviceLabels("node"),
		func(s *Service, put put) {
			s.counted(func(node string, c *upstream.ConnCounts) { put(float64(c.Opened), node) })
		}),
	counter("node_connections_lost_total",
		"Connections to the server that have ended, or could not be opened, by reason.", serviceLabels("node", "reason"),
		func(s *Service, put put) {
			s.counted(func(node string, c *upstream.ConnCounts) {
				for why, n := range c.Lost {
					put(float64(n), node, upstream.LostReason(why).String())
				}
			})
		}),
	counter("node_connections_silent_total", "How often a connection to the server fell silent.", serviceLabels("node"),
		func(s *Service, put put) {
			s.counted(func(node string, c *upstream.ConnCounts) { put(float64(c.Silent), node) })
		}),
	counter("node_requests_total", "Requests that the server has answered.", serviceLabels("node"),
		func(s *Service, put put) {
			for i := range s.Nodes {
				put(float64(s.Nodes[i].Requests), s.Nodes[i].Addr)
			}
		}),
	gauge("node_replication_lag_bytes", "How far the replication offset is behind that of the primary.",
		serviceLabels("node"), func(s *Service, put put) {
			for i := range s.Nodes {
				if lag := s.Nodes[i].LagBytes; lag != nil {
					put(float64(*lag), s.Nodes[i].Addr)
				}
			}
		}),
	gauge("node_polls_behind", "Polls of the shard that the replica was last not seen to have reached, if any is proven.",
		serviceLabels("node"), func(s *Service, put put) {
			for i := range s.Nodes {
				if polls := s.Nodes[i].PollsBehind; polls != nil {
					put(float64(*polls), s.Nodes[i].Addr)
				}
			}
		}),
	gauge("node_replication_lag_seconds",
		"How much older the poll that the replica had reached was than the last one.",
		serviceLabels("node"), func(s *Service, put put) {
			for i := range s.Nodes {
				if ms := s.Nodes[i].Lag; ms != nil {
					put(*ms/1000, s.Nodes[i].Addr)
				}
			}
		}),
	gauge("node_proven", "Whether it is known which writes the replica has.",
		serviceLabels("node"), func(s *Service, put put) {
			for i := range s.Nodes {
				if n := &s.Nodes[i]; n.Role == api.RoleReplica {
					put(truth(n.PollsBehind != nil), n.Addr)
				}
			}
		}),
	gauge("node_left_out", "Whether the replica gets no reads, since it answered slowly or with errors.",
		serviceLabels("node"), func(s *Service, put put) {
			for i := range s.Nodes {
				if n := &s.Nodes[i]; n.Role == api.RoleReplica {
					put(truth(n.LeftOut), n.Addr)
				}
			}
		}),
	counter("reads_on_replicas_total", "Reads that were sent to replicas.", serviceLabels(),
		func(s *Service, put put) { put(float64(s.Open.Requests[upstream.Replica])) }),
	counter("reads_on_primary_total", "Reads of clients with reads on replicas that went to a primary, by reason.",
		serviceLabels("reason"), func(s *Service, put put) {
			for why, n := range s.Open.OnPrimary {
				put(float64(n), freshness.OnPrimary(why).String())
			}
		}),
	counter("service_hedges_total",
		"Reads of the service that were late, by outcome: sent to a second replica, which of the two answered first, or "+
			"why only one was asked.",
		serviceLabels("outcome"), func(s *Service, put put) {
			put(float64(s.Open.Hedges.Sent), "sent")
			put(float64(s.Open.Hedges.Won), "won")
			put(float64(s.Open.Hedges.Lost), "lost")
			put(float64(s.Open.Hedges.Denied), "denied")
			put(float64(s.Open.Hedges.NoReplica), "no-replica")
		}),
	counter("ack_writes_total", "Writes that replicas were to confirm, by outcome.", serviceLabels("outcome"),
		func(s *Service, put put) {
			put(float64(s.Open.Acks.Confirmed), "confirmed")
			put(float64(s.Open.Acks.Unconfirmed), "unconfirmed")
			put(float64(s.Open.Acks.Lacking), "rejected")
		}),
	counter("offset_polls_total", "How often a primary was asked for its replication offset, for reads from replicas.",
		serviceLabels(), func(s *Service, put put) { put(float64(s.Polls)) }),
	gauge("sentinel_up", "Whether the Sentinel answers.", serviceLabels("sentinel"), func(s *Service, put put) {
		for i := range s.Sentinels {
			put(truth(s.Sentinels[i].Reachable), s.Sentinels[i].Addr)
		}
	}),
	counter("service_requests_total", "Requests of the service that were sent to servers or answered by the gateway.",
		serviceLabels(), func(s *Service, put put) { put(float64(s.Counters.Requests)) }),
	counter("service_errors_total", "Error replies to clients of the service, and errors within EXEC's, by prefix.",
		serviceLabels("prefix"), func(s *Service, put put) {
			for p, n := range s.Open.Errors {
				put(float64(n), sessions.ErrorPrefix(p).String())
			}
		}),
	counter("service_requests_uncertain_total", "Writes of the service that may or may not have been executed.",
		serviceLabels(), func(s *Service, put put) { put(float64(s.Counters.Uncertain)) }),
	counter("service_buffered_requests_total", "Requests of the service that waited for a server, by outcome.",
		serviceLabels("outcome"), func(s *Service, put put) {
			put(float64(s.Counters.Resumed), sessions.Released.String())
			put(float64(s.Counters.TimedOut), sessions.Expired.String())
			put(float64(s.Counters.Abandoned), sessions.Left.String())
		}),
	counter("service_buffering_started_total", "How often a shard of the service began to be buffered.", serviceLabels(),
		func(s *Service, put put) { put(float64(s.Open.Holds)) }),
	counter("service_buffering_rejected_total", "Requests of the service that were not buffered, by reason.",
		serviceLabels("reason"), func(s *Service, put put) {
			put(float64(s.Open.HoldRefused), "timeout")
			put(float64(s.Open.HoldOverfull), "buffer_full")
		}),
	counter("failovers_started_total", "Failovers that began.", serviceLabels(),
		func(s *Service, put put) { put(float64(s.Counters.Failovers)) }),
	counter("failovers_total", "Failovers that ended, by whether another node is primary.", serviceLabels("outcome"),
		func(s *Service, put put) {
			put(float64(s.Counters.Switched), api.OutcomeSwitched)
			put(float64(s.Counters.Kept), api.OutcomeKept)
		}),
}
