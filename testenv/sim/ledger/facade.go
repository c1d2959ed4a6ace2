package ledger

import (
	"strings"
	"time"

	"evergate/testenv/sim/network"
)

// Facade is the role that a client's listener emulates.
type Facade uint8

const (
	// Plain listeners emulate none.
	Plain Facade = iota
	// Replica takes no writes.
	Replica
	// ClusterNode is the one node of a cluster, and has all slots.
	ClusterNode
)

// Comes notes to which listener a request comes, and when it is sent.
func (l *Ledger) Comes(r *Request, f Facade, now time.Duration) { r.Facade, r.sentAt = f, now }

// written returns whether a replica was asked to write, which must be rejected.
func (l *Ledger) written(r *Request, text string) bool {
	if r.Facade != Replica || !r.Writes() {
		return false
	}
	r.State = Refused
	if !strings.HasPrefix(text, "-READONLY ") || r.handed > 0 {
		l.Fail("%v came to a replica, was sent to %d servers, and answered %q", r, r.handed, network.Clip(text))
	}
	return true
}

// slotsRead checks the reply to CLUSTER SLOTS: the gateway is the only node, whatever happens behind it.
func (l *Ledger) slotsRead(r *Request, text string) {
	const all = "*1\r\n*3\r\n:0\r\n:16383\r\n*4\r\n$7\r\ngateway\r\n:6379\r\n"
	if !strings.HasPrefix(text, all) {
		l.Fail("%v was answered %q", r, network.Clip(text))
	}
}
