package config

// processRows are the settings of the process.
var processRows = []row[Gateway]{
	fixed("workers", func(c *Gateway) any { return &c.Workers }),
	live("max-clients", func(c *Gateway) any { return &c.Limits.ClientsMax }),
	live("max-clients-per-address", func(c *Gateway) any { return &c.Limits.ClientsPerAddress }),
	live("commands-per-second-per-address", func(c *Gateway) any { return &c.Limits.AddressRate.Commands }),
	live("bytes-per-second-per-address", func(c *Gateway) any { return &c.Limits.AddressRate.Bytes }),
	live("on-rate-limit", func(c *Gateway) any { return &c.Limits.AddressRate.Over }),
	live("proto-max-bulk-len", func(c *Gateway) any { return &c.Limits.BulkBytesMax }),
	live("client-query-buffer-limit", func(c *Gateway) any { return &c.Limits.QueryBytesMax }),
	live("client-output-buffer-limit", func(c *Gateway) any { return &c.Limits.OutputBytesMax },
		func(c *Gateway) any { return &c.Limits.OutputSoft }),
	live("pubsub-output-buffer-limit", func(c *Gateway) any { return &c.Limits.PushBytesMax },
		func(c *Gateway) any { return &c.Limits.PushSoft }),
	live("client-memory-max", func(c *Gateway) any { return &c.Limits.ClientMemoryMax }),
	live("hold-sessions-max", func(c *Gateway) any { return &c.Limits.HoldSessionsMax }),
	live("hold-bytes-max", func(c *Gateway) any { return &c.Limits.HoldBytesMax }),
	live("private-connections-max", func(c *Gateway) any { return &c.Limits.PrivateMax }),
	live("idle-timeout", func(c *Gateway) any { return &c.Limits.IdleMax }),
	live("auth-timeout", func(c *Gateway) any { return &c.Limits.AuthMax }),
	live("tls-handshake-timeout", func(c *Gateway) any { return &c.Limits.HandshakeMax }),
	fixed("dial-timeout", func(c *Gateway) any { return &c.DialTimeout }),
	fixed("refresh-interval", func(c *Gateway) any { return &c.RefreshInterval }),
	live("drain-timeout", func(c *Gateway) any { return &c.DrainTimeout }),
	live("drain-delay", func(c *Gateway) any { return &c.DrainDelay }),
	live("hot-keys", func(c *Gateway) any { return &c.HotKeys }),
	live("slowlog-log-slower-than", func(c *Gateway) any { return &c.SlowLogSlowerThan }),
	live("slowlog-max-len", func(c *Gateway) any { return &c.SlowLogMax }),
	fixed("admin", func(c *Gateway) any { return &c.Admin.Listen }),
	fixed("admin-hosts", func(c *Gateway) any { return &c.Admin.Hosts }),
	fixed("admin-password-file", func(c *Gateway) any { return &c.Admin.Password.File }),
	fixed("admin-password", func(c *Gateway) any { return &c.Admin.Password.Value }),
	fixed("admin-no-auth", func(c *Gateway) any { return &c.Admin.NoAuth }),
	live("admin-show-keys", func(c *Gateway) any { return &c.Admin.ShowKeys }),
	fixed("admin-pprof", func(c *Gateway) any { return &c.Admin.Pprof }),
	live("log-level", func(c *Gateway) any { return &c.LogLevel }),
	live("audit-log", func(c *Gateway) any { return &c.AuditLog }),
	live("log-format", func(c *Gateway) any { return &c.LogFormat }),
	live("log-file", func(c *Gateway) any { return &c.LogFile }),
}

