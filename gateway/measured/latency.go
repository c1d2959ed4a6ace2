package measured

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/latency"
	"evergate/gateway/resp"
	"evergate/routing"
)

// Events of LATENCY that are the gateway's own: for how long the requests of a shard were held in a failover, or until
// its primary turned out to have stayed.
const (
	eventFailover = "failover"
	eventHold     = "hold"
)

// latencyState is what LATENCY has reset of a service.
type latencyState struct {
	mu sync.Mutex
	// reset is when LATENCY RESET was last called for each event.
	reset map[string]time.Time
}

// ServeLatency serves LATENCY. The histograms are of requests as clients saw them. Events are the gateway's, and those
// that the servers have noticed by themselves, as far as they can be asked: what a server does meanwhile is not known
// to the gateway.
func (m *Measured) ServeLatency(ctx context.Context, r *admin.Request) []byte {
	service := m.env.Service(r.Services[0])
	if r.Command == routing.CmdLatencyHistogram {
		times, ok := m.times(ctx, service)
		if !ok {
			return nil
		}
		return latency.AppendHistograms(nil, int(r.Proto), commandTimes(times, r.Words[1:]))
	}
	own := m.events(service)
	if r.Command == routing.CmdLatencyReset {
		return m.resetLatency(ctx, service, own, r)
	}
	all, _ := service.Ask(ctx, append([]string{"LATENCY"}, r.Words...))
	switch r.Command {
	case routing.CmdLatencyLatest:
		for i := range all {
			own = append(own, latestOf(all[i].Reply)...)
		}
		return latency.AppendLatest(nil, own)
	case routing.CmdLatencyHistory:
		samples := eventNamed(own, r.Words[1]).Samples
		for i := range all {
			samples = append(samples, historyOf(all[i].Reply)...)
		}
		return latency.AppendHistory(nil, samples)
	}
	return m.latencyText(r, own, all)
}

// askEvery is the time between two attempts to reset the events of servers.
const askEvery = 100 * time.Millisecond

// resetLatency serves LATENCY RESET. It waits for primaries as long as a request would: otherwise events of one that
// does not answer would be shown again later. A server that rejects the command shows none here.
func (m *Measured) resetLatency(ctx context.Context, service *Service, own []latency.Event, r *admin.Request) []byte {
	n, deadline := int64(m.resetEvents(service, own, r.Words[1:])), time.Now().Add(r.Patience)
	for {
		all, why := service.Ask(ctx, append([]string{"LATENCY"}, r.Words...))
		for i := range all {
			if more, ok := all[i].Reply.(int64); ok {
				n += more
			}
		}
		switch {
		case why == "":
			return resp.AppendInt(nil, n)
		case !time.Now().Before(deadline):
			return resp.AppendError(nil, "ERR evergate: LATENCY RESET was not executed on all servers: "+why)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(askEvery):
		}
	}
}

// latencyText answers LATENCY GRAPH and DOCTOR: the gateway's part first, then each server's.
func (m *Measured) latencyText(r *admin.Request, own []latency.Event, all []Reply) []byte {
	var texts []string
	if r.Command == routing.CmdLatencyDoctor {
		texts = append(texts, "This gateway: "+latency.Doctor(own))
	} else if e := eventNamed(own, r.Words[1]); len(e.Samples) > 0 {
		texts = append(texts, e.Graph(time.Now().Unix()))
	}
	for i := range all {
		if text, ok := all[i].Reply.(string); ok {
			texts = append(texts, all[i].Addr+": "+text)
		}
	}
	if len(texts) == 0 {
		return resp.AppendError(nil, "ERR No samples available for event '"+string(resp.Cut([]byte(r.Words[1]), 128))+"'")
	}
	return r.Text([]byte(strings.Join(texts, "\n")))
}

