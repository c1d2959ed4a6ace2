package settings

import (
	"strings"

	"evergate/gateway/config"
)

// upstreamAuthSetting chooses as whom requests reach the servers.
func upstreamAuthSetting() *Setting {
	choices := []string{string(config.AuthService), string(config.AuthPass)}
	s := numberSetting("upstream-auth", strings.Join(choices, "|"),
		"user of requests at the servers: the gateway's own, or the one as whom the client has authenticated",
		func(text string) (config.UpstreamAuth, error) { return config.UpstreamAuth(text), nil },
		func(value config.UpstreamAuth) string { return string(value) },
		func(t target) *config.UpstreamAuth { return &t.service.UpstreamAuth })
	s.Choices = choices
	return s
}
