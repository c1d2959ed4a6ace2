package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Validate checks every setting and the relations between them, and reports all faults at once, as Faults. It opens no
// file and resolves no name. The Gateway must have its defaults (Default, Filled).
func (c Gateway) Validate() error {
	v := &validation{}
	v.process(c)
	v.admin(c)
	v.names(c.Services)
	for i := range c.Services {
		v.service = i
		v.upstream(&c.Services[i])
		v.failover(&c.Services[i])
		v.acks(&c.Services[i])
		v.consistency(&c.Services[i])
		v.hedge(&c.Services[i])
		v.zone(&c.Services[i])
		v.allow(&c.Services[i])
		v.credentials(&c.Services[i])
		v.access(&c.Services[i])
		v.upstreamAuth(&c.Services[i])
		v.listeners(&c.Services[i])
		v.tls(&c.Services[i])
		v.networks(&c.Services[i])
		v.moving(&c.Services[i])
		v.userSettings(&c.Services[i])
	}
	v.sharedListeners(c.Services)
	v.facades(c.Services)
	if len(v.faults) == 0 {
		return nil
	}
	return v.faults
}

// validation collects the faults; service is the one it checks.
type validation struct {
	service int
	faults  Faults
}

func (v *validation) fault(f Fault) {
	f.Service = v.service
	v.faults = append(v.faults, f)
}

func (v *validation) addf(setting, format string, args ...any) {
	v.fault(Fault{Setting: setting, Text: fmt.Sprintf(format, args...)})
}

func (v *validation) needs(setting, other, why string) {
	v.fault(Fault{Setting: setting, Other: other, Text: "needs " + other + ": " + why})
}

func (v *validation) oneOf(setting, given string, choices ...string) {
	if !slices.Contains(choices, given) {
		text := fmt.Sprintf("%q is not one of %s", given, strings.Join(choices, ", "))
		v.fault(Fault{Setting: setting, Given: given, Choices: choices, Text: text})
	}
}

func within[T cmp.Ordered](v *validation, setting string, value, least, most T) {
	if value < least || value > most {
		v.addf(setting, "%v is not between %v and %v", value, least, most)
	}
}

// The bounds of the settings. A size below 16 KiB could not hold an ordinary command; a duration above a week or a size
// above 1 TiB is a wrong unit.
const (
	sizeMin, sizeMax   int64 = 16 << 10, 1 << 40
	workersMax               = 1024
	clientsMax               = 1_000_000
	longest                  = 7 * 24 * time.Hour
	dialTimeoutMin           = 10 * time.Millisecond
	refreshIntervalMin       = 100 * time.Millisecond
	silentAfterMin           = 10 * time.Millisecond
	nameBytesMax             = 128
)

// SlowLogSlowest is an hour in microseconds, SlowLogMost bounds the memory of the slow log of a service to 500 MB.
const (
	SlowLogSlowest = 3_600_000_000
	SlowLogMost    = 100_000
)

func (v *validation) process(c Gateway) {
	v.service = -1
	within(v, "workers", c.Workers, 0, workersMax)
	within(v, "drain-timeout", c.DrainTimeout, time.Millisecond, longest)
	within(v, "drain-delay", c.DrainDelay, 0, longest)
	within(v, "dial-timeout", c.DialTimeout, dialTimeoutMin, longest)
	within(v, "refresh-interval", c.RefreshInterval, refreshIntervalMin, longest)
	v.oneOf("hot-keys", c.HotKeys, On, Off)
	within(v, "slowlog-log-slower-than", c.SlowLogSlowerThan, -1, SlowLogSlowest)
	within(v, "slowlog-max-len", c.SlowLogMax, 0, SlowLogMost)
	v.oneOf("log-level", c.LogLevel, "trace", "debug", "info", "warn", "error")
	v.oneOf("log-format", c.LogFormat, "text", "json")

	l := c.Limits
	within(v, "max-clients", l.ClientsMax, 1, clientsMax)
	within(v, "max-clients-per-address", l.ClientsPerAddress, 0, clientsMax)
	v.rate("-per-address", l.AddressRate)
	within(v, "hold-sessions-max", l.HoldSessionsMax, 1, clientsMax)
	within(v, "private-connections-max", l.PrivateMax, 1, clientsMax)
	within(v, "idle-timeout", l.IdleMax, 0, longest)
	within(v, "auth-timeout", l.AuthMax, time.Millisecond, longest)
	within(v, "tls-handshake-timeout", l.HandshakeMax, time.Millisecond, longest)
	v.size("proto-max-bulk-len", l.BulkBytesMax)
	v.size("client-query-buffer-limit", l.QueryBytesMax)
	v.size("client-output-buffer-limit", l.OutputBytesMax)
	v.size("pubsub-output-buffer-limit", l.PushBytesMax)
	v.size("hold-bytes-max", l.HoldBytesMax)
	v.soft("client-output-buffer-limit", l.OutputSoft)
	v.soft("pubsub-output-buffer-limit", l.PushSoft)
	if l.ClientMemoryMax > 0 {
		v.size("client-memory-max", l.ClientMemoryMax)
	}

	if l.PrivateMax > 0 && l.PrivateMax < c.Workers {
		v.fault(Fault{Setting: "private-connections-max", Other: "workers",
			Text: "is less than workers: each of them needs one"})
	}
	if l.BulkBytesMax > l.QueryBytesMax {
		v.fault(Fault{Setting: "proto-max-bulk-len", Other: "client-query-buffer-limit",
			Text: "is more than client-query-buffer-limit: such an argument could never be received"})
	}
}

