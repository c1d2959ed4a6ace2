package settings

import "time"

// Settings of the end of a gateway.
var (
	drainTimeoutSetting = durationSetting("drain-timeout",
		"how long SIGTERM waits for requests in flight before it closes connections",
		func(t target) *time.Duration { return &t.config.DrainTimeout })
	drainDelaySetting = durationSetting("drain-delay",
		"how long to serve as before after SIGTERM, reported as not ready, so that load balancers notice",
		func(t target) *time.Duration { return &t.config.DrainDelay })
)

func movingEndpointSetting() *Setting {
	return textSetting("moving-endpoint", "HOST:PORT",
		"address of another gateway, for clients that understand MOVING in a drain (default: the address they have)",
		func(t target) *string { return &t.service.MovingEndpoint })
}
