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
	// uses has the files that are to be written from now on.
	uses chan auditUse
	// ended is closed when the last entry is written.
	ended  chan struct{}
	name   string
	out    io.WriteCloser // nil: there is no audit log
	lost   atomic.Uint64
	logger hclog.Logger
}

// auditUse is a file of the audit log.
type auditUse struct {
	name string
	out  io.WriteCloser
}

// auditWaiting is how many entries may wait to be written.
const auditWaiting = 4096

// newAudit opens the audit log; without a name it has none, until use.
func newAudit(name string, logger hclog.Logger) (*audit, error) {
	out, err := openAudit(name)
	return &audit{entries: make(chan policy.Event, auditWaiting), reopens: make(chan chan error),
		uses: make(chan auditUse), ended: make(chan struct{}), name: name, out: out, logger: logger}, err
}

// openAudit opens the file of an audit log; nil without a name.
func openAudit(name string) (io.WriteCloser, error) {
	switch name {
	case "":
		return nil, nil
	case config.AuditStdout:
		return os.Stdout, nil
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit-log: %w", err)
	}
	return file, nil
}

// use has entries written to another file, which is open, from now on; nil: to none. Only after Start.
func (a *audit) use(name string, out io.WriteCloser) {
	select {
	case a.uses <- auditUse{name, out}:
	case <-a.ended:
		closeAudit(out)
	}
}

// closeAudit closes a file, if it is one; everything was written without a buffer.
func closeAudit(out io.WriteCloser) {
	if out != nil && out != os.Stdout {
		_ = out.Close()
	}
}

// ReopenAudit opens the file of the audit log under its name, after a tool has renamed the old file. After an error the
// old one stays in use. Without such a file, or after Close, it does nothing. Only after Start.
func (a *audit) ReopenAudit() error {
	outcome := make(chan error, 1)
	select {
	case a.reopens <- outcome:
		return <-outcome
	case <-a.ended:
		return nil
	}
}

// note takes an entry. It never blocks.
func (a *audit) note(e policy.Event) {
	select {
	case a.entries <- e:
	default:
		a.lost.Add(1)
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
				closeAudit(a.out)
				close(a.ended)
				return
			}
			failed = a.write(e, failed)
		case outcome := <-a.reopens:
			out, err := openAudit(a.name)
			if err == nil {
				closeAudit(a.out)
				a.out = out
			}
			outcome <- err
		case u := <-a.uses:
			closeAudit(a.out)
			a.name, a.out = u.name, u.out
		}
	}
}

// end ends run when all entries are written. No worker may note one any more.
func (a *audit) end() { close(a.entries) }

// write writes one entry, and logs the first failure of several.
func (a *audit) write(e policy.Event, failed bool) bool {
	a.logLost()
	if a.out == nil { // it was turned off meanwhile
		return failed
	}
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
