package status

import (
	"fmt"
	"time"
)

// Reloads are those of the settings, since the start.
type Reloads struct {
	Done, Failed uint64
	// At is when the last one was, Err why it failed.
	At  time.Time
	Err error
	// Restart names the settings that differ from those in use until the gateway is restarted.
	Restart string
}

// Note counts one.
func (r *Reloads) Note(at time.Time, restart string, err error) {
	r.At, r.Err = at, err
	if err != nil {
		r.Failed++
		return
	}
	r.Done++
	r.Restart = restart
}

func (r *Reloads) append(b []byte) []byte {
	last := "none"
	switch {
	case r.At.IsZero():
	case r.Err != nil:
		last = "failed"
	default:
		last = "ok"
	}
	return fmt.Appendf(b, "reloads:%d\r\nreloads_failed:%d\r\nreload_last:%s\r\nreload_needs_restart:%s\r\n", r.Done,
		r.Failed, last, r.Restart)
}
