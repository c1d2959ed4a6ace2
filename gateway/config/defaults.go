package config

import "time"

// DefaultListen is where a service without the setting listens.
const DefaultListen = "127.0.0.1:6379"

// Default is a Gateway without a service, and otherwise with all defaults.
func Default() Gateway {
	return Gateway{
		DrainTimeout:    10 * time.Second,
		DialTimeout:     2 * time.Second,
		RefreshInterval: 3 * time.Second,
		Limits:          DefaultLimits(),
		HotKeys:         On,

		SlowLogSlowerThan: 10_000, SlowLogMax: 128,

		LogLevel:  "info",
		LogFormat: "text",
	}
}

// DefaultLimits are Redis's own where Redis has them.
func DefaultLimits() Limits {
	return Limits{
		BulkBytesMax:    512 << 20,
		QueryBytesMax:   1 << 30,
		OutputBytesMax:  256 << 20,
		PushBytesMax:    32 << 20,
		ClientsMax:      10_000,
		HoldSessionsMax: 10_000,
		HoldBytesMax:    1 << 30,
		PrivateMax:      8_000,
		AuthMax:         60 * time.Second,
		SharedLimits: SharedLimits{PushSoft: SoftLimit{Bytes: 8 << 20, For: time.Minute},
			AddressRate: Rate{Over: RateWait}},
		HandshakeMax: 10 * time.Second,
	}
}

// DefaultService is a service that lacks only its upstream.
func DefaultService() Service {
	return Service{Name: "default", Listen: []string{DefaultListen}, Reads: ReadAuto,
		UpstreamAuth: AuthService, BlockingLost: BlockingAgain, Confirm: ConfirmProvisional, OnGap: GapStay,
		Acks: Acks{Timeout: AcksTimeoutDefault}}
}

// Filled replaces zero fields that mean "default" by their defaults, for Gateways written in Go. A service gets a name
// only if it is the only one; no listener is added.
func (c Gateway) Filled() Gateway {
	d := Default()
	fill(&c.DrainTimeout, d.DrainTimeout)
	fill(&c.DialTimeout, d.DialTimeout)
	fill(&c.RefreshInterval, d.RefreshInterval)
	fill(&c.HotKeys, d.HotKeys)
	fill(&c.LogLevel, d.LogLevel)
	fill(&c.LogFormat, d.LogFormat)
	fill(&c.Limits.BulkBytesMax, d.Limits.BulkBytesMax)
	fill(&c.Limits.QueryBytesMax, d.Limits.QueryBytesMax)
	fill(&c.Limits.OutputBytesMax, d.Limits.OutputBytesMax)
	fill(&c.Limits.PushBytesMax, d.Limits.PushBytesMax)
	fill(&c.Limits.ClientsMax, d.Limits.ClientsMax)
	fill(&c.Limits.HoldSessionsMax, d.Limits.HoldSessionsMax)
	fill(&c.Limits.HoldBytesMax, d.Limits.HoldBytesMax)
	fill(&c.Limits.PrivateMax, d.Limits.PrivateMax)
	fill(&c.Limits.AuthMax, d.Limits.AuthMax)
	fill(&c.Limits.HandshakeMax, d.Limits.HandshakeMax)
	fill(&c.Limits.AddressRate.Over, RateWait)
	c.Services = append([]Service(nil), c.Services...)
	for i := range c.Services {
		fill(&c.Services[i].Reads, ReadAuto)
		fill(&c.Services[i].UpstreamAuth, AuthService)
		fill(&c.Services[i].BlockingLost, BlockingAgain)
		fill(&c.Services[i].Confirm, ConfirmProvisional)
		fill(&c.Services[i].OnGap, GapStay)
		fill(&c.Services[i].Acks.Timeout, AcksTimeoutDefault)
	}
	if len(c.Services) == 1 {
		fill(&c.Services[0].Name, "default")
	}
	return c
}

func fill[T comparable](field *T, value T) {
	if zero := *new(T); *field == zero {
		*field = value
	}
}
