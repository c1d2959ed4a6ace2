package sessions

import "evergate/gateway/wait"

// late is a request that was sent later than it began: it had waited for a server, or was sent before.
type late struct {
	seq  uint32
	part int16
	sent wait.Stamp
}

// NoteSent records when such a request, or a part of it, was sent. Those that are answered are forgotten.
func (c *Session) NoteSent(seq uint32, part int16, at wait.Stamp) {
	r := c.own()
	for len(r.late) > 0 && c.Replies.Passed(r.late[0].seq) {
		r.late = r.late[1:]
	}
	r.late = append(r.late, late{seq, part, at})
}

// SentNow reports whether the request of a place, or a part of it, was noted last, and sent at this time.
func (r *rare) SentNow(seq uint32, now wait.Stamp) bool {
	n := len(r.late)
	return n > 0 && r.late[n-1].seq == seq && r.late[n-1].sent == now
}

// SentLate reports whether a request that is under way, or was, was noted.
func (r *rare) SentLate() bool { return len(r.late) > 0 }

// SentAt returns when a request was sent last, which is under way and began at another time: then it was noted.
func (r *rare) SentAt(seq uint32, part int16, began wait.Stamp) wait.Stamp {
	for i := len(r.late) - 1; i >= 0; i-- {
		if l := &r.late[i]; l.seq == seq && l.part == part {
			return l.sent
		}
	}
	return began
}
