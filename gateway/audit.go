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
	out     io.WriteCloser
	lost    atomic.Uint64
	logger  hclog.Logger
}

// auditWaiting is how many entries may wait to be written.
const auditWaiting = 4096

// newAudit opens the audit log; nil without one.
func newAudit(name string, logger hclog.Logger) (*audit, error) {
	a := &audit{entries: make(chan policy.Event, auditWaiting), out: os.Stdout, logger: logger}
	switch name {
	case "":
		return nil, nil
	case config.AuditStdout:
		return a, nil
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit-log: %w", err)
	}
	a.out = file
	return a, nil
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
	for e := range a.entries {
		failed = a.write(e, failed)
	}
	a.logLost()
	if a.out != os.Stdout {
		_ = a.out.Close() // everything was written without a buffer
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
