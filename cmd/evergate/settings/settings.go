// Package settings reads what a gateway is to do from flags, EVERGATE_* variables and a file, and knows where each
// value comes from. Resolve returns the config.Gateway, or all Mistakes at once; AddFlags defines the flags. A new
// setting is an entry of serviceSettings or processSettings.
package settings

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/config"
)

// target is where a setting is stored: in the config, or in one of its services.
type target struct {
	config  *config.Gateway
	service *config.Service
}

// kind is the form of a setting's value in a file.
type kind int

const (
	// word is one text, number, size or duration.
	word kind = iota
	// list is one word or a sequence of them; commas separate them in flags and variables.
	list
	// pairs is a mapping or FROM=TO words.
	pairs
	// tables is a mapping of names, each with settings of its own; see joinEntry.
	tables
	// lines is a sequence of texts, each whole.
	lines
	// toggle is true or false; its flag alone means true.
	toggle
)

// Setting is a flag (--name), a variable (EVERGATE_NAME) and a key in the file, all of the same name.
type Setting struct {
	Name string
	// Wants is the placeholder of the value in the help; usage is the sentence beside it.
	Wants, usage string
	kind         kind
	// process settings are allowed at the top level of the file only; all others describe one service.
	process bool
	// secret: the value may be a password, and is ignored if the name had to be guessed.
	secret bool
	// EnvOnly keeps a password off the command line and out of the file; FileOnly settings exist in the file only.
	EnvOnly  bool
	FileOnly bool
	// Choices are offered by shell completion; config.Gateway.Validate enforces them.
	Choices []string
	// Renamed maps deprecated values to their successors: they are accepted with a warning, and absent from the help.
	Renamed map[string]string
	set     func(t target, texts []string) error
	// show returns the value as a person would write it; empty: not set.
	show func(t target) string
}

// env returns the name of the variable.
func (s *Setting) env() string { return envName(s.Name) }

const envPrefix = "EVERGATE_"

