package drill

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"evergate/testenv/drill/ledger"
	"evergate/testenv/servers"
)

const (
	// lookEvery is how often a server is asked; it is the resolution of Marks.Accepts.
	lookEvery = 5 * time.Millisecond
	// lookPatience is how long an answer may take until the server counts as silent.
	lookPatience = 300 * time.Millisecond
	// gateEvery is how often the gateway is asked for INFO.
	gateEvery = 20 * time.Millisecond
)

// standing is the last observed state of a server.
type standing uint8

const (
	unknown standing = iota
	primary
	replica
	silent
	gone
)

var standingTexts = [...]string{"unknown", "accepts writes", "is a replica", "is silent", "is gone"}

// serverWatch asks one server of the struck shard directly: a replica by a write of the drill's own key, so that the
// moment is seen when it accepts one; a primary by ROLE.
type serverWatch struct {
	line *timeline
	addr string
	dial func(addr string) (*servers.Conn, error)
	// key is one of the struck shard.
	key  string
	conn *servers.Conn
	last standing
	// refused reports whether it has rejected a write as a replica since it last accepted one: only then is its next
	// acceptance a failover, and not the return of a primary that does not know its successor. The last such write was
	// sent at refusedAt.
	refused   bool
	refusedAt time.Duration
}

func (w *serverWatch) run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	defer w.hangUp()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			asked := w.line.now()
			if now := w.look(); now != unknown {
				w.note(now, asked)
			}
		}
	}
}

func (w *serverWatch) hangUp() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}

func (w *serverWatch) look() standing {
	if w.conn == nil {
		conn, err := w.dial(w.addr)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded): // it was connected, and AUTH is not answered
			return silent
		case err != nil:
			return gone
		}
		conn.Timeout = lookPatience
		w.conn = conn
	}
	question := []string{"SET", w.key, "accepted"}
	if w.last == primary {
		question = []string{"ROLE"}
	}
	reply, err := w.conn.Do(question...)
	if err != nil {
		w.hangUp()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return silent
		}
		return unknown // its end is seen by the next dial
	}
	switch text := string(reply); {
	case text == "+OK\r\n", strings.HasPrefix(text, "*3\r\n$6\r\nmaster"):
		return primary
	case strings.HasPrefix(text, "-READONLY"), strings.HasPrefix(text, "-MOVED"), strings.HasPrefix(text, "*5\r\n"):
		return replica
	}
	return unknown
}

// note records what a server is, and when it was asked.
func (w *serverWatch) note(now standing, asked time.Duration) {
	if now == replica {
		w.refused, w.refusedAt = true, asked
	}
	switched := now == primary && w.refused
	if switched {
		w.refused = false
	}
	if now == w.last {
		return
	}
	w.last = now
	w.line.record("server "+w.addr, standingTexts[now], func(m *ledger.Marks, at time.Duration) {
		if switched && m.Struck >= 0 {
			m.Accept(at, w.refusedAt)
		}
	})
}

// sentinelWatch records everything that one Sentinel publishes.
type sentinelWatch struct {
	line *timeline
	addr string
	dial func(addr string) (*servers.Conn, error)
}

func (w *sentinelWatch) run(ctx context.Context) {
	ticker := time.NewTicker(10 * lookEvery)
	defer ticker.Stop()
	for {
		if conn, err := w.dial(w.addr); err == nil {
			end := context.AfterFunc(ctx, func() { _ = conn.Close() })
			w.listen(conn)
			end()
			_ = conn.Close()
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (w *sentinelWatch) listen(conn *servers.Conn) {
	conn.Timeout = time.Hour
	if conn.Send("PSUBSCRIBE", "*") != nil {
		return
	}
	for {
		frame, err := conn.Frame()
		if err != nil {
			return
		}
		// *4 $8 pmessage $1 * $N CHANNEL $N PAYLOAD
		lines := strings.Split(string(frame), "\r\n")
		if len(lines) < 9 || lines[2] != "pmessage" || strings.HasPrefix(lines[6], "__") {
			continue
		}
		w.line.record("sentinel "+w.addr, lines[6]+" "+lines[8], sentinelMark(lines[6], lines[8]))
	}
}

// sentinelMark returns how an event changes the marks; nil if it does not.
func sentinelMark(channel, payload string) func(*ledger.Marks, time.Duration) {
	switch channel {
	case "+sdown", "+odown":
		if strings.HasPrefix(payload, "master ") {
			return since(detected)
		}
	case "+try-failover":
		return since(detected)
	case "+selected-slave":
		return since(elected)
	case "+promoted-slave":
		return since(promoted)
	case "-failover-abort-not-elected":
		return func(m *ledger.Marks, _ time.Duration) {
			if m.Struck >= 0 {
				m.FailedElections++
			}
		}
	}
	return nil
}

// clusterWatch asks a node of another shard how it sees the struck one.
type clusterWatch struct {
	line  *timeline
	addr  string
	nodes []string // of the struck shard
	dial  func(addr string) (*servers.Conn, error)
}

func (w *clusterWatch) run(ctx context.Context) {
	ticker := time.NewTicker(10 * lookEvery)
	defer ticker.Stop()
	var conn *servers.Conn
	last := map[string]string{}
	for {
		select {
		case <-ctx.Done():
			if conn != nil {
				_ = conn.Close()
			}
			return
		case <-ticker.C:
		}
		var err error
		if conn == nil {
			if conn, err = w.dial(w.addr); err != nil {
				conn = nil
				continue
			}
		}
		frame, err := conn.Do("CLUSTER", "NODES")
		if err != nil {
			_ = conn.Close()
			conn = nil
			continue
		}
		w.compare(string(frame), last)
	}
}

// compare records the changes in the lines of CLUSTER NODES.
func (w *clusterWatch) compare(text string, last map[string]string) {
	for _, addr := range w.nodes {
		for _, m := range members(text) {
			if m.addr != addr {
				continue
			}
			flags := m.flags
			before := last[addr]
			last[addr] = flags
			if before == "" || before == flags {
				continue
			}
			var mark func(*ledger.Marks, time.Duration)
			switch {
			case strings.HasSuffix(flags, "fail"):
				mark = since(detected)
			case flags == "master" && strings.HasPrefix(before, "slave"):
				mark = since(promoted)
			}
			w.line.record("node "+w.addr, "reports "+addr+": "+flags, mark)
		}
	}
}
