package settings

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"evergate/cmd/evergate/suggest"
	"evergate/gateway/config"
	"evergate/gateway/session"
)

// ofUser is one of the settings of a user: its key in the file, and what sets it. list: it may be a list of words.
type ofUser struct {
	key  string
	list bool
	set  func(u *config.UserSettings, words []string) error
}

var userKeys = []ofUser{
	{"allow-networks", true, func(u *config.UserSettings, words []string) error {
		u.Networks = words
		return nil
	}},
	userNumber("reads", asIs[config.ReadPolicy], func(u *config.UserSettings) *config.ReadPolicy { return &u.Reads }),
	userNumber("consistency", asIs[config.Consistency],
		func(u *config.UserSettings) *config.Consistency { return &u.Consistency }),
	userNumber("max-lag", parseOwnLag, func(u *config.UserSettings) **session.Lag { return &u.MaxLag }),
	userNumber("hold", parseOwnHold, func(u *config.UserSettings) **config.Hold { return &u.Hold }),
	userAcks,
	userAcksTimeout,
	{"databases", true, func(u *config.UserSettings, words []string) error {
		for _, word := range words {
			n, err := parseCount(word)
			if err != nil {
				return err
			}
			u.Databases = append(u.Databases, n)
		}
		return nil
	}},
	userNumber("max-clients", parseCount, func(u *config.UserSettings) *int { return &u.ClientsMax }),
	userNumber("commands-per-second", parseCount, func(u *config.UserSettings) *int { return &u.Rate.Commands }),
	userNumber("bytes-per-second", parseSize, func(u *config.UserSettings) *int64 { return &u.Rate.Bytes }),
	userNumber("on-rate-limit", asIs[config.OverRate],
		func(u *config.UserSettings) *config.OverRate { return &u.Rate.Over }),
	userNumber("client-memory-max", parseSize, func(u *config.UserSettings) *int64 { return &u.ClientMemoryMax }),
	userNumber("client-output-buffer-limit", parseOwnOutput,
		func(u *config.UserSettings) **config.OutputLimit { return &u.Output }),
	userNumber("pubsub-output-buffer-limit", parseOwnOutput,
		func(u *config.UserSettings) **config.OutputLimit { return &u.Push }),
}

func parseOwnOutput(text string) (*config.OutputLimit, error) {
	hard, soft, err := parseOutput(text)
	return &config.OutputLimit{Bytes: hard, Soft: soft}, err
}

func parseOwnHold(text string) (*config.Hold, error) {
	h, err := parseHold(text)
	return &h, err
}

func userNumber[T any](key string, parse func(string) (T, error), field func(*config.UserSettings) *T) ofUser {
	return ofUser{key: key, set: func(u *config.UserSettings, words []string) (err error) {
		*field(u), err = parse(words[0])
		return err
	}}
}

// userSettings are the settings of single users: a mapping of names, each with settings.
func userSettings() *Setting {
	return &Setting{Name: "user-settings", Wants: "USER: {KEY: VALUE, ...}", kind: tables, FileOnly: true,
		usage: "settings of single users",
		set: func(t target, texts []string) (err error) {
			all := &t.service.UserSettings
			*all, err = parseUserSettings(texts)
			return err
		},
		show: func(t target) string {
			return strings.Join(slices.Sorted(maps.Keys(t.service.UserSettings)), ", ")
		}}
}

func parseUserSettings(texts []string) (map[string]config.UserSettings, error) {
	all, wrong := map[string]config.UserSettings{}, []error(nil)
	for _, text := range texts {
		name, key, words := splitEntry(text)
		u := all[name]
		at := slices.IndexFunc(userKeys, func(k ofUser) bool { return k.key == key })
		var err error
		switch {
		case at < 0:
			err = fmt.Errorf("is unknown%s", suggest.DidYouMean(suggest.Nearest(key, userKeyNames()), KeyName))
		case len(words) > 1 && !userKeys[at].list:
			err = errors.New("has several values")
		default:
			err = userKeys[at].set(&u, words)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s of %q: %w", key, name, err))
		}
		all[name] = u
	}
	return all, errors.Join(wrong...)
}

func userKeyNames() (names []string) {
	for _, k := range userKeys {
		names = append(names, k.key)
	}
	return names
}

// An entry of a table is kept as one text: its name, its key and its words, with a byte between them that none has.
const entrySeparator = "\x00"

func joinEntry(name, key string, words []string) string {
	return strings.Join(append([]string{name, key}, words...), entrySeparator)
}

func splitEntry(text string) (name, key string, words []string) {
	parts := strings.Split(text, entrySeparator)
	return parts[0], parts[1], parts[2:]
}

// readTables reads a mapping of names, each with settings, or returns why it cannot.
func (a *assignment) readTables(value *yaml.Node) (why string) {
	wants := "must be " + a.setting.Wants
	for i := 0; i+1 < len(value.Content); i += 2 {
		name, of := value.Content[i], resolveAlias(value.Content[i+1])
		if name.Kind != yaml.ScalarNode || of.Kind != yaml.MappingNode {
			return wants + ", not " + form(of)
		}
		for k := 0; k+1 < len(of.Content); k += 2 {
			key, to := of.Content[k], resolveAlias(of.Content[k+1])
			words := []string{to.Value}
			if to.Kind == yaml.SequenceNode {
				words = nil
				for _, item := range to.Content {
					words = append(words, resolveAlias(item).Value)
				}
			}
			if key.Kind != yaml.ScalarNode || to.Kind == yaml.MappingNode || slices.Contains(words, "") || len(words) == 0 {
				return wants + ", not " + form(to)
			}
			a.add(key, joinEntry(name.Value, key.Value, words))
		}
	}
	return ""
}

// The rate of each address.

func commandsPerAddressSetting() *Setting {
	return numberSetting("commands-per-second-per-address", "N",
		"maximum number of commands per second of one address (default 0: no maximum)", parseCount, strconv.Itoa,
		func(t target) *int { return &t.config.Limits.AddressRate.Commands })
}

func bytesPerAddressSetting() *Setting {
	return sizeSetting("bytes-per-second-per-address",
		"maximum bytes per second of one address, both ways (default 0: no maximum)",
		func(t target) *int64 { return &t.config.Limits.AddressRate.Bytes })
}

func onRateLimitSetting() *Setting {
	choices := []string{string(config.RateWait), string(config.RateError)}
	s := numberSetting("on-rate-limit", strings.Join(choices, "|"),
		"requests of an address that exceeds its maximum per second wait, or get an error", asIs[config.OverRate],
		func(o config.OverRate) string { return string(o) },
		func(t target) *config.OverRate { return &t.config.Limits.AddressRate.Over })
	s.Choices = choices
	return s
}
