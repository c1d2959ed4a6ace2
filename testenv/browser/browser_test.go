package main

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience bounds a wait for the page, on a busy machine.
const patience = 20 * time.Second

// browser is the Chromium of all tests; each test has a window of its own, so that none is in the background.
var browser = sync.OnceValues(func() (context.Context, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("no-proxy-server", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	stopBrowser = func() { closeBrowser(); stop() }
	return ctx, chromedp.Do(ctx)
})

var stopBrowser = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopBrowser()
	os.Exit(code)
}

// tab is a tab of the browser that shows the page of one gateway.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu sync.Mutex
	// console has the errors and warnings of the page, asked the addresses that it wanted.
	console []string
	asked   map[string]bool
	// lossy: connections may fail, which the browser reports as errors of the console.
	lossy bool
}

// openTab opens an empty tab. At the end of the test the page must have had no error, and asked no other address.
func openTab(t *testing.T) *tab {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Chromium, which -short leaves out")
	}
	parent, err := browser()
	if err != nil {
		t.Fatalf("starting Chromium (sh testenv/setup.sh browser installs it): %v", err)
	}
	ctx, closeTab := chromedp.NewContext(parent)
	b := &tab{t: t, ctx: ctx, asked: map[string]bool{}}
	b.do(chromedp.Steps()) // the first opens the tab
	watch(b, network.RequestWillBeSent, func(e network.EventRequestWillBeSent) { b.asked[e.Request.URL] = true })
	go func() {
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			b.mu.Lock()
			if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning || m.IsException() {
				b.console = append(b.console, string(m.Type)+": "+m.Text)
			}
			b.mu.Unlock()
		}
	}()
	b.do(call(network.Enable, network.EnableParams{}),
		// Tests share the one focus of the system otherwise.
		call(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	t.Cleanup(func() {
		if t.Failed() {
			b.keepShot()
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		closeTab()
		for _, text := range b.console {
			if !b.lossy || !strings.Contains(text, "net::ERR_") {
				t.Errorf("the page's console: %s", text)
			}
		}
	})
	return b
}

// watch has f see each event of a kind, until the tab closes.
func watch[E any](b *tab, event cdp.Event[E], f func(E)) {
	go func() {
		for e, err := range chromedp.Events(b.ctx, event) {
			if err != nil {
				return
			}
			b.mu.Lock()
			f(e)
			b.mu.Unlock()
		}
	}()
}

// call is a command of the protocol as a step.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("the browser: %v", err)
	}
}

// open shows a page of a size and waits for its first sample.
func (b *tab) open(address string, width, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height), chromedp.Navigate(address))
	b.until(`document.getElementById('f-requests').textContent !== '–'`)
}

// scheme has the system prefer light or dark colours, and motion or not.
func (b *tab) scheme(colours, motion string) {
	b.t.Helper()
	b.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: colours}, {Name: "prefers-reduced-motion", Value: motion}}}))
}

// value evaluates an expression in the page, waiting for a promise.
func value[V any](b *tab, expression string) V {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]byte](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	var v V
	if err := json.Unmarshal(text, &v); err != nil {
		b.t.Fatalf("%s is %s: %v", expression, text, err)
	}
	return v
}

// until waits for a condition of the page, which is tried at each frame.
func (b *tab) until(condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](condition)); err != nil {
		text := value[string](b, `document.body.innerText.slice(0, 2000)`)
		b.t.Fatalf("waiting for %s: %v; the page has:\n%s", condition, err, text)
	}
}

// text returns the text of the first element that a selector finds.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return value[string](b, `document.querySelector(`+quoted(selector)+`)?.textContent ?? '(no such element)'`)
}

// hasCell is the condition that a list has a cell with exactly this text.
func hasCell(list, text string) string {
	return `[...document.querySelectorAll('#panel-` + list + ` tbody td')].some((c) => c.textContent === ` +
		quoted(text) + `)`
}

func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string
	}
	return string(b)
}

// onlyAsks fails the test if the page asked any address but that of its gateway.
func (b *tab) onlyAsks(address string) {
	b.t.Helper()
	own, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.asked) < 10 {
		b.t.Errorf("the page asked only %v", b.asked)
	}
	for asked := range b.asked {
		if u, err := url.Parse(asked); err != nil || u.Host != own.Host {
			b.t.Errorf("the page asked %s", asked)
		}
	}
}

// shot returns a picture of what is in sight.
func (b *tab) shot() ([]byte, error) {
	return chromedp.Run(b.ctx, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		r, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{})
		return r.Data, err
	})
}

// keepShot keeps a picture of the page for whoever looks into a failure.
func (b *tab) keepShot() {
	png, err := b.shot()
	if err != nil {
		b.t.Logf("no picture of the page: %v", err)
		return
	}
	path := filepath.Join(os.TempDir(), "evergate-"+strings.ReplaceAll(b.t.Name(), "/", "-")+".png")
	if err := os.WriteFile(path, png, 0o600); err == nil {
		b.t.Logf("a picture of the page is in %s", path)
	}
}

// startFake serves a scene, and returns the page's address.
func startFake(t *testing.T, s *scene) (f *fake, address string) {
	t.Helper()
	f = newFake(s)
	server := httptest.NewServer(f.handler())
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() { f.live(stop, 0) })
	t.Cleanup(func() {
		close(stop)
		done.Wait()
		server.CloseClientConnections()
		server.Close()
	})
	return f, server.URL + "/"
}
