package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestWidthsAndColours: in light and dark, from 480 to 2,560 pixels, nothing is wider than the window, no text is too
// faint to read, and the two schemes differ.
func TestWidthsAndColours(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, s := range map[string]*scene{"small": smallScene(now), "large": largeScene(now, 5000)} {
		t.Run(name, func(t *testing.T) {
			f, address := startFake(t, s)
			f.strike(0, 0, now)
			b := openTab(t)
			backgrounds := map[string]bool{}
			b.open(address, 1280, 1000)
			for _, colours := range []string{"light", "dark"} {
				b.scheme(colours, "no-preference")
				for _, width := range []int64{480, 768, 1280, 2560} {
					b.do(chromedp.EmulateViewport(width, 1000))
					b.until(fmt.Sprintf(drawnAnew, len(s.services)))
					if wide := value[int64](b, `document.documentElement.scrollWidth`); wide > width {
						t.Errorf("%s, %d px: the page is %d px wide", colours, width, wide)
					}
					for _, text := range value[[]string](b, faintTexts) {
						t.Errorf("%s, %d px: hard to read: %s", colours, width, text)
					}
				}
				backgrounds[value[string](b, `getComputedStyle(document.body).backgroundColor`)] = true
			}
			if len(backgrounds) != 2 {
				t.Errorf("light and dark have the same background: %v", backgrounds)
			}
			b.onlyAsks(address)
		})
	}
}

// drawnAnew: all services are drawn for the width that the window has now.
const drawnAnew = `(() => {
  const maps = [...document.querySelectorAll('.map')];
  const text = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  return maps.length === %d && maps.every((m) =>
    Math.abs(m.viewBox.baseVal.width - Math.max(280, m.parentElement.clientWidth / text)) < 2);
})()`

