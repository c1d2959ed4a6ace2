package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"evergate/gateway/api"
	"evergate/gateway/page"
)

// hostile is what a client may choose as its name or key to harm the page.
const hostile = `<img src=x onerror=document.title='harmed'><script>document.title='harmed'</script>`

// fake is a gateway that has no servers and answers the HTTP API from a scene: for what real servers cannot be had for
// in a test, such as 60 of them with 5,000 clients.
type fake struct {
	mu    sync.Mutex
	scene *scene
	// streams are the open streams of events. Muted: they send nothing, as if the network were cut.
	streams map[chan string]bool
	muted   bool
	total   uint64
	// run is the failover that is under way.
	run *failover
}

func newFake(s *scene) *fake { return &fake{scene: s, streams: map[chan string]bool{}} }

// handler serves the page and the API.
func (f *fake) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", page.New())
	mux.HandleFunc(api.PathEvents, f.events)
	answer := func(path string, make func(r *http.Request, now time.Time) any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			f.mu.Lock()
			value := make(r, time.Now().UTC())
			text, err := json.Marshal(value)
			f.mu.Unlock()
			if err != nil {
				panic(err)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(text)
		})
	}
	answer(api.PathOverview, func(_ *http.Request, now time.Time) any { return f.overview(now) })
	answer(api.PathServices, func(_ *http.Request, now time.Time) any {
		return api.Services{Now: now, Services: f.scene.services}
	})
	answer(api.PathFailovers, func(_ *http.Request, now time.Time) any {
		return api.Failovers{Now: now, Failovers: f.scene.failovers}
	})
	answer(api.PathSeries, func(_ *http.Request, now time.Time) any { return f.scene.series(now) })
	answer(api.PathClients, func(r *http.Request, now time.Time) any { return f.clients(r, now) })
	answer(api.PathSlowlog, func(_ *http.Request, now time.Time) any { return f.slowlog(now) })
	answer(api.PathHotkeys, func(_ *http.Request, now time.Time) any { return f.hotkeys(now) })
	answer(api.PathConfig, func(*http.Request, time.Time) any { return f.config() })
	return mux
}

func (f *fake) overview(now time.Time) api.Overview {
	o := api.Overview{Now: now, Version: "v0.9.0", Revision: "0123456789abcdef", Started: f.scene.started, PID: 4711,
		RunID: "made-up", Host: "gateway-1", Ready: true, NotReady: []string{}, Workers: 2, Clients: f.scene.clients,
		ClientsMax: 10000, KeysShown: true}
	for _, s := range f.scene.services {
		o.Services = append(o.Services, s.Name)
	}
	return o
}

func (f *fake) clients(r *http.Request, now time.Time) api.Clients {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil {
		limit = api.ClientsLimit
	}
	c := api.Clients{Now: now, Total: f.scene.clients, Shown: min(limit, f.scene.clients), Clients: []api.Client{}}
	commands := []string{"get", "set", "mget", "hgetall", "blpop", "incr", "zadd"}
	libraries := []string{"redis-py", "go-redis", "ioredis", "jedis"}
	for i := range c.Shown {
		name := fmt.Sprintf("worker-%d", i%40)
		if i == 0 {
			name = hostile
		}
		c.Clients = append(c.Clients, api.Client{ID: int64(i + 1), Service: f.scene.services[i%len(f.scene.services)].Name,
			Addr: fmt.Sprintf("10.2.%d.%d:%d", i/200, i%200, 30000+i), Local: "127.0.0.1:6379", Name: name,
			User: "default", Library: libraries[i%4], LibraryVersion: "8.0.0", Proto: 2 + i%2, Age: float64(i*7%90000) / 2,
			Idle: float64(i%50) / 10, Command: commands[(i+int(now.Unix()))%len(commands)], Memory: int64(20000 + i%977),
			Flags: "N", Queued: -1})
	}
	return c
}

