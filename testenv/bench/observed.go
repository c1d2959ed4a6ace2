//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"evergate/gateway/api"
)

// The gateway with all that observes it, against the same build with all of that off: the HTTP server is asked as by a
// page that is open and by Prometheus, while requests are sampled for hot keys and slow ones are kept.

const (
	// observed is the gateway with all of that on, bare is the one with all of it off.
	observed = "evergate-observed"
	bare     = "evergate-bare"
	// watchEvery is how often it is asked: a page asks no more often.
	watchEvery = time.Second
)

// watchedPaths are what a page and Prometheus ask for; a page shows one list at a time.
var watchedPaths = []string{api.PathMetrics, api.PathServices, api.PathOverview, api.PathClients, api.PathSlowlog,
	api.PathHotkeys}

func (s *site) evergateBare(addr string) (*target, error) {
	return s.gateway(bare, addr, 1, "--primary", s.server.addr, "--hot-keys", "off", "--slowlog-log-slower-than", "-1")
}

func (s *site) evergateObserved(addr string) (*target, error) {
	admin, err := freeAddr()
	if err != nil {
		return nil, err
	}
	t, err := s.gateway(observed, addr, 1, "--primary", s.server.addr, "--hot-keys", "on",
		"--slowlog-log-slower-than", "10000", "--admin", admin)
	if err != nil {
		return nil, err
	}
	return t, s.watch(t, "http://"+admin)
}

// watchers ask the HTTP servers of gateways until they are ended.
type watchers struct {
	ends []context.CancelFunc
	all  sync.WaitGroup
	mu   sync.Mutex
	err  error // the first
}

// watch begins to ask the gateway at a URL.
func (s *site) watch(t *target, url string) error {
	ctx, cancel := context.WithCancel(context.Background())
	s.watchers.ends = append(s.watchers.ends, cancel)
	events, err := s.get(ctx, url+api.PathEvents)
	for began := time.Now(); err != nil && time.Since(began) < 10*time.Second; {
		select {
		case <-t.proc.Exited():
			return fmt.Errorf("%s ended: %s", t.name, t.proc.LogTail(2000))
		case <-time.After(10 * time.Millisecond):
		}
		events, err = s.get(ctx, url+api.PathEvents)
	}
	if err != nil {
		return err
	}
	s.watchers.all.Go(func() {
		defer events.Close()
		_, err := io.Copy(io.Discard, events)
		s.watchers.ended(ctx, fmt.Errorf("the stream of events of %s ended: %w", t.name, err))
	})
	s.watchers.all.Go(func() {
		next := time.NewTicker(watchEvery)
		defer next.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-next.C:
			}
			for _, path := range watchedPaths {
				if err := s.read(ctx, url+path); err != nil {
					s.watchers.ended(ctx, err)
					return
				}
			}
		}
	})
	return nil
}

// read reads a whole answer.
func (s *site) read(ctx context.Context, url string) error {
	body, err := s.get(ctx, url)
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(io.Discard, body)
	return err
}

// get returns the body of an answer, as Prometheus and browsers ask for it.
func (s *site) get(ctx context.Context, url string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
		return nil, fmt.Errorf("%s: %s %s", url, answer.Status, strings.TrimSpace(string(text)))
	}
	return answer.Body, nil
}

// ended records that a gateway is not watched any more, unless the bench has ended that.
func (w *watchers) ended(ctx context.Context, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() == nil && w.err == nil {
		w.err = err
	}
}

// end ends all, and returns an error if one had ended before.
func (w *watchers) end() error {
	for _, cancel := range w.ends {
		cancel()
	}
	w.all.Wait()
	return w.err
}

// compareObserved measures the gateway with everything that observes it against the one without.
func (out *report) compareObserved(ctx context.Context, s *site, o options) error {
	c, err := o.comparison(o.pipeline)
	if err != nil {
		return err
	}
	if c.targets, err = s.targets(ctx, bare, observed); err != nil {
		return err
	}
	c.server = s.server
	return out.add(ctx, c, observed)
}
