package shared

import (
	"slices"
	"sync"

	"evergate/gateway/access"
)

// Denials is the log of a service's requests that a user's rights did not allow (ACL LOG). The zero value is empty.
type Denials struct {
	mu  sync.Mutex
	log access.Log
}

// Note adds an entry.
func (d *Denials) Note(e access.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log.Add(e)
}

// Entries returns a copy of all entries, newest first.
func (d *Denials) Entries() []access.Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.log.Entries())
}

// Forget removes all entries.
func (d *Denials) Forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log.Reset()
}
