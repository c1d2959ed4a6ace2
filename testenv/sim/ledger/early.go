package ledger

import (
	"regexp"
	"strings"
	"time"

	"evergate/testenv/sim/network"
)

// waited is how long a request waited for its shard, as the gateway says when it gives up.
var waited = regexp.MustCompile(`has (?:had no [a-z ]+|refused it) for ([0-9.a-zµ]+)[,;]`)

// TooEarly looks that nobody is refused within the hold window: what passes by itself in a failover is waited for.
func (l *Ledger) TooEarly(r *Request, reply []byte, window time.Duration) {
	text := string(reply)
	if !strings.HasPrefix(text, "-LOADING ") {
		return
	}
	said := waited.FindStringSubmatch(text)
	if said == nil { // the servers are not known, or there are no replicas: nobody waits for that
		return
	}
	if d, err := time.ParseDuration(said[1]); err != nil || d < window {
		l.Fail("%v was answered %q, and may wait for %v", r, network.Clip(text), window)
	}
}
