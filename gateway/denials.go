package gateway

import (
	"slices"
	"sync"

	"evergate/gateway/access"
)

// denials is the log of a service's requests that a user's rights did not allow: all workers write to it.
type denials struct {
	mu  sync.Mutex
	log access.Log
}

func (d *denials) note(e access.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log.Add(e)
}

// entries returns a copy of all entries, newest first.
func (d *denials) entries() []access.Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.log.Entries())
}

func (d *denials) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log.Reset()
}