func (v *validation) size(setting string, value int64) {
	if value < sizeMin || value > sizeMax {
		v.addf(setting, "%d bytes is not between 16kb and 1024gb", value)
	}
}

func (v *validation) soft(setting string, l SoftLimit) {
	if l.Bytes != 0 {
		v.size(setting, l.Bytes)
		within(v, setting, l.For, time.Millisecond, longest)
	}
}

func (v *validation) names(services []Service) {
	if len(services) == 0 {
		v.addf("services", "has no service")
	}
	seen := map[string]int{}
	for i, s := range services {
		v.service = i
		switch first, twice := seen[s.Name]; {
		case s.Name == "":
			v.addf("name", "is missing: logs and INFO identify services by it")
		case len(s.Name) > nameBytesMax || strings.ContainsFunc(s.Name, notInName):
			v.addf("name", "%q is not up to %d letters, digits, '.', '_' and '-'", s.Name, nameBytesMax)
		case twice:
			v.addf("name", "%q is already the name of service %d", s.Name, first+1)
		}
		seen[s.Name] = i
	}
}

func notInName(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !letter && !('0' <= r && r <= '9') && r != '.' && r != '_' && r != '-'
}

func (v *validation) upstream(s *Service) {
	kinds := []string{}
	for _, kind := range []struct {
		setting string
		given   bool
	}{{"sentinel", len(s.Sentinels) > 0}, {"cluster", len(s.Cluster) > 0}, {"primary", s.Primary != ""}} {
		if kind.given {
			kinds = append(kinds, kind.setting)
		}
	}
	if len(kinds) == 0 {
		v.addf("upstream", "is missing: set sentinel with master-name, cluster, or primary")
	}
	for i := 1; i < len(kinds); i++ {
		v.fault(Fault{Setting: kinds[i], Other: kinds[0],
			Text: fmt.Sprintf("conflicts with %s: a service has one upstream", kinds[0])})
	}
	hasSentinels := len(s.Sentinels) > 0
	switch {
	case hasSentinels && s.MasterName == "":
		v.needs("sentinel", "master-name", "the name of the primary in the configuration of the Sentinels")
	case !hasSentinels && s.MasterName != "":
		v.needs("master-name", "sentinel", "only Sentinels know a primary by name")
	}
	if len(s.Replicas) > 0 && s.Primary == "" {
		v.needs("replica", "primary", "Sentinels and clusters report their replicas")
	}
	v.reads(s)
	v.nodes("sentinel", s.Sentinels)
	v.nodes("cluster", s.Cluster)
	if s.Primary != "" {
		v.nodes("primary", []string{s.Primary})
	}
	v.nodes("replica", s.Replicas)
	if slices.Contains(s.Replicas, s.Primary) {
		v.fault(Fault{Setting: "replica", Item: s.Primary, Other: "primary", Text: "is the primary itself"})
	}
	v.addressMap(s.AddressMap)
}

// failover checks the settings for a shard without a primary.
func (v *validation) failover(s *Service) {
	v.hold("", s.Hold)
	for _, listen := range slices.Sorted(maps.Keys(s.ListenHold)) {
		if !slices.Contains(s.Listeners(), listen) {
			v.noListener("hold", listen)
		}
		v.hold(listen, s.ListenHold[listen])
	}
	if s.SilentAfter != 0 {
		within(v, "silent-after", s.SilentAfter, silentAfterMin, longest)
	}
	v.oneOf("on-gap", string(s.OnGap), string(GapStay), string(GapClose))
	v.oneOf("blocking-lost", string(s.BlockingLost), string(BlockingAgain), string(BlockingClose), string(BlockingError))
	v.oneOf("confirm", string(s.Confirm), string(ConfirmProvisional), string(ConfirmMajority))
	if s.Confirm == ConfirmMajority && len(s.Sentinels) == 0 {
		v.needs("confirm", "sentinel", "only Sentinels have a majority to wait for")
	}
	if s.FenceMinority && len(s.Sentinels) == 0 {
		v.needs("fence-minority", "sentinel", "only Sentinels have a majority to lose")
	}
}

func (v *validation) hold(listen string, h Hold) {
	if h.Mode == HoldFor && (h.Window < time.Millisecond || h.Window > longest) {
		v.fault(Fault{Setting: "hold", Item: listen, Text: fmt.Sprintf("%v is not between %v and %v", h.Window,
			time.Millisecond, longest)})
	}
}

