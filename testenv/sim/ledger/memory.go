package ledger

import (
	"strconv"
	"strings"

	"evergate/testenv/sim/network"
)

// Memory is what a client knows from the replies it had, in order.
type Memory struct {
	last    map[string]int // key -> the latest execution that it knows of
	lastAny int
	Acked   map[string]int          // key -> its latest acknowledged write
	perhaps map[string]map[int]bool // key -> its writes of unknown outcome
	wrote   *Request                // its last write, if that was acknowledged
}

// NewMemory returns that of a client without replies.
func NewMemory() Memory {
	return Memory{last: map[string]int{}, lastAny: -1, Acked: map[string]int{}, perhaps: map[string]map[int]bool{}}
}

// waited checks the reply to a WAIT of a client: so many other nodes must have had its last write. Where its outcome is
// unknown, or that of a pop that was retried, nothing is known of those before.
func (m *Memory) waited(l *Ledger, r *Request, text string) {
	n, err := strconv.Atoi(strings.TrimPrefix(text, ":"))
	if err != nil || text[0] != ':' {
		l.Fail("%v was answered %q", r, network.Clip(text))
	}
	if n > 0 {
		l.Confirmations++
	}
	if m.wrote == nil || m.wrote.Kind == Block {
		return
	}
	for _, at := range m.wrote.Ran {
		e := &l.Execs[at]
		if has := e.Copies(r.answeredAt); has < n && !e.lost {
			l.Fail("%v was answered %d: %d had what %v had written to %s", r, n, has, m.wrote, e.Node)
		}
	}
}