// serviceRows are the settings of a service, without its name.
var serviceRows = []row[Service]{
	live("listen", func(s *Service) any { return &s.Listen }),
	live("facade", func(s *Service) any { return &s.Facade }, func(s *Service) any { return &s.ListenFacade }).
		unless(otherSubServices),
	live("announce", func(s *Service) any { return &s.Announce }, func(s *Service) any { return &s.ListenAnnounce }),
	live("moving-endpoint", func(s *Service) any { return &s.MovingEndpoint }),
	live("sentinel", func(s *Service) any { return &s.Sentinels }).unless(otherUpstream),
	live("master-name", func(s *Service) any { return &s.MasterName }).unless(otherUpstream),
	live("cluster", func(s *Service) any { return &s.Cluster }).unless(otherUpstream),
	live("primary", func(s *Service) any { return &s.Primary }).unless(otherUpstream),
	live("replica", func(s *Service) any { return &s.Replicas }).unless(otherUpstream),
	live("reads", func(s *Service) any { return &s.Reads }).unless(otherReplicaFacade),
	live("consistency", func(s *Service) any { return &s.Consistency },
		func(s *Service) any { return &s.ListenConsistency }),
	live("max-lag", func(s *Service) any { return &s.MaxLag }, func(s *Service) any { return &s.ListenMaxLag }),
	live("hold", func(s *Service) any { return &s.Hold }, func(s *Service) any { return &s.ListenHold }),
	live("acks", func(s *Service) any { return &s.Acks.Level }, func(s *Service) any { return &s.Acks.ListenLevel }),
	live("acks-timeout", func(s *Service) any { return &s.Acks.Timeout },
		func(s *Service) any { return &s.Acks.ListenTimeout }),
	live("silent-after", func(s *Service) any { return &s.SilentAfter }),
	live("blocking-lost", func(s *Service) any { return &s.BlockingLost }),
	live("confirm", func(s *Service) any { return &s.Confirm }),
	live("fence-minority", func(s *Service) any { return &s.FenceMinority }),
	live("on-gap", func(s *Service) any { return &s.OnGap }),
	live("allow", func(s *Service) any { return &s.Allow }),
	live("upstream-user", func(s *Service) any { return &s.Upstream.User }),
	live("upstream-password-file", func(s *Service) any { return &s.Upstream.Password.File }),
	live("upstream-password", func(s *Service) any { return &s.Upstream.Password.Value }),
	fixed("upstream-auth", func(s *Service) any { return &s.UpstreamAuth }),
	live("sentinel-user", func(s *Service) any { return &s.Sentinel.User }),
	live("sentinel-password-file", func(s *Service) any { return &s.Sentinel.Password.File }),
	live("sentinel-password", func(s *Service) any { return &s.Sentinel.Password.Value }),
	live("password-file", func(s *Service) any { return &s.Password.File }),
	live("password", func(s *Service) any { return &s.Password.Value }),
	live("facade-password-file", func(s *Service) any { return &s.FacadePassword.File }),
	live("facade-password", func(s *Service) any { return &s.FacadePassword.Value }),
	live("deny", func(s *Service) any { return &s.Access.Deny }),
	live("allow-only", func(s *Service) any { return &s.Access.AllowOnly }),
	live("users", func(s *Service) any { return &s.Access.Users }),
	live("users-file", func(s *Service) any { return &s.Access.UsersFile }),
	live("user-settings", func(s *Service) any { return &s.UserSettings }),
	live("no-auth", func(s *Service) any { return &s.NoAuth }),
	live("address-map", func(s *Service) any { return &s.AddressMap }),
	live("zone", func(s *Service) any { return &s.Zone }),
	live("zone-map", func(s *Service) any { return &s.ZoneMap }),
	live("tls-listen", func(s *Service) any { return &s.TLSListen }),
	live("tls-cert-file", func(s *Service) any { return &s.TLS.CertFiles }),
	live("tls-key-file", func(s *Service) any { return &s.TLS.KeyFiles }),
	live("tls-ca-file", func(s *Service) any { return &s.TLS.CAFile }),
	live("tls-auth-clients", func(s *Service) any { return &s.TLS.ClientAuth }),
	live("tls-protocols", func(s *Service) any { return &s.TLS.Protocols }),
	live("tls-ciphers", func(s *Service) any { return &s.TLS.Ciphers }),
	fixed("upstream-tls", func(s *Service) any { return &s.UpstreamTLS.Enabled },
		func(s *Service) any { return &s.UpstreamTLS.Protocols }, func(s *Service) any { return &s.UpstreamTLS.Ciphers }),
	live("upstream-tls-ca-file", func(s *Service) any { return &s.UpstreamTLS.CAFile }),
	live("upstream-tls-cert-file", func(s *Service) any { return &s.UpstreamTLS.CertFile }),
	live("upstream-tls-key-file", func(s *Service) any { return &s.UpstreamTLS.KeyFile }),
	live("upstream-tls-server-name", func(s *Service) any { return &s.UpstreamTLS.ServerName }),
	fixed("sentinel-tls", func(s *Service) any { return &s.SentinelTLS.Enabled },
		func(s *Service) any { return &s.SentinelTLS.Protocols }, func(s *Service) any { return &s.SentinelTLS.Ciphers }),
	fixed("sentinel-tls-ca-file", func(s *Service) any { return &s.SentinelTLS.CAFile }),
	fixed("sentinel-tls-cert-file", func(s *Service) any { return &s.SentinelTLS.CertFile }),
	fixed("sentinel-tls-key-file", func(s *Service) any { return &s.SentinelTLS.KeyFile }),
	fixed("sentinel-tls-server-name", func(s *Service) any { return &s.SentinelTLS.ServerName }),
	live("proxy-from", func(s *Service) any { return &s.Networks.ProxyFrom }),
	live("allow-networks", func(s *Service) any { return &s.Networks.Allow },
		func(s *Service) any { return &s.Networks.ListenAllow }),
}

// otherSubServices reports whether the facades of fresh need connections of their own that those of old do not.
func otherSubServices(old, fresh *Service) bool {
	ofReplica := func(s *Service) bool { return s.HasFacade(FacadeReplica) && s.Reads == ReadPrimary }
	return fresh.HasFacade(FacadeSentinel) && !old.HasFacade(FacadeSentinel) || ofReplica(fresh) && !ofReplica(old)
}

// otherReplicaFacade reports whether the clients of a replica facade need connections of their own in one of two
// services, and none in the other one.
func otherReplicaFacade(old, fresh *Service) bool {
	return old.HasFacade(FacadeReplica) && (old.Reads == ReadPrimary) != (fresh.Reads == ReadPrimary)
}

// otherUpstream reports whether two services have upstreams of different kinds.
func otherUpstream(old, fresh *Service) bool {
	return len(old.Sentinels) > 0 != (len(fresh.Sentinels) > 0) || len(old.Cluster) > 0 != (len(fresh.Cluster) > 0)
}
