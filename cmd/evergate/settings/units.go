package settings

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"evergate/cmd/evergate/suggest"
	"evergate/gateway/config"
)

// sizeUnits are those of redis.conf: "k" is a thousand, "kb" is 1024.
var sizeUnits = []struct {
	suffix string
	bytes  int64
}{
	{"kb", 1 << 10}, {"mb", 1 << 20}, {"gb", 1 << 30}, {"k", 1e3}, {"m", 1e6}, {"g", 1e9}, {"b", 1}, {"", 1},
}

func parseSize(text string) (int64, error) {
	lower := strings.ToLower(text)
	for _, unit := range sizeUnits {
		digits, found := strings.CutSuffix(lower, unit.suffix)
		if !found {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/unit.bytes {
			break
		}
		return n * unit.bytes, nil
	}
	return 0, fmt.Errorf("%q is not a size such as 512mb", text)
}

// showSize returns a size in a form that parseSize reads back.
func showSize(bytes int64) string {
	for _, unit := range []int{2, 1, 0} {
		if u := sizeUnits[unit]; bytes != 0 && bytes%u.bytes == 0 {
			return strconv.FormatInt(bytes/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(bytes, 10)
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil {
		return d, nil
	}
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return 0, fmt.Errorf("%q has no unit; did you mean \"%ss\"?", text, text)
	}
	return 0, fmt.Errorf("%q is not a duration such as 500ms, 10s or 1m", text)
}

// ShowDuration leaves out the zero minutes and seconds that Duration.String ends with.
func ShowDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// automatic is the value of hold and silent-after that follows the topology.
const automatic = "auto"

func parseHold(text string) (config.Hold, error) {
	if mode, isWord := config.HoldWords[text]; isWord {
		return config.Hold{Mode: mode}, nil
	}
	d, err := parseDuration(text)
	if err == nil {
		return config.Hold{Mode: config.HoldFor, Window: d}, nil
	}
	if text != "" && !strings.ContainsAny(text[:1], "0123456789.-+") {
		words := slices.Sorted(maps.Keys(config.HoldWords))
		err = fmt.Errorf("%q is not one of %s, and not a duration such as 10s%s", text, strings.Join(words, ", "),
			suggest.DidYouMean(suggest.Nearest(text, words), KeyName))
	}
	return config.Hold{}, err
}

func ShowHold(h config.Hold) string {
	if h.Mode == config.HoldFor {
		return ShowDuration(h.Window)
	}
	return h.String()
}

// parseListeners reads one word for all listeners, and LISTEN=WORD for some.
func parseListeners[T any](texts []string, parse func(string) (T, error)) (all T, of map[string]T, err error) {
	var wrong []error
	given := false
	for _, text := range texts {
		at := strings.LastIndexByte(text, '=')
		value, err := parse(text[at+1:])
		switch {
		case err != nil:
			wrong = append(wrong, err)
		case at < 0 && given:
			wrong = append(wrong, fmt.Errorf("%q is a second value for all listeners", text))
		case at < 0:
			all, given = value, true
		default:
			listen := text[:at]
			if _, twice := of[listen]; twice {
				wrong = append(wrong, fmt.Errorf("%q is set twice", listen))
			}
			if of == nil {
				of = map[string]T{}
			}
			of[listen] = value
		}
	}
	return all, of, errors.Join(wrong...)
}

// showListeners returns the form that parseListeners reads; empty if nothing is set.
func showListeners[T any](all T, of map[string]T, show func(T) string) string {
	words := []string{}
	if word := show(all); word != "" {
		words = append(words, word)
	}
	for _, listen := range slices.Sorted(maps.Keys(of)) {
		words = append(words, listen+"="+show(of[listen]))
	}
	return strings.Join(words, ", ")
}

// asIs returns a word that config.Gateway.Validate checks.
func asIs[T ~string](text string) (T, error) {
	if text == "" {
		return "", errors.New("has no value after the =")
	}
	return T(text), nil
}

func asText[T ~string](value T) string { return string(value) }

// parseAutoDuration reads a time, or "auto" as zero.
func parseAutoDuration(text string) (time.Duration, error) {
	if text == automatic {
		return 0, nil
	}
	d, err := parseDuration(text)
	if err == nil && d <= 0 {
		err = fmt.Errorf("%q is not positive; %q takes it from the topology", text, automatic)
	}
	return d, err
}

func showAutoDuration(d time.Duration) string {
	if d == 0 {
		return automatic
	}
	return ShowDuration(d)
}

func parseCount(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	return n, nil
}

func parseSwitch(text string) (bool, error) {
	switch text {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", text)
}

// parseMap reads pairs of this form: FROM=TO.
func parseMap(pairs []string, form string) (map[string]string, error) {
	m := make(map[string]string, len(pairs))
	var wrong []error
	for _, pair := range pairs {
		from, to, found := strings.Cut(pair, "=")
		if _, twice := m[from]; twice {
			wrong = append(wrong, fmt.Errorf("%q is listed twice", from))
		} else if !found || from == "" || to == "" {
			wrong = append(wrong, fmt.Errorf("%q is not %s", pair, form))
		}
		m[from] = to
	}
	return m, errors.Join(wrong...)
}
