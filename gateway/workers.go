package gateway

import (
	"time"

	"evergate/gateway/account"
	"evergate/gateway/config"
	"evergate/gateway/measured"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/worker"
)

// configureWorkers has the workers take settings at the beginning of a round.
func configureWorkers(g *Gateway, c *config.Gateway) {
	known, r := g.directory.Load().known, g.roster.Load()
	for i := range g.workers {
		exceeded := func() { g.memoryExceeded(i) }
		fresh := workerConfig(c, r, g.places, known, &userBounds{
			memories: &g.userMemory, workers: c.Workers, exceeded: exceeded, of: map[userName]*account.Bound{},
		})
		fresh.ClientMemory = account.Bound{
			Max: int(c.Limits.ClientMemoryMax), Workers: c.Workers, Exceeded: exceeded,
			Add: func(more int) int { return int(g.clientMemory.Add(int64(more))) },
		}
		g.workers[i].Store(&fresh)
	}
}

// workerConfig is what all workers have in common, with the settings of a roster.
func workerConfig(conf *config.Gateway, r *roster, places int, listeners []worker.Listener,
	bounds *userBounds) worker.Config {
	limits := resp.DefaultLimits()
	limits.BulkBytesMax = conf.Limits.BulkBytesMax
	c := worker.Config{
		Places: places,
		Limits: limits, QueryBytesMax: int(conf.Limits.QueryBytesMax), OutputBytesMax: int(conf.Limits.OutputBytesMax),
		PushBytesMax:    int(conf.Limits.PushBytesMax),
		HoldSessionsMax: share(conf.Limits.HoldSessionsMax, conf.Workers),
		HoldBytesMax:    share(conf.Limits.HoldBytesMax, conf.Workers),
		DedicatedMax:    share(conf.Limits.PrivateMax, conf.Workers),
		UsersMax:        usersMax,
		IdleMax:         conf.Limits.IdleMax, AuthMax: conf.Limits.AuthMax, Listeners: listeners,
		OutputSoft: softLimit(conf.Limits.OutputSoft), PushSoft: softLimit(conf.Limits.PushSoft),
		Unaudited: conf.AuditLog == "", HotKeys: conf.HotKeys == config.On,
		SlowerThan: measured.SlowerThan(conf),
	}
	lost := map[config.BlockingLost]sessions.BlockingLost{
		config.BlockingClose: sessions.CloseClient, config.BlockingError: sessions.AnswerUncertain,
	}
	for i := range r.parts {
		p := &r.parts[i]
		s := p.service.now(r.settings(p.service, conf))
		c.Services = append(c.Services, worker.Service{
			Name: s.Name, Reading: s.ReadingAt(""), Fresh: p.service.fresh, Kill: &p.service.kill,
			Users: userTermsOf(s, p, bounds), Hedge: s.Hedge,
			Hold: session.Hold(s.Hold), SilentAfter: s.SilentAfter, CloseOnGap: s.OnGap == config.GapClose,
			Acks: s.Acks.At(""), BlockingLost: lost[s.BlockingLost], Allowed: s.Allowed(), Pass: s.Passes() && !p.sentinel,
		})
	}
	return c
}

// newWorker makes the worker of a loop.
func (g *Gateway) newWorker(loop int) *worker.Worker {
	c := *g.workers[loop].Load()
	c.Seed = uint64(loop) + uint64(time.Now().UnixNano())
	return worker.New(c, g.env(loop))
}
