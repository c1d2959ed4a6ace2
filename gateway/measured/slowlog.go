package measured

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/api"
	"evergate/gateway/config"
	"evergate/gateway/resp"
	"evergate/gateway/slowlog"
	"evergate/routing"
)

// slowLog is the log of the slow requests of a service.
type slowLog struct {
	mu  sync.Mutex
	log *slowlog.Log
	// slower is from which time on requests are slow; negative if none is.
	slower time.Duration
}

func newSlowLog(conf *config.Gateway) slowLog {
	return slowLog{log: slowlog.New(conf.SlowLogMax), slower: SlowerThan(conf)}
}

// SlowerThan is from which time on requests are slow by the settings; negative if none is.
func SlowerThan(conf *config.Gateway) time.Duration {
	return time.Duration(conf.SlowLogSlowerThan) * time.Microsecond
}

// NoteSlow takes a slow request of a sub-service.
func (m *Measured) NoteSlow(of int, e slowlog.Entry) {
	l := &m.env.Service(of).slow
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log.Add(e)
}

// ServeSlowLog serves SLOWLOG.
func (m *Measured) ServeSlowLog(r *admin.Request) []byte {
	l := &m.env.Service(r.Services[0]).slow
	l.mu.Lock()
	defer l.mu.Unlock()
	switch r.Command {
	case routing.CmdSlowLogGet:
		return slowlog.AppendReply(nil, int(r.Proto), l.log.Newest(r.SlowQuery.Count), r.SlowQuery.Parts)
	case routing.CmdSlowLogLen:
		return resp.AppendInt(nil, int64(l.log.Len()))
	}
	l.log.Reset()
	return resp.OK
}

// useSlowLog puts settings to use for a service: from which time on requests are slow, and how many are kept.
func (m *Measured) useSlowLog(service *Service, slower time.Duration, most int) {
	l := &service.slow
	l.mu.Lock()
	l.slower = slower
	l.log.Keep(most)
	l.mu.Unlock()
	r := admin.Request{Kind: admin.SlowerThan, Services: service.Parts, Slow: slower}
	m.env.Gather(&r, func([]admin.Partial) {})
}

// ServeConfig serves CONFIG. The log follows a CONFIG SET that the servers have executed: for a client that sends both
// through the gateway, their settings are those of SLOWLOG. So does LATENCY HISTOGRAM a CONFIG RESETSTAT.
func (m *Measured) ServeConfig(ctx context.Context, r *admin.Request) []byte {
	reply := m.env.Configure(ctx, r)
	if r.Command == routing.CmdConfigSet && bytes.Equal(reply, resp.OK) {
		m.Configured(m.env.Service(r.Services[0]), r.Words[1:])
	}
	if r.Command == routing.CmdConfigResetStat && bytes.Equal(reply, resp.OK) {
		m.ResetTimes(m.env.Service(r.Services[0]))
	}
	return reply
}

// Configured puts to use those of the names and values of a CONFIG SET that are about the slow log.
func (m *Measured) Configured(service *Service, pairs []string) {
	l := &service.slow
	l.mu.Lock()
	slower, most, changed := l.slower, l.log.Most(), false
	l.mu.Unlock()
	for i := 0; i+1 < len(pairs); i += 2 {
		n, err := strconv.ParseInt(pairs[i+1], 10, 64)
		switch name := strings.ToLower(pairs[i]); {
		case err != nil:
		case name == "slowlog-log-slower-than":
			slower, changed = time.Duration(min(max(n, -1), config.SlowLogSlowest))*time.Microsecond, true
		case name == "slowlog-max-len":
			most, changed = int(min(max(n, 0), config.SlowLogMost)), true
		}
	}
	if changed {
		m.useSlowLog(service, slower, most)
	}
}

// SlowLog returns at most limit slow requests, newest first, of all services or of the one with this name. named: with
// the keys, which are data of users. Values are never among them.
func (m *Measured) SlowLog(service string, limit int, named bool) api.Slowlog {
	var threshold *float64
	total, commands := uint64(0), []api.SlowCommand{}
	for _, of := range m.env.Services() {
		name, l := of.Name, &of.slow
		if service != "" && service != name {
			continue
		}
		l.mu.Lock()
		entries, slower := l.log.Newest(limit), l.slower
		total += uint64(l.log.Total())
		l.mu.Unlock()
		if us := api.Us(slower); slower >= 0 && (threshold == nil || us < *threshold) {
			threshold = &us
		}
		for k := range entries {
			commands = append(commands, slowCommand(name, &entries[k], named))
		}
	}
	slices.SortStableFunc(commands, func(a, b api.SlowCommand) int { return b.At.Compare(a.At) })
	return api.Slowlog{Now: time.Now().UTC(), Threshold: threshold, Total: total, KeysShown: named,
		Commands: commands[:min(limit, len(commands))]}
}

func slowCommand(service string, e *slowlog.Entry, named bool) api.SlowCommand {
	keys := []string{}
	if named {
		for _, key := range e.Keys {
			keys = append(keys, api.Text(key))
		}
	}
	return api.SlowCommand{
		ID: e.ID, At: e.At.UTC(), Service: service, Command: cmp.Or(e.Command, "other"), Keys: keys,
		KeysMore: e.KeysCount - len(keys), Arguments: e.Arguments, RequestBytes: e.RequestBytes, ReplyBytes: e.ReplyBytes,
		Client: e.Client, Name: api.Text(e.Name), User: api.Text(e.User), Node: e.Node,
		Duration: api.Us(e.Took), Gateway: api.Us(e.Gateway()), Server: api.Us(e.Server), Hold: api.Us(e.Hold),
		Acks: api.Us(e.Acks),
	}
}
