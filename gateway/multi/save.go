package multi

import (
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/topology"
)

// SAVE would stop a server, and all clients of its connections, until everything is written to disk. The gateway sends
// BGSAVE to every primary instead, polls how far they are, and replies when all have finished. After a failover the
// state of another primary is no answer.

const (
	// savePoll is how often a server that saves is asked whether it has finished.
	savePoll = 100 * time.Millisecond
	// saveMax is for how long a client waits for that.
	saveMax = 10 * time.Minute
)

var (
	bgsave          = resp.AppendCommandStrings(nil, "BGSAVE")
	infoPersistence = resp.AppendCommandStrings(nil, "INFO", "persistence")

	saveFailed = []byte("-ERR evergate: BGSAVE failed on a server; see its log\r\n")
	saveLeft   = []byte("-ERR evergate: the primary changed during BGSAVE; it may not have finished\r\n")
	saveLong   = resp.AppendError(nil, "ERR evergate: BGSAVE did not finish within "+saveMax.String()+"; it continues")
)

// saving is the progress of a SAVE, part by part.
type saving struct {
	until   time.Duration
	servers []saver
	begun   []bool
}

// saver is one run of a server.
type saver struct {
	node  topology.NodeID
	runID string
}

// newSaving begins a SAVE on the servers of these connections, one for each part.
func (m *Multi) newSaving(conns []*upstream.Conn) *saving {
	v := &saving{until: m.clock.Now + saveMax, begun: make([]bool, len(conns))}
	for _, l := range conns {
		v.servers = append(v.servers, m.saverOn(l))
	}
	return v
}

// saverOn is the run of the server of a connection.
func (m *Multi) saverOn(l *upstream.Conn) saver { return saver{l.Key.Node, m.pool.RunOf(l)} }

// savesOn reports whether a part goes on with the run of the server that it began with, or begins. Otherwise it answers
// the part.
func (m *Multi) savesOn(c *sessions.Session, s *parted, a *retry.Entry, l *upstream.Conn) bool {
	v, now := s.broadcast.saving, m.saverOn(l)
	switch {
	case !v.begun[a.Part]:
		v.servers[a.Part] = now
	case v.servers[a.Part] != now:
		s.Take(c, a.Part, saveLeft)
		return false
	}
	return true
}

// saves takes the reply to BGSAVE, or to a poll. It returns false when *reply, which it may replace, is the part's
// answer.
func (m *Multi) saves(c *sessions.Session, s *parted, part int16, reply *[]byte) bool {
	v := s.broadcast.saving
	if (*reply)[0] == '-' {
		return false
	}
	running, ok := topology.SaveState(string(*reply))
	switch {
	case !v.begun[part]:
		v.begun[part] = true
	case !running:
		*reply = saveFailed
		if ok {
			*reply = resp.OK
		}
		return false
	case m.clock.Now >= v.until:
		*reply = saveLong
		return false
	}
	m.x.RetryAt(c, retry.Entry{
		Seq: s.seq, Part: part, Slot: -1, Target: -1, Frame: infoPersistence, Read: true,
		At: m.clock.Now + savePoll, Firm: true,
	})
	return true
}
