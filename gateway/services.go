package gateway

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"evergate/gateway/config"
	"evergate/gateway/direct"
	"evergate/gateway/gates"
	"evergate/gateway/loop"
	"evergate/gateway/outage"
	"evergate/gateway/shared"
	"evergate/gateway/worker"
	"evergate/topology"
)

// Services are added and removed while the gateway runs. A new one is a value in the roster, and a keeper; the
// workers know it before its listeners accept. One that was removed is drained by itself: its clients end at a command
// boundary, then the connections to its servers. Its numbers are never given to another one, so that nothing that
// comes late can reach the wrong servers; placesMore bounds them.

// placesMore is how many sub-services can be added to those of the start: two for each service.
const placesMore = 2 * 512

// prepare makes what a new service of the roster needs, with these settings. Nothing of it runs yet.
func (g *Gateway) prepare(s *service, c *config.Service, tls *tlsOf, made gatesOf) {
	s.use(c, tls)
	s.gate, s.facadeGate = made.own, made.facade
	s.scripts, s.unserved, s.measured = shared.NewScripts(), outage.NewService(g.logger, s.name), newMeasuredOf(g, s)
	s.Watched = g.watch.Add(watchedBy(s))
	s.direct = direct.New(direct.About{
		Name: s.name, Logger: g.logger, Conf: s.conf, View: s.view, Ask: s.Ask, AskMany: s.AskMany,
		Aside: g.aside,
	})
	g.followOffsets(s)
	k := s.Keeper
	k.OnView(func(v *topology.View) {
		if g.logger.IsDebug() {
			g.logger.Named("topology").Debug("view published", "service", s.name, "epoch", v.Epoch, "shards", v.String())
		}
		g.descriptors.Seen(s.name, v)
		noteEviction(g, s, v)
		g.wake()
		g.mu.Lock()
		hooks := g.onView
		g.mu.Unlock()
		for _, f := range hooks {
			f(s.name, v)
		}
	})
	k.OnEvent(s.failovers.Note)
	g.observe(s)
	k.OnEvent(s.unserved.NoteCause)
	k.SetWorkers(g.conf().Workers)
}

// runService runs what a service needs beside its keeper until the gateway ends, or the service.
func (g *Gateway) runService(ctx context.Context, s *service) {
	ctx, s.end = context.WithCancel(ctx)
	g.run(func() { s.unserved.Run(ctx, s.view) })
	g.run(func() { s.poller.Run(ctx) })
	g.run(func() { s.gate.Follow(ctx, g.logger.Named(s.name), g.wake) })
	g.run(func() { s.facadeGate.Follow(ctx, g.logger.Named(s.name), g.wake) })
}

// newNowhere returns the service that stands for those that are gone: it has no servers, and is not in the settings.
func (g *Gateway) newNowhere() (*service, error) {
	s := &service{}
	s.beginFreshness()
	nobody, err := gates.New(gates.Source{})
	if err != nil {
		return nil, err
	}
	g.prepare(s, &config.Service{}, &tlsOf{}, gatesOf{nobody, nobody})
	g.watch.End(s.Watched)
	return s, nil
}

// begin begins to serve a new service, which is in the roster.
func (g *Gateway) begin(s *service) {
	g.watch.Begin(s.Watched)
	g.runService(g.ctx, s)
	g.logger.Info("service added", "service", s.name)
}

// sameUpstream reports whether the topology of a service is found in the same way by two settings.
func sameUpstream(a, b *config.Service) bool {
	return a.MasterName == b.MasterName && a.Primary == b.Primary && a.Confirm == b.Confirm &&
		a.FenceMinority == b.FenceMinority && a.Zone == b.Zone && maps.Equal(a.ZoneMap, b.ZoneMap) &&
		slices.Equal(a.Sentinels, b.Sentinels) && slices.Equal(a.Cluster, b.Cluster) &&
		slices.Equal(a.Replicas, b.Replicas) && maps.Equal(a.AddressMap, b.AddressMap) &&
		a.UpstreamTLS.Enabled == b.UpstreamTLS.Enabled && reflect.DeepEqual(a.SentinelTLS, b.SentinelTLS)
}

// change has the topology of a service found by its present settings.
func (g *Gateway) change(s *service) {
	g.descriptors.Expect(s.conf())
	g.watch.Change(s.Watched, watchedBy(s))
	s.observed.Renew()
}

// remove ends a service that is not in the roster any more, as Drain does: its clients have half of the setting
// drain-timeout to come to an end of what they do, and the rest of it for what is under way then. It returns when
// nothing of it is left.
func (g *Gateway) remove(s *service, gone []listener) {
	began, patience := time.Now(), g.conf().DrainTimeout
	for _, ln := range gone {
		ln.life.end()
	}
	for _, ln := range gone {
		ln.life.entering.Wait()
	}
	if !g.settle() { // the workers know all clients that were accepted
		return
	}
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	most := g.mostAtOnce(patience)
	for left := 1; left > 0; {
		since := time.Since(began)
		left = 0
		for i, l := range g.loops {
			n, ok := onLoop(g, l, func(w *worker.Worker) int {
				return worker.Remove(w, s.parts[:], since >= patience/2, since >= patience, most[i])
			})
			if !ok {
				return
			}
			left += n
		}
		select {
		case <-g.ctx.Done():
			return
		case <-tick.C:
		}
	}
	g.forget(s)
	g.logger.Info("service removed", "service", s.name, "duration", time.Since(began).Round(time.Millisecond).String())
}

// forget forgets a service of which the workers have nothing any more.
func (g *Gateway) forget(s *service) {
	g.reloading.Lock()
	defer g.reloading.Unlock()
	g.roster.Store(g.roster.Load().without(s, g.nowhere))
	g.directory.Store(g.directory.Load().without(s, g.nowhere))
	s.end()
	g.watch.End(s.Watched)
	g.userMemory.forget(s)
	if g.roster.Load().named(s.name) == nil { // if not, it was added again
		g.descriptors.Forget(s.name)
	}
}

// onLoop calls f on a worker's goroutine, and returns its result; false if the gateway was closed meanwhile.
func onLoop[T any](g *Gateway, l loop.Loop, f func(*worker.Worker) T) (result T, ok bool) {
	done := make(chan T, 1)
	l.Post(func(w *worker.Worker) { done <- f(w) })
	select {
	case result = <-done:
		return result, true
	case <-g.ctx.Done():
		return result, false
	}
}
