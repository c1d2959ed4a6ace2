package gateway

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/api"
	"evergate/gateway/config"
	"evergate/gateway/hotkeys"
	"evergate/gateway/resp"
	"evergate/gateway/worker"
	"evergate/routing"
)

// hotKeysShown is how many hot keys, and how many big ones, the API has of each service.
const hotKeysShown = 32

// measured is what the gateway has measured of requests. Its methods are the Gateway's.
type measured struct {
	g *Gateway
	// hotSessions has the session of HOTKEYS of each service.
	hotSessions []hotSession
	// slowLogs has the slow requests of each service.
	slowLogs []slowLog
}

func newMeasured(g *Gateway, conf *config.Gateway) measured {
	return measured{g: g, hotSessions: make([]hotSession, len(conf.Services)), slowLogs: newSlowLogs(conf)}
}

// switchMeasured puts settings to use that have changed.
func (m *measured) switchMeasured(was, conf *config.Gateway) {
	if was.SlowLogSlowerThan == conf.SlowLogSlowerThan && was.SlowLogMax == conf.SlowLogMax {
		return // a CONFIG SET may have set others
	}
	for service := range m.slowLogs {
		m.useSlowLog(service, slowerThan(conf), conf.SlowLogMax)
	}
}

// parts are the sub-services of a service.
func (m *measured) parts(service int) (parts []int) {
	for of, p := range m.g.subServices {
		if p.service == service {
			parts = append(parts, of)
		}
	}
	return parts
}

// hotSession is the session of HOTKEYS of a service.
type hotSession struct {
	mu sync.Mutex
	// last is nil if there was none, or it was reset.
	last *hotkeys.Session
}

// serveHotKeys serves HOTKEYS: every worker samples its own requests, and the session is that of the service. Workers
// get their shares while the lock is held, in the order in which sessions begin and end.
func (m *measured) serveHotKeys(r *admin.Request, answer func([]byte)) {
	h := &m.hotSessions[m.g.subServices[r.Services[0]].service]
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if h.last != nil {
		h.last.Pass(now)
	}
	if reply := m.refuseHotKeys(r, h.last); reply != nil {
		answer(reply)
		return
	}
	var shown hotkeys.Session
	switch r.Command {
	case routing.CmdHotKeysStart:
		h.last = hotkeys.NewSession(r.Options, now)
	case routing.CmdHotKeysStop:
		h.last.Stop()
	case routing.CmdHotKeysReset:
		h.last = nil
	case routing.CmdHotKeysGet:
		shown = *h.last
	}
	gather(m.g, func(w *worker.Worker) admin.Partial { return w.Admin(r) }, func(partials []admin.Partial) {
		if r.Command != routing.CmdHotKeysGet {
			answer(resp.OK)
			return
		}
		reports := make([]hotkeys.Report, len(partials))
		for i := range partials {
			reports[i] = partials[i].HotKeys
		}
		answer(shown.AppendReply(nil, int(r.Proto), reports))
	})
}

// refuseHotKeys returns the reply to a request that does nothing in the present session; nil for others.
func (m *measured) refuseHotKeys(r *admin.Request, s *hotkeys.Session) []byte {
	switch active := s != nil && s.Active; {
	case r.Command == routing.CmdHotKeysStart && active:
		return hotkeys.Begun
	case r.Command == routing.CmdHotKeysStart && r.Options.Slots != nil:
		if v := m.g.viewOf(r.Services[0]); v == nil || !v.Sharded {
			return hotkeys.NoCluster
		}
	case r.Command == routing.CmdHotKeysReset && active:
		return hotkeys.NotStopped
	case r.Command == routing.CmdHotKeysStop && !active, r.Command == routing.CmdHotKeysGet && s == nil:
		return resp.NullIn(r.Proto)
	}
	return nil
}

// HotKeys returns the keys that most requests used in the last minute and the largest values, of all services, or of
// the one with this name. named: with the names of the keys, which are data of users.
func (m *measured) HotKeys(service string, named bool) api.HotKeys {
	name := func(key string) string {
		if named {
			return api.Text(key)
		}
		return ""
	}
	hot, big, window := []api.HotKey{}, []api.BigKey{}, time.Duration(0)
	for i := range m.g.conf().Services {
		of := m.g.conf().Services[i].Name
		if service != "" && service != of {
			continue
		}
		seen := m.seenKeys(i)
		window = max(window, seen.For)
		for _, c := range seen.Keys {
			n := float64(c.AtLeast())
			hot = append(hot, api.HotKey{Key: name(c.Key), Service: of, Share: n / float64(seen.Requests),
				PerSecond: n * hotkeys.OneIn / max(seen.For, time.Second).Seconds()})
		}
		for _, b := range seen.Big {
			big = append(big, api.BigKey{Key: name(b.Key), Service: of, Command: b.Command, Bytes: b.Bytes, At: b.At.UTC()})
		}
	}
	slices.SortStableFunc(hot, func(a, b api.HotKey) int { return cmp.Compare(b.PerSecond, a.PerSecond) })
	slices.SortStableFunc(big, func(a, b api.BigKey) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return api.HotKeys{Now: time.Now().UTC(), On: m.g.conf().HotKeys == config.On, KeysShown: named,
		Window: window.Seconds(), SampleOneIn: hotkeys.OneIn, Hot: hot, Big: big}
}

// seenKeys joins what the workers have seen of one service.
func (m *measured) seenKeys(service int) hotkeys.Seen {
	r := admin.Request{Kind: admin.SeenKeys, Services: m.parts(service)}
	var all []hotkeys.Seen
	for _, p := range collect(m.g, func(w *worker.Worker) admin.Partial { return w.Admin(&r) }) {
		all = append(all, p.SeenKeys)
	}
	return hotkeys.Join(hotKeysShown, all)
}
