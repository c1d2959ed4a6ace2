package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/api"
	"evergate/gateway/config"
	"evergate/gateway/observe"
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

	// reloader is what Reloader was given.
	reloader atomic.Pointer[func(context.Context) (api.Reload, error)]

	noted   sync.Mutex // guards outcome
	outcome status.Reloads
}

// errNotRunning is the error of a reload that comes too early or too late.
var errNotRunning = errors.New("the gateway does not run any more")

// prepared is all of a reload that can fail.
type prepared struct {
	conf     config.Gateway
	roster   *roster
	material *material
	gates    []gatesOf
	audit    io.WriteCloser // of an audit log of another name; nil for none, and for the same
	// directory and listeners are those of the new settings; some of them are open already.
	directory *directory
	listeners []listener
	admin     *observe.Opened
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
	r.note(changes, err)
	return changes, err
}

// Reloader has the HTTP server call f when an operator asks for a reload: f reads the settings again and calls Reload.
// Without it, no such request is served. Any time.
func (r *reloads) Reloader(f func(context.Context) (api.Reload, error)) { r.reloader.Store(&f) }

// askToReload calls the Reloader.
func (r *reloads) askToReload(ctx context.Context) (api.Reload, error) {
	if f := r.reloader.Load(); f != nil {
		return (*f)(ctx)
	}
	return api.Reload{}, errors.New("this gateway has no settings that it could read again")
}

// ReloadFailed counts a reload whose settings could not be read, so that Reload was not called.
func (r *reloads) ReloadFailed(err error) { r.note(config.Changes{}, err) }

func (r *reloads) note(changes config.Changes, err error) {
	r.noted.Lock()
	defer r.noted.Unlock()
	r.outcome.Note(time.Now(), config.Names(changes.Restart), err)
}

func (r *reloads) reload(fresh config.Gateway) (changes config.Changes, err error) {
	g := r.g
	g.mu.Lock()
	open, ends := g.listeners, g.stopping || g.ctx == nil
	g.mu.Unlock()
	if ends {
		return changes, errNotRunning
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
	if p.roster = g.roster.Load().with(&p.conf); len(p.roster.parts) > g.places {
		return changes, fmt.Errorf("services were added %d times since the start, as often as can be: only a restart can "+
			"add more", (len(p.roster.parts)-(g.places-placesMore))/2)
	}
	p.directory = g.directory.Load().with(&p.conf, p.roster)
	if p.gates, err = newGates(&p.conf, p.roster, p.directory); err != nil {
		return changes, err
	}
	if p.conf.AuditLog != g.conf().AuditLog {
		if p.audit, err = openAudit(p.conf.AuditLog); err != nil {
			return changes, err
		}
	}
	if p.admin, err = g.observer.Open(&p.conf.Admin, listenOn); err != nil {
		closeAudit(p.audit)
		return changes, err
	}
	none := func(*config.Service) map[string]net.Listener { return nil }
	if p.listeners, err = openListeners(&p.conf, p.roster, p.directory, open, none); err != nil {
		closeAudit(p.audit)
		p.admin.Drop()
		return changes, err
	}
	p.directory.announce(&p.conf, p.roster.services, p.listeners)
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
	p.admin.Use()
	g.logger.SetLevel(hclog.LevelFromString(p.conf.LogLevel))
	g.material.Store(p.material)
	select {
	case g.readCerts <- struct{}{}:
	default: // it is about to look
	}
	g.accounts.SetOfAddress(p.conf.Limits.AddressRate.Limit())
	g.addresses.SetMost(p.conf.Limits.ClientsPerAddress)
	g.handshakes.SetTimeout(p.conf.Limits.HandshakeMax)
	g.descriptors.SetClients(p.conf.Limits.ClientsMax)
	g.descriptors.SetAdmin(adminDescriptors(&p.conf))
	g.descriptors.Warn(g.logger)
	g.watch.SetTimes(p.conf.DialTimeout, p.conf.RefreshInterval)
	sameTimes := was.DialTimeout == p.conf.DialTimeout && was.RefreshInterval == p.conf.RefreshInterval
	old := g.roster.Load()
	added := slices.DeleteFunc(slices.Clone(p.roster.services), old.has)
	for i, s := range p.roster.services {
		if old.has(s) {
			was := s.conf()
			s.use(&p.conf.Services[i], p.material.of[i])
			s.replace(p.gates[i])
			reportReads(g, s)
			if !sameTimes || !sameUpstream(was, s.conf()) {
				g.change(s)
			}
			continue
		}
		g.descriptors.Expect(&p.conf.Services[i])
		g.prepare(s, &p.conf.Services[i], p.material.of[i], p.gates[i])
	}
	for i := range p.listeners {
		ln := &p.listeners[i]
		ln.use(ln.service.conf(), ln.service.tls.Load())
	}
	g.directory.Store(p.directory)
	g.roster.Store(p.roster)
	for _, s := range added {
		g.begin(s)
	}
	g.UseSettings(was, &p.conf)
	configureWorkers(g, &p.conf)
	g.wake()
	if !g.settle() {
		return
	}
	closed := r.listen(p.listeners)
	for _, s := range old.services {
		if !p.roster.has(s) {
			of := slices.DeleteFunc(slices.Clone(closed), func(ln listener) bool { return ln.service != s })
			g.run(func() { g.remove(s, of) })
		}
	}
}

// listen accepts clients at new listeners, which the workers know, and stops to at those that are gone. It returns
// these.
func (r *reloads) listen(all []listener) (closed []listener) {
	g := r.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopping { // meanwhile
		closeBeside(all, g.listeners)
		return nil
	}
	for _, ln := range beside(all, g.listeners) {
		g.acceptAt(g.accepting, ln)
		g.logger.Info("listener opened", "address", ln.Addr().String(), "service", ln.service.name)
	}
	closed = beside(g.listeners, all)
	g.passPaths(closed, all)
	for _, ln := range closed {
		_ = ln.Close()
		g.logger.Info("listener closed", "address", ln.Addr().String(), "service", ln.service.name)
	}
	g.listeners = all
	return closed
}

// settle returns when every worker has begun a round after now. It returns false if the gateway was closed meanwhile.
func (g *Gateway) settle() bool {
	done := make(chan struct{}, len(g.loops))
	for _, l := range g.loops {
		// The first function may be called at the end of a round that began before.
		l.Post(func(*worker.Worker) { l.Post(func(*worker.Worker) { done <- struct{}{} }) })
	}
	for range g.loops {
		select {
		case <-done:
		case <-g.ctx.Done(): // a loop that has ended calls nothing
			return false
		}
	}
	return true
}

// lastReload returns how often the settings were reloaded, and how the last time ended.
func (r *reloads) lastReload() status.Reloads {
	r.noted.Lock()
	defer r.noted.Unlock()
	return r.outcome
}
