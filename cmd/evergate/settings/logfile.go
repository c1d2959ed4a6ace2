package settings

func logFileSetting() *Setting {
	return textSetting("log-file", "FILE", "file of the log, reopened at SIGUSR1 (default: standard error)",
		func(t target) *string { return &t.config.LogFile })
}
