package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// eventsKept is how many events a client can catch up on: ten minutes of samples.
	eventsKept = 600
	// heartbeat is the longest time without a byte on a stream.
	heartbeat = 15 * time.Second
	// reconnectAfter is when a client tries again that lost the stream.
	reconnectAfter = 2 * time.Second
)

// Events are what streams carry: the newest of them, for all streams together. NewEvents makes it. Any goroutine may
// use it.
type Events struct {
	run string
	mu  sync.Mutex
	// kept has the newest events as they are written; the last one has the number last.
	kept [][]byte
	last uint64
	// more is closed, and replaced, with each event.
	more chan struct{}
}

// NewEvents returns Events whose ids begin with a word that no other run of the gateway uses.
func NewEvents(run string) *Events { return &Events{run: run, more: make(chan struct{})} }

// Publish adds an event of a kind, with body as JSON.
func (e *Events) Publish(kind string, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic("web: an event is no JSON: " + err.Error())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last++
	if len(e.kept) == eventsKept {
		copy(e.kept, e.kept[1:])
		e.kept = e.kept[:eventsKept-1]
	}
	e.kept = append(e.kept, fmt.Appendf(nil, "id: %s.%d\nevent: %s\ndata: %s\n\n", e.run, e.last, kind, text))
	close(e.more)
	e.more = make(chan struct{})
}

// after returns the events behind a number, the last number, and a channel that the next one closes.
func (e *Events) after(number uint64) (text []byte, last uint64, more <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	missed := min(e.last-min(number, e.last), uint64(len(e.kept)))
	return bytes.Join(e.kept[len(e.kept)-int(missed):], nil), e.last, e.more
}

// number returns that of an id which a client has seen; without one, or for one of another run, that of the last event.
func (e *Events) number(id string) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if text, ours := strings.CutPrefix(id, e.run+"."); ours {
		if n, err := strconv.ParseUint(text, 10, 64); err == nil && n <= e.last {
			return n
		}
	}
	return e.last
}

// stream answers with events as they come.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	if !connOf(r).mayStream() {
		refuse(w, http.StatusServiceUnavailable, "too many streams are open")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	send := func(text []byte) bool {
		extend(w)
		_, err := w.Write(text)
		return err == nil && out.Flush() == nil
	}
	at := s.conf.Events.number(r.Header.Get("Last-Event-ID"))
	if !send(fmt.Appendf(nil, "retry: %d\n\n", reconnectAfter.Milliseconds())) {
		return
	}
	quiet := time.NewTicker(heartbeat)
	defer quiet.Stop()
	for {
		text, last, more := s.conf.Events.after(at)
		at = last
		if len(text) > 0 {
			if !send(text) {
				return
			}
			quiet.Reset(heartbeat)
			continue
		}
		select {
		case <-more:
		case <-quiet.C:
			if !send([]byte(": still here\n\n")) {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}
