package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"evergate/gateway/config"
)

// clientMemoryAuto stands for half of the memory that this process may use, until the gateway starts.
const clientMemoryAuto = -1

// Default is a config.Gateway without a service, and otherwise with all defaults of the settings.
func Default() config.Gateway {
	conf := config.Default()
	conf.Limits.BoundClientMemory(clientMemoryAuto)
	return conf
}

// clientsPerAddressSetting bounds the clients of one address.
func clientsPerAddressSetting() *Setting {
	return numberSetting("max-clients-per-address", "N",
		"maximum number of clients of one address; reject further connections (default 0: no maximum)", parseCount,
		strconv.Itoa, func(t target) *int { return &t.config.Limits.ClientsPerAddress })
}

// clientMemorySetting bounds the memory of all clients.
func clientMemorySetting() *Setting {
	s := numberSetting("client-memory-max", automatic+"|SIZE",
		"maximum memory of all clients; close those that take most (0: no maximum)", parseAutoSize, showAutoSize,
		func(t target) *int64 { return &t.config.Limits.ClientMemoryMax })
	s.Choices = []string{automatic}
	return s
}

// outputSetting is a hard limit, and a soft one with its time, as redis.conf has them: "32mb", or "32mb,8mb,60s", also
// with spaces.
func outputSetting(name, usage string, field func(target) (*int64, *config.SoftLimit)) *Setting {
	return &Setting{Name: name, Wants: "SIZE[,SOFT,TIME]", usage: usage,
		set: func(t target, texts []string) (err error) {
			hard, soft := field(t)
			*hard, *soft, err = parseOutput(texts[0])
			return err
		},
		show: func(t target) string {
			hard, soft := field(t)
			if soft.Bytes == 0 {
				return showSize(*hard)
			}
			return showSize(*hard) + "," + showSize(soft.Bytes) + "," + ShowDuration(soft.For)
		}}
}

func parseOutput(text string) (hard int64, soft config.SoftLimit, err error) {
	words := strings.Fields(strings.ReplaceAll(text, ",", " "))
	if len(words) != 1 && len(words) != 3 {
		return 0, soft, fmt.Errorf("%q is neither a size, nor a size, a smaller one and a time", text)
	}
	if hard, err = parseSize(words[0]); err != nil || len(words) == 1 {
		return hard, soft, err
	}
	if soft.Bytes, err = parseSize(words[1]); err != nil {
		return 0, soft, err
	}
	if seconds, bare := strconv.Atoi(words[2]); bare == nil { // as in redis.conf
		soft.For = time.Duration(seconds) * time.Second
		return hard, soft, nil
	}
	soft.For, err = parseDuration(words[2])
	return hard, soft, err
}

func parseAutoSize(text string) (int64, error) {
	if text == automatic {
		return clientMemoryAuto, nil
	}
	return parseSize(text)
}

func showAutoSize(size int64) string {
	if size == clientMemoryAuto {
		return automatic
	}
	return showSize(size)
}

// FillClientMemory puts half of the available memory, in bytes, in place of clientMemoryAuto; no maximum if that is 0,
// which means unknown. The rest is for requests on their way to servers, for garbage, and for the kernel's buffers.
func FillClientMemory(conf *config.Gateway, available int64) {
	if conf.Limits.ClientMemoryMax != clientMemoryAuto {
		return
	}
	conf.Limits.BoundClientMemory(available / 2)
}
