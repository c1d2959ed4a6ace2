package settings

import "evergate/gateway/config"

// hotKeysSetting switches the sample of hot keys and big ones.
func hotKeysSetting() *Setting {
	return choiceSetting("hot-keys", "sample requests for keys that many use, and for large values",
		[]string{config.On, config.Off}, func(t target) *string { return &t.config.HotKeys })
}
