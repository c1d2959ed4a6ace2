package settings

import (
	"strconv"

	"evergate/gateway/config"
)

// hotKeysSetting switches the sample of hot keys and big ones.
func hotKeysSetting() *Setting {
	return choiceSetting("hot-keys", "sample requests for keys that many use, and for large values",
		[]string{config.On, config.Off}, func(t target) *string { return &t.config.HotKeys })
}

// slowerThanSetting is in microseconds, as in redis.conf.
func slowerThanSetting() *Setting {
	parse := func(text string) (int64, error) {
		n, err := parseCount(text)
		return int64(n), err
	}
	return numberSetting("slowlog-log-slower-than", "MICROSECONDS",
		"keep requests that take longer for SLOWLOG (0: all, -1: none)", parse,
		func(n int64) string { return strconv.FormatInt(n, 10) },
		func(t target) *int64 { return &t.config.SlowLogSlowerThan })
}
