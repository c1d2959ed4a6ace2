package main

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"evergate/cmd/evergate/adminclient"
	"evergate/cmd/evergate/top"
	"evergate/gateway/api"
)

const (
	// pollEvery is how often a follower asks for what no event brings.
	pollEvery = 2 * time.Second
	// retryEvery is how long a follower waits before it asks a gateway again that it could not reach.
	retryEvery = time.Second
	// seriesAtStart is how many seconds of the past the charts begin with.
	seriesAtStart = 120
)

// once returns what a gateway reports, or why it does not.
func once(ctx context.Context, c *adminclient.Client) top.News {
	overview, services, failovers, series := new(api.Overview), new(api.Services), new(api.Failovers), new(api.Series)
	for path, into := range map[string]any{api.PathOverview: overview, api.PathServices: services,
		api.PathFailovers: failovers, api.PathSeries + "?seconds=" + strconv.Itoa(seriesAtStart): series} {
		if err := c.Get(ctx, path, into); err != nil {
			return top.News{At: time.Now(), Lost: err}
		}
	}
	return top.News{At: time.Now(), Overview: overview, Services: services, Failovers: failovers, Series: series}
}

// follower asks one gateway, for as long as the screen is shown.
type follower struct {
	client *adminclient.Client
	// wanted is what the screen shows, in addition; changed has a value if it is something else than before.
	mu      sync.Mutex
	wanted  top.Want
	changed chan struct{}
}

func newFollower(c *adminclient.Client) *follower {
	return &follower{client: c, changed: make(chan struct{}, 1)}
}

// want makes the follower ask for something as well, at once if that is new.
func (f *follower) want(want top.Want) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.wanted == want {
		return
	}
	f.wanted = want
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// run passes on what the gateway reports, until the context ends.
func (f *follower) run(ctx context.Context, take func(top.News)) {
	defer f.client.Close()
	for {
		err := f.follow(ctx, take)
		if ctx.Err() != nil {
			return
		}
		take(top.News{At: time.Now(), Lost: err})
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryEvery):
		}
	}
}

// follow listens to the stream and asks for the rest, until one of them fails. The stream is open before the first
// answer, so that nothing is missed between them.
func (f *follower) follow(ctx context.Context, take func(top.News)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	streaming := sync.WaitGroup{}
	defer streaming.Wait()
	defer cancel(nil)
	opened := make(chan struct{})
	streaming.Go(func() {
		cancel(f.client.Events(ctx, func() { close(opened) }, func(kind string, data []byte) error {
			return passOn(kind, data, take)
		}))
	})
	select {
	case <-opened:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if n := once(ctx, f.client); n.Lost == nil {
		take(n)
	} else {
		cancel(n.Lost) // unless the stream has ended before, which is why then
	}
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		if err := f.ask(ctx, take); err != nil {
			cancel(err)
		}
		select {
		case <-poll.C:
		case <-f.changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// passOn decodes an event. Kinds that it does not know are skipped.
func passOn(kind string, data []byte, take func(top.News)) error {
	switch kind {
	case api.EventSample:
		sample := new(api.Sample)
		if err := json.Unmarshal(data, sample); err != nil {
			return err
		}
		take(top.News{At: time.Now(), Sample: sample})
	case api.EventTopology:
		service := new(api.Service)
		if err := json.Unmarshal(data, service); err != nil {
			return err
		}
		take(top.News{At: time.Now(), Service: service})
	case api.EventFailover:
		failover := new(api.Failover)
		if err := json.Unmarshal(data, failover); err != nil {
			return err
		}
		take(top.News{At: time.Now(), Failover: failover})
	}
	return nil
}

// ask asks for what no event brings, and for what the screen shows.
func (f *follower) ask(ctx context.Context, take func(top.News)) error {
	overview, services := new(api.Overview), new(api.Services)
	if err := f.client.Get(ctx, api.PathOverview, overview); err != nil {
		return err
	}
	if err := f.client.Get(ctx, api.PathServices, services); err != nil {
		return err
	}
	take(top.News{At: time.Now(), Overview: overview, Services: services})
	f.mu.Lock()
	want := f.wanted
	f.mu.Unlock()
	switch want.Path {
	case api.PathSlowlog:
		answer := new(api.Slowlog)
		if err := f.client.Get(ctx, want.Path+want.Query, answer); err != nil {
			return err
		}
		take(top.News{At: time.Now(), Slowlog: answer})
	case api.PathHotkeys:
		answer := new(api.HotKeys)
		if err := f.client.Get(ctx, want.Path+want.Query, answer); err != nil {
			return err
		}
		take(top.News{At: time.Now(), HotKeys: answer})
	case api.PathClients:
		answer := new(api.Clients)
		if err := f.client.Get(ctx, want.Path+want.Query, answer); err != nil {
			return err
		}
		take(top.News{At: time.Now(), Clients: answer})
	}
	return nil
}