// events are the gateway's own of a service since their last reset.
func (m *Measured) events(service *Service) []latency.Event {
	failover, hold := latency.Event{Name: eventFailover}, latency.Event{Name: eventHold}
	s := &service.times
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range service.Holds() {
		e := &failover
		if h.Kept {
			e = &hold
		}
		if h.Ended.After(s.reset[e.Name]) {
			e.Add(h.Ended, h.Took)
		}
	}
	return []latency.Event{failover, hold}
}

func eventNamed(all []latency.Event, name string) (e latency.Event) {
	if at := slices.IndexFunc(all, func(e latency.Event) bool { return e.Name == name }); at >= 0 {
		e = all[at]
	}
	return e
}

// resetEvents forgets what there is of some events, of all if none is named, and returns of how many.
func (m *Measured) resetEvents(service *Service, own []latency.Event, names []string) (n int) {
	s := &service.times
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reset == nil {
		s.reset = map[string]time.Time{}
	}
	for _, e := range own {
		if len(e.Samples) > 0 && (len(names) == 0 || slices.Contains(names, e.Name)) {
			s.reset[e.Name] = time.Now()
			n++
		}
	}
	return n
}

// times sums the times of the commands of a service since the last CONFIG RESETSTAT over all workers, by the Index of
// their rows. It waits for each worker, however busy it is: a sum without one would be wrong. It returns false if ctx
// ends before.
func (m *Measured) times(ctx context.Context, service *Service) (sums []*latency.Histogram, ok bool) {
	all := make(chan []admin.Partial, 1)
	m.env.Gather(&admin.Request{Kind: admin.Latency, Services: service.Parts}, func(partials []admin.Partial) {
		all <- partials
	})
	sums = make([]*latency.Histogram, len(routing.Rows())+1)
	select {
	case <-ctx.Done():
		return nil, false
	case partials := <-all:
		for _, p := range partials {
			for i, h := range p.Times {
				latency.Sum(&sums[i], h)
			}
		}
	}
	return sums, true
}

// commandTimes are those of the times of commands, by the Index of their rows, that have one of these names or are
// subcommands of one; all without names.
func commandTimes(times []*latency.Histogram, names []string) (list []latency.Command) {
	for i, h := range times {
		name := "other"
		if i > 0 {
			name = routing.Rows()[i-1].Name
		}
		container, _, _ := strings.Cut(name, "|")
		asked := len(names) == 0 || slices.ContainsFunc(names, func(n string) bool {
			return strings.EqualFold(n, name) || strings.EqualFold(n, container)
		})
		if h == nil || !asked {
			continue
		}
		if h.Total() > 0 {
			list = append(list, latency.Command{Name: name, Times: *h})
		}
	}
	return list
}

// ResetTimes has LATENCY HISTOGRAM begin anew. A worker that does not answer in time does it when it can.
func (m *Measured) ResetTimes(service *Service) {
	m.env.Collect(&admin.Request{Kind: admin.ResetLatency, Services: service.Parts})
}

// latestOf parses a server's reply to LATENCY LATEST.
func latestOf(reply any) (events []latency.Event) {
	list, _ := reply.([]any)
	for _, one := range list {
		words, _ := one.([]any)
		if len(words) < 4 {
			continue
		}
		name, _ := words[0].(string)
		at, _ := words[1].(int64)
		ms, _ := words[2].(int64)
		most, _ := words[3].(int64)
		events = append(events, latency.Event{Name: name, Samples: []latency.Sample{{At: at, MS: ms}}, Most: most})
	}
	return events
}

// historyOf parses a server's reply to LATENCY HISTORY.
func historyOf(reply any) (samples []latency.Sample) {
	list, _ := reply.([]any)
	for _, one := range list {
		if pair, _ := one.([]any); len(pair) == 2 {
			at, _ := pair[0].(int64)
			ms, _ := pair[1].(int64)
			samples = append(samples, latency.Sample{At: at, MS: ms})
		}
	}
	return samples
}
