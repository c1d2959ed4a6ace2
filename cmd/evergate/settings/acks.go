package settings

import (
	"time"

	"evergate/gateway/acks"
	"evergate/gateway/config"
)

// acksSetting takes one level for the service, and LISTEN=LEVEL for single listeners.
func acksSetting() *Setting {
	return &Setting{Name: "acks", Wants: "N|majority|all", kind: pairs, Choices: []string{"0", "1", "majority", "all"},
		usage: "how many replicas must confirm a write before its reply, or else it is UNCERTAIN; " +
			"LISTEN=... for one listener (default 0: none)",
		set: func(t target, texts []string) error {
			level, at, err := parseListeners(texts, acks.Parse)
			t.service.Acks.SetLevel(level, at)
			return err
		},
		show: func(t target) string {
			return showListeners(t.service.Acks.Level, t.service.Acks.ListenLevel, acks.Level.String)
		}}
}

func acksTimeoutSetting() *Setting {
	return &Setting{Name: "acks-timeout", Wants: "TIME", kind: pairs,
		usage: "how long a write waits for these replicas; LISTEN=... for one listener",
		set: func(t target, texts []string) error {
			timeout, at, err := parseListeners(texts, parseDuration)
			t.service.Acks.SetTimeout(timeout, at)
			return err
		},
		show: func(t target) string {
			return showListeners(t.service.Acks.Timeout, t.service.Acks.ListenTimeout, ShowDuration)
		}}
}

func parseOwnAcks(text string) (*acks.Level, error) {
	level, err := acks.Parse(text)
	return &level, err
}

// userAcks and userAcksTimeout are those of a user.
var (
	userAcks = userNumber("acks", parseOwnAcks,
		func(u *config.UserSettings) **acks.Level { return &u.Acks })
	userAcksTimeout = userNumber("acks-timeout", parseDuration,
		func(u *config.UserSettings) *time.Duration { return &u.AcksTimeout })
)
