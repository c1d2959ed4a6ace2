package main

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"evergate/gateway/api"
)

// TestReadsAndAcksAreShown: the card of a service says where its reads went and why, and how long writes waited for
// replicas; the tables say it of all services, and the drawing which replica is left out.
func TestReadsAndAcksAreShown(t *testing.T) {
	t.Parallel()
	_, address := startFake(t, oddScene(time.Now()))
	b := openTab(t)
	b.open(address, 1280, 1000)
	b.until(fmt.Sprintf(drawnAnew, 5))
	card := b.text(`[data-service=crowded]`)
	for _, words := range []string{"reads prefer-replica, gateway", "acks 1",
		"96% on replicas", "3.6% on primaries: the replica was not seen to have the last write to the key",
		"0.2% a write to the key was in flight", "late after p99", "64 of at most 1,170 reads sent twice in ten seconds",
		"second replica faster: 66%", "18 more were late", "acks 1 within 1s", "wait for replicas p50 212 µs, p99 940 µs",
		"4 writes a WAIT", "12 not confirmed (UNCERTAIN)", "3 rejected (NOREPLICAS)",
		"left out of reads: slow or failing", "lag 5 ms", "zone b"} {
		if !strings.Contains(card, words) {
			t.Errorf("the card does not say %q:\n%s", words, card)
		}
	}
	if text := b.text(`[data-service=wide]`); strings.Contains(text, "acks") || strings.Contains(text, "wait for") {
		t.Errorf("no replica confirms writes, and the card says:\n%s", text)
	}
	if shown := value[[]string](b, `[...document.querySelectorAll('[data-service=wide] .served > div')]
		.filter((row) => row.checkVisibility()).map((row) => row.className)`); fmt.Sprint(shown) != "[reads]" {
		t.Errorf("reads alone go to replicas, and the card has %v", shown)
	}
	bar := value[[]float64](b, `[...document.querySelectorAll('[data-service=crowded] .reads rect')]
		.map((r) => r.width.baseVal.value)`)
	if len(bar) != 3 || math.Abs(bar[0]-962) > 1 || math.Abs(bar[1]-38*903./944) > 1 {
		t.Errorf("the bar of reads has the parts %v of 1000", bar)
	}
	b.do(chromedp.Focus(chromedp.CSS("#replicas summary")), chromedp.KeyEvent(kb.Enter),
		chromedp.Focus(chromedp.CSS("#servers summary")), chromedp.KeyEvent(kb.Enter))
	b.until(`document.querySelectorAll('#replicas tbody tr').length === 5`)
	for _, words := range []string{"9,201,455", "402,988", "388,120, 903 in the last 10 s", "1 within 1s", "1,200,345",
		"61,203", "40,118", "912"} {
		if text := b.text(`#replicas tbody`); !strings.Contains(text, words) {
			t.Errorf("the table does not have %q:\n%s", words, text)
		}
	}
	b.until(`document.querySelector('#servers tbody')?.textContent.includes('1.8\u00a0KiB,\u00a05\u00a0ms')`)
	if text := b.text(`#servers tbody`); !strings.Contains(text, "left out of\u00a0reads") {
		t.Errorf("no server is left out of reads:\n%s", text)
	}
}

// TestChartsOfReplicas: the share of reads on replicas and the wait for them are charts of each second, where a service
// has them; a second between two without a read is a point.
func TestChartsOfReplicas(t *testing.T) {
	t.Parallel()
	s := oddScene(time.Now())
	for i := range s.services {
		s.services[i].Acks = api.Acks{Level: "0", Timeout: "1s"}
	}
	crowded := &s.services[2]
	consistent(crowded)
	s.services[3].Reads, s.services[3].ReplicaReads = "primary", api.ReplicaReads{Reasons: []api.ReadReason{}}
	s.rare = "wide"
	f, address := startFake(t, s)
	b := openTab(t)
	b.open(address, 1280, 1000)
	charts := func(service string, want ...string) {
		t.Helper()
		value[bool](b, `(() => { const e = document.getElementById('service');
			e.value = `+quoted(service)+`; return e.dispatchEvent(new Event('change')); })()`)
		got := value[[]string](b, `[...document.querySelectorAll('#charts figure')].filter((f) => f.checkVisibility())
			.map((f) => f.querySelector('h3').textContent)`)
		always := []string{"Requests a second", "Errors a second", "Time of a request"}
		if fmt.Sprint(got) != fmt.Sprint(append(always, want...)) {
			t.Errorf("%q has the charts %q", service, got)
		}
	}
	charts("fenced")
	charts("wide", share)
	b.until(`document.querySelectorAll('#charts canvas').length >= 4`)
	charts("", share, wait)
	charts("crowded", share, wait)
	b.do(chromedp.Focus(chromedp.CSS(".plot")), chromedp.KeyEvent(kb.ArrowLeft))
	at := `[...document.querySelectorAll('.plot')].map((p) => p.getAttribute('aria-label')).slice(3)`
	b.until(`document.querySelectorAll('.plot')[4].dataset.at`)
	labels := value[[]string](b, at)
	if !strings.Contains(labels[0], ": on replicas 9") || !strings.HasPrefix(labels[1], wait+", at ") ||
		!strings.Contains(labels[1], "µs, p99 ") {
		t.Errorf("the charts say %q", labels)
	}
	charts("wide", share)
	f.mute(true)
	inked := value[int](b, `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
		const c = document.querySelectorAll('.plot')[3].querySelector('canvas');
		const {data} = c.getContext('2d').getImageData(c.width / 2, 0, c.width / 2 - 20, c.height / 3);
		let n = 0;
		for (let i = 0; i < data.length; i += 4) n += data[i + 3] > 200 && data[i + 1] > data[i] + 40 ? 1 : 0;
		done(n);
	})))`)
	if inked < 20 {
		t.Errorf("%d pixels of the chart show a read in each tenth second", inked)
	}
}

// Titles of charts.
const (
	share = "Share of reads on replicas"
	wait  = "Wait of writes for replicas"
)
