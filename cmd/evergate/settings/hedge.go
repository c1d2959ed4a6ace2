package settings

import (
	"evergate/gateway/config"
	"evergate/gateway/session"
)

// p99 is the value of hedge that follows the times of the replicas.
const p99 = "p99"

func hedgeSetting() *Setting {
	s := numberSetting("hedge", p99+"|TIME",
		"when a replica owes a read for this long, or longer than 99% take, send it to another one as well (default off)",
		parseHedge, showHedge, func(t target) *session.Hedge { return &t.service.Hedge })
	s.Choices = []string{p99, config.Off}
	return s
}

func parseHedge(text string) (session.Hedge, error) {
	switch text {
	case p99:
		return session.Hedge{P99: true}, nil
	case config.Off:
		return session.Hedge{}, nil
	}
	after, err := parseDuration(text)
	return session.Hedge{After: after}, err
}

func showHedge(h session.Hedge) string {
	switch {
	case h.P99:
		return p99
	case h.After != 0:
		return ShowDuration(h.After)
	}
	return ""
}
