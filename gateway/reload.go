package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/config"
	"evergate/gateway/status"
	"evergate/gateway/worker"
)

// inUse has the settings in use. What it points to never changes.
type inUse struct {
	current atomic.Pointer[config.Gateway]
}

// conf are the settings in use; they must not be changed.
func (u *inUse) conf() *config.Gateway { return u.current.Load() }

// Config returns the settings in use, with all defaults.
func (u *inUse) Config() config.Gateway { return *u.conf() }

// reloads replaces the settings of a gateway.
type reloads struct {
	g         *Gateway
	reloading sync.Mutex // held by Reload
	cores     int        // what Workers means if it is 0

	noted   sync.Mutex // guards outcome
	outcome status.Reloads
}

// errStopping is the error of a reload that comes too late.
var errStopping = errors.New("the gateway is stopping")

// prepared is all of a reload that can fail.
type prepared struct {
	conf     config.Gateway
	material *material
	gates    []*gate
	audit    io.WriteCloser // of an audit log of another name; nil for none, and for the same
}

// Reload replaces the settings. All of them are checked before the first is replaced: after an error the old ones
// stay in use, all of them. The changes are those that were made, and those that need a restart; these keep their old
// values. It returns when every worker uses the new settings. No client is closed but those whose users are gone.
func (r *reloads) Reload(fresh config.Gateway) (config.Changes, error) {
	r.reloading.Lock()
	defer r.reloading.Unlock()
	fresh = fresh.Filled()
	fresh.Workers = cmp.Or(fresh.Workers, r.cores)
	changes, err := r.reload(fresh)
	r.noted.Lock()
	defer r.noted.Unlock()
	r.outcome.Note(time.Now(), config.Names(changes.Restart), err)
	return changes, err
}

func (r *reloads) reload(fresh config.Gateway) (changes config.Changes, err error) {
	g := r.g
	g.mu.Lock()
	stopping := g.stopping
	g.mu.Unlock()
	if stopping {
		return changes, errStopping
	}
	if err := fresh.Validate(); err != nil {
		return changes, err
	}
	p := prepared{}
	p.conf, changes = g.conf().Reloaded(fresh)
	if err := p.conf.Validate(); err != nil {
		return changes, fmt.Errorf("without a restart (%s) the rest does not fit: %w", config.Names(changes.Restart), err)
	}
	if p.material, err = newMaterial(p.conf.Services, g.material.Load()); err != nil {
		return changes, err
	}
	if p.gates, err = newGates(&p.conf, g.subServices); err != nil {
		return changes, err
	}
	if p.conf.AuditLog != g.conf().AuditLog {
		if p.audit, err = openAudit(p.conf.AuditLog); err != nil {
			return changes, err
		}
	}
	r.take(&p)
	return changes, nil
}

// take puts what was prepared to use.
func (r *reloads) take(p *prepared) {
	g, was := r.g, r.g.conf()
	if p.conf.AuditLog != was.AuditLog {
		g.audit.use(p.conf.AuditLog, p.audit)
	}
	g.current.Store(&p.conf)
	g.logger.SetLevel(hclog.LevelFromString(p.conf.LogLevel))
	g.material.Store(p.material)
	select {
	case g.readCerts <- struct{}{}:
	default: // it is about to look
	}
	g.accounts.SetOfAddress(p.conf.Limits.AddressRate.Limit())
	g.addresses.SetMost(p.conf.Limits.ClientsPerAddress)
	g.handshakes.SetTimeout(p.conf.Limits.HandshakeMax)
	g.descriptors.clients.Store(int64(p.conf.Limits.ClientsMax))
	g.descriptors.warn(g.logger)
	g.mu.Lock()
	for _, ln := range g.listeners {
		ln.use(&p.conf, p.material)
	}
	g.mu.Unlock()
	for i, gt := range g.gates {
		if slices.Index(g.gates, gt) == i {
			gt.replace(p.gates[i])
		}
	}
	g.switchMeasured(was, &p.conf)
	configureWorkers(g, &p.conf)
	g.wake()
	r.settle()
}

// settle returns when every worker has begun a round after now, or has not for a long time.
func (r *reloads) settle() {
	done := make(chan struct{}, len(r.g.loops))
	for _, l := range r.g.loops {
		// The first function may be called at the end of a round that began before.
		l.Post(func(*worker.Worker) { l.Post(func(*worker.Worker) { done <- struct{}{} }) })
	}
	late := time.After(settleMax)
	for range r.g.loops {
		select {
		case <-done:
		case <-late: // a loop that has ended calls nothing
			return
		}
	}
}

// settleMax is how long a reload waits for the workers.
const settleMax = 5 * time.Second

// lastReload returns how often the settings were reloaded, and how the last time ended.
func (r *reloads) lastReload() status.Reloads {
	r.noted.Lock()
	defer r.noted.Unlock()
	return r.outcome
}