func (f *fake) slowlog(now time.Time) api.Slowlog {
	threshold := 10000.0
	s := api.Slowlog{Now: now, Threshold: &threshold, Total: 214, KeysShown: true, Commands: []api.SlowCommand{}}
	for i := range 100 {
		took := 11000 + float64(i*i%9973)*7
		s.Commands = append(s.Commands, api.SlowCommand{ID: int64(214 - i), At: now.Add(-time.Duration(i*i) * time.Second),
			Service: f.scene.services[0].Name, Command: []string{"zrange", "hgetall", "keys", "eval"}[i%4],
			Keys: []string{fmt.Sprintf("board:%d", i)}, Arguments: 4, RequestBytes: 80, ReplyBytes: int64(9000 * (1 + i%9)),
			Client: fmt.Sprintf("10.2.0.%d:30102", i), Name: "reports", User: "default", Node: f.scene.services[0].Nodes[0].Addr,
			Duration: took, Gateway: 60, Server: took*0.7 - 60, Acks: took * 0.3})
	}
	s.Commands[0].Keys = []string{hostile}
	return s
}

func (f *fake) hotkeys(now time.Time) api.HotKeys {
	h := api.HotKeys{Now: now, On: true, KeysShown: true, Window: 60, SampleOneIn: 100, Hot: []api.HotKey{},
		Big: []api.BigKey{}}
	for i := range 40 {
		key := fmt.Sprintf("user:%d:profile", 4000+i*37)
		if i == 0 {
			key = hostile
		}
		share := 0.12 / float64(i+1)
		h.Hot = append(h.Hot, api.HotKey{Key: key, Service: f.scene.services[0].Name, Share: share, PerSecond: share * 5600})
		h.Big = append(h.Big, api.BigKey{Key: key, Service: f.scene.services[0].Name, Command: "hgetall",
			Bytes: int64(4 << 20 / (i + 1)), At: now.Add(-time.Duration(i) * time.Minute)})
	}
	return h
}

func (f *fake) config() api.Config {
	c := api.Config{File: "/etc/evergate/evergate.yaml", Settings: []api.Setting{
		{Name: "log-level", Value: "info", Source: "default", Default: true},
		{Name: "admin", Value: "127.0.0.1:9121", Source: "--admin"}}}
	for _, s := range f.scene.services {
		c.Settings = append(c.Settings,
			api.Setting{Name: "hold", Service: s.Name, Value: "10s", Source: "default", Default: true},
			api.Setting{Name: "reads", Service: s.Name, Value: s.Reads, Source: "evergate.yaml:12"},
			api.Setting{Name: "password", Service: s.Name, Value: api.Secret, Source: "EVERGATE_PASSWORD"})
	}
	return c
}

// events streams what emit and tick send.
func (f *fake) events(w http.ResponseWriter, r *http.Request) {
	stream := make(chan string, 64)
	f.mu.Lock()
	f.streams[stream] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.streams, stream)
		f.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	for flush := http.NewResponseController(w); ; {
		if flush.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case text := <-stream:
			if _, err := w.Write([]byte(text)); err != nil {
				return
			}
		}
	}
}

// emit sends an event to all streams. The lock is held.
func (f *fake) emit(name string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	if f.muted {
		return
	}
	f.total++
	for stream := range f.streams {
		select {
		case stream <- fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", f.total, name, text):
		default: // it does not read
		}
	}
}

// tick ends a second: servers have answered requests, and the streams get its sample.
func (f *fake) tick(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := now.Unix() - 1
	for i := range f.scene.services {
		s := &f.scene.services[i]
		p := f.scene.point(at, i)
		s.Counters.Clients = p.Clients
		s.Counters.Requests += uint64(p.Requests)
		for k := range s.Nodes {
			if s.Nodes[k].Role == api.RolePrimary || s.Nodes[k].Reads {
				s.Nodes[k].Requests += uint64(p.Requests) / uint64(len(s.Nodes)) * uint64(1+k%3)
			}
		}
	}
	f.emit(api.EventSample, f.scene.sample(at))
}

// mute has the streams send nothing, or go on.
func (f *fake) mute(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.muted = on
}
