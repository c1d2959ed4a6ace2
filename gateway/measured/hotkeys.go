package measured

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
	"evergate/routing"
)

// hotKeysShown is how many hot keys, and how many big ones, the API has of each service.
const hotKeysShown = 32

// hotSession is the session of HOTKEYS of a service.
type hotSession struct {
	mu sync.Mutex
	// last is nil if there was none, or it was reset.
	last *hotkeys.Session
}

// ServeHotKeys serves HOTKEYS: every worker samples its own requests, and the session is that of the service. Workers
// get their shares while the lock is held, in the order in which sessions begin and end.
func (m *Measured) ServeHotKeys(r *admin.Request, answer func([]byte)) {
	h := &m.env.Service(r.Services[0]).hot
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
	m.env.Gather(r, func(partials []admin.Partial) {
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
func (m *Measured) refuseHotKeys(r *admin.Request, s *hotkeys.Session) []byte {
	switch active := s != nil && s.Active; {
	case r.Command == routing.CmdHotKeysStart && active:
		return hotkeys.Begun
	case r.Command == routing.CmdHotKeysStart && r.Options.Slots != nil:
		if !m.env.Sharded(r.Services[0]) {
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
func (m *Measured) HotKeys(service string, named bool) api.HotKeys {
	name := func(key string) string {
		if named {
			return api.Text(key)
		}
		return ""
	}
	hot, big, window := []api.HotKey{}, []api.BigKey{}, time.Duration(0)
	for _, s := range m.env.Services() {
		of := s.Name
		if service != "" && service != of {
			continue
		}
		seen := m.seenKeys(s)
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
	return api.HotKeys{Now: time.Now().UTC(), On: m.env.Conf().HotKeys == config.On, KeysShown: named,
		Window: window.Seconds(), SampleOneIn: hotkeys.OneIn, Hot: hot, Big: big}
}

// seenKeys joins what the workers have seen of one service.
func (m *Measured) seenKeys(service *Service) hotkeys.Seen {
	r := admin.Request{Kind: admin.SeenKeys, Services: service.Parts}
	var all []hotkeys.Seen
	for _, p := range m.env.Collect(&r) {
		all = append(all, p.SeenKeys)
	}
	return hotkeys.Join(hotKeysShown, all)
}
