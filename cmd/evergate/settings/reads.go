package settings

import (
	"cmp"
	"strings"

	"evergate/gateway/config"
	"evergate/gateway/session"
)

func readsSetting() *Setting {
	choices := []string{string(config.ReadAuto), string(config.ReadPrimary), string(config.ReadPreferReplica),
		string(config.ReadReplica)}
	return &Setting{Name: "reads", Wants: strings.Join(choices, "|"), kind: pairs, Choices: choices,
		usage: "servers to send reads to; auto: prefer-replica, but primary while one evicts keys by LRU or LFU; " +
			"LISTEN=... for one listener",
		set: func(t target, texts []string) error {
			all, of, err := parseListeners(texts, asIs[config.ReadPolicy])
			t.service.Reads, t.service.ListenReads = cmp.Or(all, t.service.Reads), of
			return err
		},
		show: func(t target) string { return showListeners(t.service.Reads, t.service.ListenReads, asText) }}
}

// asText is a value as the settings have it.

// consistencySetting takes one word for the service, and LISTEN=WORD for single listeners.
func consistencySetting() *Setting {
	return &Setting{Name: "consistency", Wants: strings.Join(config.Consistencies, "|"), kind: pairs,
		Choices: config.Consistencies,
		usage: "how fresh a read must be that a replica serves (default gateway, with --reads replica eventual); " +
			"LISTEN=... for one listener",
		set: func(t target, texts []string) (err error) {
			all, of := &t.service.Consistency, &t.service.ListenConsistency
			*all, *of, err = parseListeners(texts, asIs[config.Consistency])
			return err
		},
		show: func(t target) string {
			return showListeners(t.service.Consistency, t.service.ListenConsistency, asText)
		}}
}

// maxLagSetting takes one lag for the service, and LISTEN=LAG for single listeners.
func maxLagSetting() *Setting {
	return &Setting{Name: "max-lag", Wants: "TIME|SIZE", kind: pairs,
		usage: "how far a replica may lag behind for --consistency bounded; LISTEN=... for one listener",
		set: func(t target, texts []string) (err error) {
			all, of := &t.service.MaxLag, &t.service.ListenMaxLag
			*all, *of, err = parseListeners(texts, parseLag)
			return err
		},
		show: func(t target) string { return showListeners(t.service.MaxLag, t.service.ListenMaxLag, showLag) }}
}

// parseLag reads a time such as 500ms, or a size such as 1mb, which ends in b.
func parseLag(text string) (lag session.Lag, err error) {
	if strings.HasSuffix(strings.ToLower(text), "b") {
		lag.Bytes, err = parseSize(text)
	} else {
		lag.Time, err = parseDuration(text)
	}
	return lag, err
}

func showLag(lag session.Lag) string {
	switch {
	case lag.Time > 0:
		return ShowDuration(lag.Time)
	case lag.Bytes > 0:
		return showSize(lag.Bytes)
	}
	return ""
}

func parseOwnLag(text string) (*session.Lag, error) {
	lag, err := parseLag(text)
	return &lag, err
}