// Find returns nil for an unknown name.
func Find(name string) *Setting {
	for _, s := range All {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// All holds every setting, in the order in which help and check show them.
var All = slices.Concat(serviceSettings, processSettings)

var serviceSettings = slices.Concat([]*Setting{
	listSetting("listen", "HOST:PORT,...", "addresses to accept clients on: HOST:PORT, [IPv6]:PORT or unix:/path",
		func(t target) *[]string { return &t.service.Listen }),
	facadeSetting(),
	announceSetting(),
	movingEndpointSetting(),
	listSetting("sentinel", "HOST:PORT,...",
		"Sentinels that monitor the primary, others are discovered; needs --master-name",
		func(t target) *[]string { return &t.service.Sentinels }),
	textSetting("master-name", "NAME", "name of the primary in the configuration of the Sentinels",
		func(t target) *string { return &t.service.MasterName }),
	listSetting("cluster", "HOST:PORT,...", "nodes of a Redis Cluster, others are discovered",
		func(t target) *[]string { return &t.service.Cluster }),
	textSetting("primary", "HOST:PORT", "primary of servers without Sentinels and cluster",
		func(t target) *string { return &t.service.Primary }),
	listSetting("replica", "HOST:PORT,...", "replicas of that primary (default: those that it reports)",
		func(t target) *[]string { return &t.service.Replicas }),
	readsSetting(),
	consistencySetting(),
	maxLagSetting(),
	hedgeSetting(),
	holdSetting(),
	acksSetting(),
	acksTimeoutSetting(),
	silentAfterSetting(),
	blockingLostSetting(),
	confirmSetting(),
	switchSetting("fence-minority",
		"stop writes while a minority of the Sentinels is reachable and the primary has no replica",
		func(t target) *bool { return &t.service.FenceMinority }),
	gapSetting(),
	listSetting("allow", "COMMAND,...", "dangerous commands to permit, which are rejected otherwise",
		func(t target) *[]string { return &t.service.Allow }),
	textSetting("upstream-user", "NAME", "ACL user at the servers",
		func(t target) *string { return &t.service.Upstream.User }),
	fileSetting("upstream-password-file", "file with the password for the servers, read again for each connection",
		func(t target) *config.Secret { return &t.service.Upstream.Password }),
	valueSetting("upstream-password", func(t target) *config.Secret { return &t.service.Upstream.Password }),
	upstreamAuthSetting(),
	textSetting("sentinel-user", "NAME", "ACL user at the Sentinels",
		func(t target) *string { return &t.service.Sentinel.User }),
	fileSetting("sentinel-password-file", "file with the password for the Sentinels, read again for each connection",
		func(t target) *config.Secret { return &t.service.Sentinel.Password }),
	valueSetting("sentinel-password", func(t target) *config.Secret { return &t.service.Sentinel.Password }),
	fileSetting("password-file", "file with the password that clients must authenticate with, read every second",
		func(t target) *config.Secret { return &t.service.Password }),
	valueSetting("password", func(t target) *config.Secret { return &t.service.Password }),
	fileSetting("facade-password-file",
		"file with the password for clients of a Sentinel facade, read every second",
		func(t target) *config.Secret { return &t.service.FacadePassword }),
	valueSetting("facade-password", func(t target) *config.Secret { return &t.service.FacadePassword }),
	listSetting("deny", "COMMAND,...",
		"commands that no client may execute: names, categories (@write) or dangerous; LISTEN=... for one listener",
		func(t target) *[]string { return &t.service.Access.Deny }),
	listSetting("allow-only", "COMMAND,...",
		"the only commands that clients may execute (default: all); LISTEN=... for one listener, in place of these",
		func(t target) *[]string { return &t.service.Access.AllowOnly }),
	usersSetting(),
	usersFileSetting(),
	userSettings(),
	switchSetting("no-auth", "accept clients from other machines without a password",
		func(t target) *bool { return &t.service.NoAuth }),
	mapSetting("address-map", "FROM=TO,...", "connect to TO when the topology reports FROM; HOST or HOST:PORT",
		func(t target) *map[string]string { return &t.service.AddressMap }),
}, zoneSettings, tlsSettings, networkSettings)

var processSettings = ofProcess(
	numberSetting("workers", "N", "event loops (default 0: one per core)", parseCount, strconv.Itoa,
		func(t target) *int { return &t.config.Workers }),
	numberSetting("max-clients", "N", "maximum number of clients; reject further connections", parseCount, strconv.Itoa,
		func(t target) *int { return &t.config.Limits.ClientsMax }),
	clientsPerAddressSetting(),
	commandsPerAddressSetting(),
	bytesPerAddressSetting(),
	onRateLimitSetting(),
	sizeSetting("proto-max-bulk-len", "maximum length of an argument; close a client that exceeds it",
		func(t target) *int64 { return &t.config.Limits.BulkBytesMax }),
	sizeSetting("client-query-buffer-limit", "maximum pending input of a client; close a client that exceeds it",
		func(t target) *int64 { return &t.config.Limits.QueryBytesMax }),
	outputSetting("client-output-buffer-limit",
		"maximum pending replies of a client, SOFT for at most TIME; close a client that exceeds it",
		func(t target) (*int64, *config.SoftLimit) {
			return &t.config.Limits.OutputBytesMax, &t.config.Limits.OutputSoft
		}),
	outputSetting("pubsub-output-buffer-limit",
		"maximum pending output when a message arrives, SOFT for at most TIME; close a subscriber that exceeds it",
		func(t target) (*int64, *config.SoftLimit) {
			return &t.config.Limits.PushBytesMax, &t.config.Limits.PushSoft
		}),
	clientMemorySetting(),
	numberSetting("hold-sessions-max", "N",
		"maximum number of clients waiting for a primary; fail further requests with -LOADING", parseCount, strconv.Itoa,
		func(t target) *int { return &t.config.Limits.HoldSessionsMax }),
	sizeSetting("hold-bytes-max", "maximum pending input of those clients; fail further requests with -LOADING",
		func(t target) *int64 { return &t.config.Limits.HoldBytesMax }),
	numberSetting("private-connections-max", "N",
		"maximum dedicated connections per server (WATCH, blocking commands); further requests wait, then fail", parseCount,
		strconv.Itoa, func(t target) *int { return &t.config.Limits.PrivateMax }),
	durationSetting("idle-timeout", "close a client that sends nothing for this long (0: never)",
		func(t target) *time.Duration { return &t.config.Limits.IdleMax }),
	durationSetting("auth-timeout", "close a client that has not authenticated within this time",
		func(t target) *time.Duration { return &t.config.Limits.AuthMax }),
	handshakeTimeout,
	durationSetting("dial-timeout", "abandon a connection to a server that is not ready within this time",
		func(t target) *time.Duration { return &t.config.DialTimeout }),
	durationSetting("refresh-interval", "how often to query the topology when nothing happens",
		func(t target) *time.Duration { return &t.config.RefreshInterval }),
	drainTimeoutSetting,
	drainDelaySetting,
	hotKeysSetting(),
	slowerThanSetting(),
	numberSetting("slowlog-max-len", "N", "how many slow requests to keep of each service for SLOWLOG", parseCount,
		strconv.Itoa, func(t target) *int { return &t.config.SlowLogMax }),
	choiceSetting("log-level", "minimum level of log lines", []string{"trace", "debug", "info", "warn", "error"},
		func(t target) *string { return &t.config.LogLevel }),
	auditLogSetting(),
	choiceSetting("log-format", "format of log lines", []string{"text", "json"},
		func(t target) *string { return &t.config.LogFormat }),
	logFileSetting(),
)

func ofProcess(of ...*Setting) []*Setting {
	of = slices.Concat(of, adminSettings)
	for _, s := range of {
		s.process = true
	}
	return of
}

func textSetting(name, wants, usage string, field func(target) *string) *Setting {
	return &Setting{Name: name, Wants: wants, usage: usage,
		set:  func(t target, texts []string) error { *field(t) = texts[0]; return nil },
		show: func(t target) string { return *field(t) }}
}

func choiceSetting(name, usage string, choices []string, field func(target) *string) *Setting {
	s := textSetting(name, strings.Join(choices, "|"), usage, field)
	s.Choices = choices
	return s
}

func listSetting(name, wants, usage string, field func(target) *[]string) *Setting {
	return &Setting{Name: name, Wants: wants, usage: usage, kind: list,
		set:  func(t target, texts []string) error { *field(t) = texts; return nil },
		show: func(t target) string { return strings.Join(*field(t), ", ") }}
}

// holdSetting takes one word for the service, and LISTEN=WORD for single listeners.
func holdSetting() *Setting {
	choices := slices.Sorted(maps.Keys(config.HoldWords))
	return &Setting{Name: "hold", Wants: strings.Join(choices, "|") + "|TIME", kind: pairs, Choices: choices,
		usage: "how long a request may wait for a primary before it fails with -LOADING; LISTEN=... for one listener",
		set: func(t target, texts []string) (err error) {
			t.service.Hold, t.service.ListenHold, err = parseListeners(texts, parseHold)
			return err
		},
		show: func(t target) string { return showListeners(t.service.Hold, t.service.ListenHold, ShowHold) }}
}

// facadeSetting takes one word for all listeners of the service, and LISTEN=WORD for single ones.
func facadeSetting() *Setting {
	choices := []string{string(config.FacadeCluster), string(config.FacadeReplica), string(config.FacadeSentinel)}
	return &Setting{Name: "facade", Wants: strings.Join(choices, "|"), kind: pairs, Choices: choices,
		usage: "role that listeners emulate; LISTEN=... for one listener",
		set: func(t target, texts []string) (err error) {
			t.service.Facade, t.service.ListenFacade, err = parseListeners(texts, asIs[config.Facade])
			return err
		},
		show: func(t target) string { return showListeners(t.service.Facade, t.service.ListenFacade, asText) }}
}

func announceSetting() *Setting {
	return &Setting{Name: "announce", Wants: "HOST:PORT", kind: pairs,
		usage: "address that facades report to clients; LISTEN=... for one listener",
		set: func(t target, texts []string) (err error) {
			t.service.Announce, t.service.ListenAnnounce, err = parseListeners(texts, asIs[string])
			return err
		},
		show: func(t target) string { return showListeners(t.service.Announce, t.service.ListenAnnounce, asText) }}
}

func silentAfterSetting() *Setting {
	s := numberSetting("silent-after", automatic+"|TIME",
		"how long a server may stay silent before it gets no new requests", parseAutoDuration, showAutoDuration,
		func(t target) *time.Duration { return &t.service.SilentAfter })
	s.Choices = []string{automatic}
	return s
}

func blockingLostSetting() *Setting {
	choices := []string{string(config.BlockingAgain), string(config.BlockingClose), string(config.BlockingError)}
	return &Setting{Name: "blocking-lost", Wants: strings.Join(choices, "|"), Choices: choices,
		usage:   "when the connection of a blocking pop is lost: retry it, close the client or reply UNCERTAIN",
		Renamed: map[string]string{"again": string(config.BlockingAgain)},
		set: func(t target, texts []string) error {
			t.service.BlockingLost = config.BlockingLost(texts[0])
			return nil
		},
		show: func(t target) string { return string(t.service.BlockingLost) }}
}

func confirmSetting() *Setting {
	choices := []string{string(config.ConfirmProvisional), string(config.ConfirmMajority)}
	return &Setting{Name: "confirm", Wants: strings.Join(choices, "|"), Choices: choices,
		usage: "when to use a promoted primary: at once, or when a majority of Sentinels confirms it",
		set:   func(t target, texts []string) error { t.service.Confirm = config.Confirmation(texts[0]); return nil },
		show:  func(t target) string { return string(t.service.Confirm) }}
}

func gapSetting() *Setting {
	choices := []string{string(config.GapStay), string(config.GapClose)}
	return &Setting{Name: "on-gap", Wants: strings.Join(choices, "|"), Choices: choices,
		usage:   "when subscribers may have missed messages: keep or close their connections",
		Renamed: map[string]string{"stay": string(config.GapStay)},
		set:     func(t target, texts []string) error { t.service.OnGap = config.GapPolicy(texts[0]); return nil },
		show:    func(t target) string { return string(t.service.OnGap) }}
}

func fileSetting(name, usage string, field func(target) *config.Secret) *Setting {
	return &Setting{Name: name, Wants: "FILE", usage: usage, secret: true,
		set:  func(t target, texts []string) error { *field(t) = config.Secret{File: texts[0]}; return nil },
		show: func(t target) string { return field(t).File }}
}

func valueSetting(name string, field func(target) *config.Secret) *Setting {
	return &Setting{Name: name, EnvOnly: true, secret: true,
		set: func(t target, texts []string) error { *field(t) = config.Secret{Value: texts[0]}; return nil },
		show: func(t target) string {
			if field(t).Value == "" {
				return ""
			}
			return field(t).String()
		}}
}

func numberSetting[T any](name, wants, usage string, parse func(string) (T, error), show func(T) string,
	field func(target) *T) *Setting {
	return &Setting{Name: name, Wants: wants, usage: usage,
		set: func(t target, texts []string) error {
			value, err := parse(texts[0])
			if err == nil {
				*field(t) = value
			}
			return err
		},
		show: func(t target) string { return show(*field(t)) }}
}

func sizeSetting(name, usage string, field func(target) *int64) *Setting {
	return numberSetting(name, "SIZE", usage, parseSize, showSize, field)
}

func durationSetting(name, usage string, field func(target) *time.Duration) *Setting {
	return numberSetting(name, "TIME", usage, parseDuration, ShowDuration, field)
}
