package gateway

import "time"

// DefaultListen is where a service listens that says nothing else.
const DefaultListen = "127.0.0.1:6379"

// DefaultConfig is a Config without a service, all else at its default.
func DefaultConfig() Config {
	return Config{
		DrainTimeout:    10 * time.Second,
		DialTimeout:     2 * time.Second,
		RefreshInterval: 3 * time.Second,
		Limits:          DefaultLimits(),
		LogLevel:        "info",
		LogFormat:       "text",
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
	}
}

// DefaultService is a service that still lacks its upstream.
func DefaultService() Service {
	return Service{Name: "default", Listen: []string{DefaultListen}, Reads: ReadPrimary,
		BlockingLost: BlockingAgain, Confirm: ConfirmProvisional, OnGap: GapStay}
}

// Filled is the Config with its default in every zero field that means "default", for Configs written in Go. A service
// gets a name only where it is alone; no listener is invented.
func (c Config) Filled() Config {
	d := DefaultConfig()
	fill(&c.DrainTimeout, d.DrainTimeout)
	fill(&c.DialTimeout, d.DialTimeout)
	fill(&c.RefreshInterval, d.RefreshInterval)
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
	c.Services = append([]Service(nil), c.Services...)
	for i := range c.Services {
		fill(&c.Services[i].Reads, ReadPrimary)
		fill(&c.Services[i].BlockingLost, BlockingAgain)
		fill(&c.Services[i].Confirm, ConfirmProvisional)
		fill(&c.Services[i].OnGap, GapStay)
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
