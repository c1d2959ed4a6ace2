package settings

import "evergate/gateway/config"

// adminSettings are those of the HTTP server for operators.
var adminSettings = []*Setting{
	textSetting("admin", "HOST:PORT|unix:/path",
		"serve metrics, health, the API and the page over HTTP here (default: nowhere)",
		func(t target) *string { return &t.config.Admin.Listen }),
	listSetting("admin-hosts", "NAME,...",
		"further host names that requests to --admin may use, beside IP addresses, localhost and the machine's name",
		func(t target) *[]string { return &t.config.Admin.Hosts }),
	fileSetting("admin-password-file", "file with the password for --admin, read for each request",
		func(t target) *config.Secret { return &t.config.Admin.Password }),
	valueSetting("admin-password", func(t target) *config.Secret { return &t.config.Admin.Password }),
	switchSetting("admin-no-auth", "show everything to other machines without a password, not only health and metrics",
		func(t target) *bool { return &t.config.Admin.NoAuth }),
	switchSetting("admin-show-keys", "name keys to other machines, in slow commands and hot keys",
		func(t target) *bool { return &t.config.Admin.ShowKeys }),
	switchSetting("admin-pprof", "serve Go profiles under /debug/pprof/",
		func(t target) *bool { return &t.config.Admin.Pprof }),
}
