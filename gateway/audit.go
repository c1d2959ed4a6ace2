package gateway

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/config"
	"evergate/gateway/policy"
)

// audit writes the audit log: one line of JSON for each denied and each dangerous command. A worker does not wait for
// it: entries that come faster than they can be written are left out, and their number is logged.
type audit struct {
	entries chan policy.Event
	// reopens has a channel for the outcome of each request to open the file again.
	reopens chan chan error
	// ended is closed when the last entry is written.
	ended  chan struct{}
	name   string
	out    io.WriteCloser
	lost   atomic.Uint64
	logger hclog.Logger
}

// auditWaiting is how many entries may wait to be written.
const auditWaiting = 4096

// newAudit opens the audit log; nil without one.
func newAudit(name string, logger hclog.Logger) (*audit, error) {
	a := &audit{entries: make(chan policy.Event, auditWaiting), reopens: make(chan chan error),
		ended: make(chan struct{}), name: name, out: os.Stdout, logger: logger}
	if name == "" {
		return nil, nil
	}
	return a, a.open()
}

// open opens the file, and closes the one that was open before. After an error that one stays in use.
func (a *audit) open() error {
	if a.name == config.AuditStdout {
		return nil
	}
	file, err := os.OpenFile(a.name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("audit-log: %w", err)
	}
	a.close()
	a.out = file
	return nil
}

// close closes the file, if there is one; everything was written without a buffer.
func (a *audit) close() {
	if a.out != os.Stdout {
		_ = a.out.Close()
	}
}

// ReopenAudit opens the file of the audit log under its name, after a tool has renamed the old file. After an error the
// old one stays in use. Without such a file, or after Close, it does nothing. Only after Start.
func (a *audit) ReopenAudit() error {
	if a == nil {
		return nil
	}
	outcome := make(chan error, 1)
	select {
	case a.reopens <- outcome:
		return <-outcome
	case <-a.ended:
		return nil
	}
}

// note returns what workers call for each entry; nil without an audit log.
func (a *audit) note() func(policy.Event) {
	if a == nil {
		return nil
	}
	return func(e policy.Event) {
		select {
		case a.entries <- e:
		default:
			a.lost.Add(1)
		}
	}
}

// run writes the entries until the end, that of the last one.
func (a *audit) run() {
	failed := false
	for {
		select {
		case e, more := <-a.entries:
			if !more {
				a.logLost()
				a.close()
				close(a.ended)
				return
			}
			failed = a.write(e, failed)
		case outcome := <-a.reopens:
			outcome <- a.open()
		}
	}
}

// end ends run when all entries are written. No worker may note one any more.
func (a *audit) end() {
	if a != nil {
		close(a.entries)
	}
}

// write writes one entry, and logs the first failure of several.
func (a *audit) write(e policy.Event, failed bool) bool {
	a.logLost()
	line, err := json.Marshal(e)
	if err == nil {
		_, err = a.out.Write(append(line, '\n'))
	}
	if err != nil && !failed {
		a.logger.Error("audit log failed", "error", err.Error())
	}
	return err != nil
}

func (a *audit) logLost() {
	if n := a.lost.Swap(0); n > 0 {
		a.logger.Warn("audit entries left out", "entries", n)
	}
}
