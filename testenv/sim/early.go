package sim

import (
	"regexp"
	"strings"
	"time"
)

// waited is how long a request waited for its shard, as the gateway says when it gives up.
var waited = regexp.MustCompile(`has (?:had no [a-z ]+|refused it) for ([0-9.a-zµ]+)[,;]`)

// tooEarly looks that nobody is refused within the hold window: what passes by itself in a failover is waited for.
func (w *world) tooEarly(r *request, reply []byte) {
	text := string(reply)
	if !strings.HasPrefix(text, "-LOADING ") {
		return
	}
	said := waited.FindStringSubmatch(text)
	if said == nil { // the servers are not known, or there are no replicas: nobody waits for that
		return
	}
	if d, err := time.ParseDuration(said[1]); err != nil || d < w.holdMax() {
		w.ledger.fail("%v was answered %q, and may wait for %v", r, clip(text), w.holdMax())
	}
}