// faintTexts finds texts whose contrast with the page is below 4.5, as WCAG 2.2 counts it.
const faintTexts = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const light = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (colour !== 'rgba(0, 0, 0, 0)') return colour;
    }
    return 'white';
  };
  const found = new Set();
  for (const e of document.querySelectorAll('h1, h2, h3, p, dt, dd, li, b, th, td, button, a, span, summary, text')) {
    if (!e.checkVisibility() || e.textContent.trim() === '' || e.closest('.unseen, .skip')) continue;
    const own = getComputedStyle(e);
    const [a, b] = [light(e.tagName === 'text' ? own.fill : own.color), light(behind(e))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.add([contrast.toFixed(2), e.tagName, e.textContent.slice(0, 40)].join(' '));
  }
  return [...found];
})()`

// TestNamesOfClientsStayTexts: what a client chose to harm the page is shown as it is.
func TestNamesOfClientsStayTexts(t *testing.T) {
	t.Parallel()
	_, address := startFake(t, smallScene(time.Now()))
	b := openTab(t)
	b.open(address, 1600, 1200)
	for _, list := range []string{"clients", "slow", "hot", "big"} {
		b.do(chromedp.Click(chromedp.CSS("#tab-"+list)),
			chromedp.SendKeys(chromedp.CSS("#panel-"+list+" input[type=search]"), "<img"))
		b.until(hasCell(list, hostile))
	}
	if n := value[int](b, `document.querySelectorAll('main img, main script').length`); n > 0 {
		t.Errorf("%d elements were made of names", n)
	}
	if title := value[string](b, `document.title`); title != "Evergate · gateway-1" {
		t.Errorf("the title is %q", title)
	}
	refused := value[bool](b, `(() => {
		try { document.createElement('p').innerHTML = '<b>'; return false; } catch { return true; }
	})()`)
	if !refused {
		t.Error("the browser would take a text for HTML")
	}
	b.mu.Lock()
	b.console = nil // the browser's report of this last attempt
	b.mu.Unlock()
}

// TestKeyboard: everything can be reached by the tab key in the order of the page, with a visible focus, and arrow keys
// move between tabs and in charts.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	f, address := startFake(t, smallScene(time.Now()))
	f.strike(0, 0, time.Now().Add(-10*time.Second))
	b := openTab(t)
	b.open(address, 1280, 900)
	b.until(`document.querySelector('.failover') && document.querySelector('#panel-clients tbody td')`)
	var reached []string
	for range 40 {
		b.do(chromedp.KeyEvent(kb.Tab))
		at := value[struct{ Name, Outline string }](b, `(() => {
			const e = document.activeElement, s = getComputedStyle(e.closest('label')?.querySelector('span') ?? e);
			return {name: e.id || e.name || e.dataset.span || e.className || e.tagName, outline: s.outlineStyle};
		})()`)
		if at.Name == "BODY" {
			break
		}
		if at.Outline == "none" {
			t.Errorf("the focus is not visible at %s", at.Name)
		}
		reached = append(reached, at.Name)
	}
	want := []string{"skip", "theme", "SUMMARY", "SUMMARY", "300", "900", "3600", "plot", "plot", "plot", "plot", "plot",
		"SUMMARY", "tab-clients"}
	if fmt.Sprint(reached[:min(len(want), len(reached))]) != fmt.Sprint(want) {
		t.Errorf("the tab key reaches %v", reached)
	}
	b.do(chromedp.Focus(chromedp.CSS("#tab-clients")), chromedp.KeyEvent(kb.ArrowRight))
	b.until(`document.activeElement.id === 'tab-slow' && !document.getElementById('panel-slow').hidden`)
	b.do(chromedp.KeyEvent(kb.End))
	b.until(`document.activeElement.id === 'tab-settings' && document.getElementById('panel-slow').hidden`)
	b.do(chromedp.Focus(chromedp.CSS(".plot")), chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent(kb.ArrowLeft))
	b.until(`document.querySelector('.plot').dataset.at !== ''`)
	b.do(chromedp.Focus(chromedp.CSS(".failover summary")), chromedp.KeyEvent(kb.Enter))
	b.until(`document.querySelector('.failover').open && document.querySelector('.lanes')`)
}

// TestReadersFindTheirWay: landmarks, headings, names of what can be operated, and a text for each drawing.
func TestReadersFindTheirWay(t *testing.T) {
	t.Parallel()
	_, address := startFake(t, largeScene(time.Now(), 50))
	b := openTab(t)
	b.scheme("light", "reduce")
	b.open(address, 1280, 900)
	b.until(`document.querySelectorAll('.map').length === 10`)
	nameless := value[[]string](b, `
		[...document.querySelectorAll('button, input, select, section, [role=img], [role=region]')]
		.filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') ||
			e.labels?.length)).map((e) => e.outerHTML.slice(0, 80))`)
	for _, element := range nameless {
		t.Errorf("it has no name: %s", element)
	}
	for _, mark := range []string{"header", "main", "footer", "h1", "[role=tablist]", "[aria-live=polite]",
		"[role=alert]"} {
		if n := value[int](b, `document.querySelectorAll(`+quoted(mark)+`).length`); n != 1 {
			t.Errorf("%d elements are %s", n, mark)
		}
	}
	if text := b.text(".map desc"); len(text) < 200 {
		t.Errorf("the drawing says only %q", text)
	}
	if moving := value[int](b, `document.getAnimations().length`); moving > 0 {
		t.Errorf("%d animations although less motion is preferred", moving)
	}
}

// TestSilenceIsShown: numbers that are old are not shown as if they were new, and the page finds the gateway again.
func TestSilenceIsShown(t *testing.T) {
	t.Parallel()
	f, address := startFake(t, smallScene(time.Now()))
	b := openTab(t)
	b.open(address, 1280, 900)
	f.mute(true)
	b.until(`!document.getElementById('alarm').hidden && document.getElementById('alarm').textContent.includes(' s old')`)
	if got := b.text("#f-requests"); got != "–" {
		t.Errorf("requests a second are still %s", got)
	}
	f.mute(false)
	b.until(`document.getElementById('alarm').hidden && document.getElementById('f-requests').textContent !== '–'`)
	if got := b.text("#state"); got != "ready" {
		t.Errorf("the state is %s", got)
	}
}

// TestWithoutScripts: the page says where the same can be read.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	_, address := startFake(t, smallScene(time.Now()))
	b := openTab(t)
	b.do(call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}),
		chromedp.Navigate(address))
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("noscript")))
	if err != nil || len(text) < 100 {
		t.Errorf("%q, %v", text, err)
	}
}

// TestOddStates: a service without a topology, without a primary, with many replicas and with many shards is drawn, and
// said to be what it is.
func TestOddStates(t *testing.T) {
	t.Parallel()
	_, address := startFake(t, oddScene(time.Now()))
	b := openTab(t)
	for _, width := range []int64{480, 1280} {
		b.open(address, width, 1000)
		b.until(fmt.Sprintf(drawnAnew, 5))
		for service, words := range map[string]string{"nothing": "no topology yet", "orphan": "no primary for",
			"crowded": "steady", "wide": "1 of 60 shards without a primary",
			"fenced": "writes stopped by the fence for 1 h 0 min: 1 of 3 Sentinels are reachable"} {
			if got := b.text(`[data-service=` + service + `] .state`); !strings.Contains(got, words) {
				t.Errorf("%d px: the state of %s is %q", width, service, got)
			}
		}
		if wide := value[int64](b, `document.documentElement.scrollWidth`); wide > width {
			t.Errorf("the page is %d px wide in %d", wide, width)
		}
		if got := value[int](b, `document.querySelectorAll('[data-service=wide] .node').length`); got != 120 {
			t.Errorf("%d of 120 servers are drawn", got)
		}
		if got := value[int](b, `document.querySelectorAll('.barrier').length`); got != 3 {
			t.Errorf("%d barriers for three shards without a primary", got)
		}
		if got := value[int](b, `document.querySelectorAll('.point.sentinel.gone').length`); got != 1 {
			t.Errorf("%d Sentinels are out of reach", got)
		}
	}
}
