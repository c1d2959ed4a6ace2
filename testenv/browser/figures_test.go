package main

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// The goals. The first paint is the fastest of several attempts: other programs on the machine only add to it.
const (
	firstPaintMax = 300.0 // milliseconds
	framesLeast   = 30.0  // a second
	attempts      = 5
)

// TestFirstPaint measures how long a browser with an empty cache takes to show the page.
func TestFirstPaint(t *testing.T) {
	_, address := startFake(t, largeScene(time.Now(), 5000))
	b := openTab(t)
	b.do(call(network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true}))
	best := math.Inf(1)
	for n := 0; n < attempts && best > firstPaintMax; n++ {
		b.open(address, 1280, 900)
		paint := value[float64](b, `performance.getEntriesByName('first-contentful-paint')[0].startTime`)
		t.Logf("first paint after %.0f ms", paint)
		best = min(best, paint)
	}
	if best > firstPaintMax {
		t.Errorf("the first paint takes %.0f ms, the goal is %.0f", best, firstPaintMax)
	}
}

// frames counts the frames of two seconds in which the reader scrolls through the clients.
const frames = `new Promise((done) => {
  const list = document.querySelector('#panel-clients .scroll');
  const begun = performance.now();
  let n = 0;
  const step = (now) => {
    n++;
    list.scrollTop += 90;
    if (now - begun < 2000) requestAnimationFrame(step);
    else done({frames: n, perSecond: n / (now - begun) * 1000});
  };
  requestAnimationFrame(step);
})`

// TestFrames measures frames with 10 services, 60 servers and 5,000 clients, while a failover is under way. Frames a
// second depend on what else the machine does, so the goal is for the time that a processor works for a frame.
func TestFrames(t *testing.T) {
	f, address := startFake(t, largeScene(time.Now(), 5000))
	b := openTab(t)
	b.open(address, 1280, 900)
	if n := value[int](b, `document.querySelectorAll('.map .node').length`); n != 60 {
		t.Errorf("%d servers are drawn", n)
	}
	b.do(call(performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}),
		chromedp.ScrollIntoView(chromedp.CSS("#panel-clients")))
	b.until(`document.querySelector('#panel-clients table').getAttribute('aria-rowcount') === '5001'`)
	f.strike(0, 0, time.Now())
	before := b.worked()
	got := value[struct {
		Frames    int
		PerSecond float64
	}](b, frames)
	each := 1000 * (b.worked() - before) / float64(got.Frames)
	t.Logf("%.0f frames a second; each takes %.1f ms of a processor", got.PerSecond, each)
	if each > 1000/framesLeast {
		t.Errorf("a frame takes %.1f ms, the goal is %.0f frames a second", each, framesLeast)
	}
	if rows := value[int](b, `document.querySelectorAll('#panel-clients tbody tr').length`); rows > 100 {
		t.Errorf("%d of 5,000 rows are in the page", rows)
	}
}

// worked returns how many seconds a processor has worked in the page's main thread.
func (b *tab) worked() float64 {
	b.t.Helper()
	all, err := chromedp.Run(b.ctx, func(ctx context.Context, t *chromedp.Target) (performance.GetMetricsResult, error) {
		return cdp.Call(ctx, t, performance.GetMetrics, cdp.Empty{})
	})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range all.Metrics {
		if m.Name == "TaskDuration" {
			return m.Value
		}
	}
	b.t.Fatalf("the browser has no TaskDuration: %v", all.Metrics)
	return 0
}
