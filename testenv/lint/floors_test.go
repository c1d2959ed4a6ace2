package lint

import (
	"slices"
	"testing"
)

// floors has every room on a floor, from the ground up: a room imports lower floors only, so that it can be read, and
// changed, with what is below it alone. Rooms of one floor do not know each other.
var floors = [...][]string{
	0: {"topology", "gateway/resp", "gateway/blocks", "gateway/glob", "gateway/certs", "gateway/tlsconn",
		"gateway/ratelimit", "gateway/account", "gateway/api", "gateway/page",
		"testenv/golden", "testenv/servers", "testenv/drill/ledger", "testenv/drill/history",
		"cmd/evergate/terminal",
		"cmd/evergate/suggest", "cmd/evergate/systemd", "cmd/evergate/manual", "testenv/bench/relay",
		"testenv/e2e", "testenv/lint"},
	1: {"routing", "gateway/freshness", "gateway/accept",
		"gateway/limits", "gateway/hotkeys", "gateway/slowlog", "gateway/summary",
		"gateway/web", "gateway/series",
		"gateway/latency",
		"gateway/session", "topology/decide", "testenv/drill/report", "testenv/drill/load", "testenv/suite",
		"testenv/twin", "testenv/compat", "testenv/bench", "testenv/hostile", "cmd/evergate/top"},
	2: {"topology/keeper", "gateway/acks", "gateway/hedge",
		"gateway/poller", "gateway/wait", "gateway/access", "gateway/admin", "gateway/fanout", "gateway/facade",
		"gateway/retry", "testenv/drill"},
	3: {"gateway/downstream", "gateway/upstream", "gateway/local", "gateway/catalog", "gateway/trace", "topology/watch"},
	4: {"gateway/sessions", "gateway/pubsub", "gateway/dial", "gateway/outage"},
	5: {"gateway/exchange"},
	6: {"gateway/multi", "gateway/transaction", "gateway/dedicated", "gateway/inquiry", "gateway/clients",
		"gateway/subscribe", "gateway/policy", "gateway/config", "gateway/throttle", "gateway/maintenance"},
	7: {"gateway/measured", "gateway/worker", "gateway/shared", "gateway/descriptors", "gateway/gates",
		"cmd/evergate/settings", "cmd/evergate/logging",
		"cmd/evergate/adminclient"},
	8:  {"gateway/loop", "gateway/status", "gateway/metrics", "testenv/play", "testenv/sim/scenario"},
	9:  {"gateway/observe", "gateway/direct", "testenv/sim/network"},
	10: {"gateway", "testenv/sim/ledger"},

	11: {"cmd/evergate", "testenv/sim/redis", "testenv/sim/clients"},
	12: {"testenv/sim/sentinel"},
	13: {"testenv/sim/control", "testenv/sim/judge"},
	14: {"testenv/sim/faults"},
	15: {"testenv/sim"},
}

// floorOf is the floor of a room, or -1.
func floorOf(room string) int {
	return slices.IndexFunc(floors[:], func(rooms []string) bool { return slices.Contains(rooms, room) })
}

func TestRoomsImportLowerFloorsOnly(t *testing.T) {
	count := 0
	for _, rooms := range floors {
		count += len(rooms)
	}
	if count != len(rooms) {
		t.Errorf("%d rooms have a floor, %d are in the table of rooms", count, len(rooms))
	}
	for name, r := range rooms {
		own := floorOf(name)
		if own < 0 {
			t.Errorf("%s has no floor", name)
		}
		for _, other := range r.ours {
			if floor := floorOf(other); floor >= own {
				t.Errorf("%s, on floor %d, imports %s, on floor %d", name, own, other, floor)
			}
		}
	}
}