func (v *validation) nodes(setting string, addresses []string) {
	for i, address := range addresses {
		if _, _, err := splitHostPort(address, 1); err != nil {
			v.fault(Fault{Setting: setting, Item: address, Text: quoted(address) + " " + err.Error()})
		} else if slices.Contains(addresses[:i], address) {
			v.fault(Fault{Setting: setting, Item: address, Text: quoted(address) + " is listed twice"})
		}
	}
}

// addressMap checks both sides of every rule. A side without a port stands for every port.
func (v *validation) addressMap(rewrites map[string]string) {
	for _, from := range slices.Sorted(maps.Keys(rewrites)) {
		for _, side := range []string{from, rewrites[from]} {
			if err := checkHostMaybePort(side); err != nil {
				v.fault(Fault{Setting: "address-map", Item: from, Text: quoted(side) + " " + err.Error()})
			}
		}
	}
}

func checkHostMaybePort(address string) error {
	if address == "" {
		return fmt.Errorf("is empty; use FROM=TO")
	}
	if ip, err := netip.ParseAddr(address); err == nil && ip.IsValid() {
		return nil
	}
	if !strings.Contains(address, ":") {
		return checkHost(address)
	}
	_, _, err := splitHostPort(address, 1)
	return err
}

func (v *validation) credentials(s *Service) {
	for _, c := range []struct {
		user, setting string
		credentials   Credentials
	}{
		{"upstream-user", "upstream-password", s.Upstream},
		{"sentinel-user", "sentinel-password", s.Sentinel},
		{"", "password", Credentials{Password: s.Password}},
	} {
		if c.credentials.Password.File != "" && c.credentials.Password.Value != "" {
			v.fault(Fault{Setting: c.setting + "-file", Other: c.setting,
				Text: "conflicts with " + c.setting + ": set only one"})
		}
		if c.credentials.User != "" && c.credentials.Password.IsZero() {
			v.needs(c.user, c.setting+"-file", "the password of that user")
		}
		if strings.ContainsFunc(c.credentials.User, func(r rune) bool { return r <= ' ' }) {
			v.addf(c.user, "contains a space, which no ACL user has")
		}
	}
	if len(s.Sentinels) == 0 && s.Sentinel != (Credentials{}) {
		setting := "sentinel-password-file"
		if s.Sentinel.User != "" {
			setting = "sentinel-user"
		} else if s.Sentinel.Password.Value != "" {
			setting = "sentinel-password"
		}
		v.needs(setting, "sentinel", "no Sentinel is set")
	}
	if s.NoAuth && !s.Password.IsZero() {
		v.fault(Fault{Setting: "no-auth", Other: passwordSetting(s.Password),
			Text: "conflicts with a password for clients: set only one"})
	}
}

func passwordSetting(s Secret) string {
	if s.Value != "" {
		return "password"
	}
	return "password-file"
}

func (v *validation) listeners(s *Service) {
	all := s.Listeners()
	if len(all) == 0 {
		v.addf("listen", "is missing: an address to accept clients on")
	}
	for i, listen := range all {
		network, _, err := SplitListen(listen)
		if err == nil && s.IsTLS(i) && network == "unix" {
			err = errors.New("is a unix socket, which needs no TLS; use listen")
		}
		if err != nil {
			v.fault(Fault{Setting: s.listenSetting(i), Item: listen, Text: quoted(listen) + " " + err.Error()})
			continue
		}
		// A Sentinel facade serves no data: it reports addresses that are no secret, and many clients cannot send it a
		// password. A client certificate is as good as a password.
		open := s.Password.IsZero() && !s.Access.Defined() && !s.NoAuth && !s.Passes()
		if s.IsTLS(i) && s.RequiresCertificates() {
			open = false
		}
		if open && !isLocal(listen) && s.FacadeAt(listen) != FacadeSentinel {
			v.fault(Fault{Setting: s.listenSetting(i), Item: listen, Text: quoted(listen) + " is reachable from other " +
				"machines: set password-file, users or users-file, or no-auth to accept clients without a password"})
		}
	}
}

// sharedListeners finds two listeners that exclude each other, within a service or across two.
func (v *validation) sharedListeners(services []Service) {
	type owned struct {
		service int
		listen  string
	}
	before := []owned{}
	for i, s := range services {
		v.service = i
		for k, listen := range s.Listeners() {
			for _, other := range before {
				if !overlap(other.listen, listen) {
					continue
				}
				text := quoted(listen) + " overlaps with " + quoted(other.listen)
				if other.listen == listen {
					text = quoted(listen) + " is listed twice"
				}
				if other.service != i {
					text += fmt.Sprintf("; service %q listens there", services[other.service].Name)
				}
				v.fault(Fault{Setting: s.listenSetting(k), Item: listen, Text: text})
				break
			}
			before = append(before, owned{i, listen})
		}
	}
}
