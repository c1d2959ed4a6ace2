package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"evergate/testenv/servers"
)

// hostileName is what a client chooses as its name to harm the page: a name has no spaces.
const hostileName = `<img/src=x/onerror=document.title='harmed'>`

// TestPageShowsARealFailover: while clients write, a primary dies. The page shows that requests wait as long as they
// do, then the new primary, and says of the failover what INFO and the clients' ledger say.
func TestPageShowsARealFailover(t *testing.T) {
	t.Parallel()
	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Sentinels: 3, Fast: true,
		DownAfter: 2 * time.Second})
	port, err := servers.ReservePort(servers.IPv4Loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer port.Release()
	gate := servers.StartGatewayWith(t, servers.GatewayOptions{Args: []string{"--sentinel", env.SentinelAddrs(),
		"--master-name", "main", "--reads", "prefer-replica", "--admin", port.Addr(), "--hold", "30s"}})
	address := "http://" + port.Addr() + "/"
	admin := servers.MustDial(t, gate.Addr)

	b := openTab(t)
	b.open(address, 1440, 1000)
	book, stop := startLoad(t, gate.Addr, 20)
	old := env.Primary()
	b.until(fmt.Sprintf(`document.querySelector('.node.primary')?.dataset.addr === %s &&
		document.querySelectorAll('.point.sentinel.ok').length === 3`, quoted(old.Addr)))
	b.until(`document.getElementById('f-clients').textContent === '21'`) // the load and admin
	b.until(`parseInt(document.getElementById('f-requests').textContent.replace(',', '')) > 500`)
	b.until(hasCell("clients", hostileName))

	b.do(chromedp.Click(chromedp.CSS("#tab-hot")))
	b.until(hasCell("hot", hostile))

	before := failoverFields(t, admin)
	old.Kill()
	b.until(`document.querySelector('.barrier') && document.querySelector('.failover.running')`)
	b.until(`Number(document.getElementById('f-buffered').textContent) > 0`)
	b.until(`!document.querySelector('.barrier') && document.querySelector('.node.primary')`)
	b.until(`document.querySelector('.failover .how').textContent === 'switched'`)
	var now *servers.Node
	servers.Until(t, patience, "the servers agree on a new primary", func() error {
		if now = env.Primary(); now == nil || now == old {
			return errors.New("not yet")
		}
		return nil
	})
	if got := value[string](b, `document.querySelector('.node.primary').dataset.addr`); got != now.Addr {
		t.Errorf("the page has the primary %s, the servers %s", got, now.Addr)
	}
	b.do(chromedp.Focus(chromedp.CSS(".failover summary")), chromedp.KeyEvent(kb.Enter))
	b.until(`document.querySelector('.failover dl.effect') &&
		!document.querySelector('.failover').innerText.includes('so far')`)
	stop()

	judge(t, b, admin, before, book, old.Addr, now.Addr)
	countsABurst(t, b, admin)
	if title := value[string](b, `document.title`); !strings.HasPrefix(title, "Evergate") {
		t.Errorf("the title is %q", title)
	}
	b.onlyAsks(address)
}

// counted are fields of INFO with the keys of the page's effect.
var counted = map[string]string{"requests_buffered": "requests_buffered", "buffered_resumed": "requests_resumed",
	"buffered_timed_out": "requests_timed_out", "buffered_abandoned": "requests_abandoned"}

// failoverFields returns the counted fields of INFO.
func failoverFields(t *testing.T, c *servers.Conn) map[string]int {
	t.Helper()
	fields := map[string]int{}
	for field := range counted {
		n, err := strconv.Atoi(infoField(t, c, "failover", field))
		if err != nil {
			t.Fatal(err)
		}
		fields[field] = n
	}
	return fields
}

// judge compares what the page says of the failover with INFO and the clients' ledger.
func judge(t *testing.T, b *tab, admin *servers.Conn, before map[string]int, book *ledger, from, to string) {
	t.Helper()
	_, failed, uncertain, longest := book.totals()
	if got := number(t, b, "errors"); got != failed {
		t.Errorf("the page has %d error replies, the clients got %d", got, failed)
	}
	if got := number(t, b, "requests_uncertain"); got != uncertain {
		t.Errorf("the page has %d uncertain writes, the clients %d", got, uncertain)
	}
	after := failoverFields(t, admin)
	for field, key := range counted {
		if got, want := number(t, b, key), after[field]-before[field]; got != want {
			t.Errorf("%s: the page has %d, INFO %d", key, got, want)
		}
	}
	if number(t, b, "requests_buffered") == 0 {
		t.Error("no request waited: the test shows nothing")
	}
	// The gateway may not know the longest wait; then the page does not name one.
	if value[bool](b, `document.querySelector('.failover [data-key=longest_wait_ms]') !== null`) {
		wait := b.text(`.failover [data-key=longest_wait_ms]`)
		if ms := millisOf(t, wait); ms <= 0 || ms > float64(longest.Milliseconds())+1 {
			t.Errorf("the page has a longest wait of %s, the clients waited at most %v", wait, longest)
		}
	}
	line := infoField(t, admin, "failover", "failover"+infoField(t, admin, "failover", "failovers_started"))
	for _, part := range []string{"from=" + from, "to=" + to} {
		if !strings.Contains(line, part) {
			t.Errorf("INFO has no %s: %s", part, line)
		}
	}
	what := b.text(".failover .what")
	if !strings.Contains(what, from+" → "+to) {
		t.Errorf("the page has %q", what)
	}
	acked := regexp.MustCompile(`acknowledged=(\d+)`).FindStringSubmatch(line)
	receipt := strings.ReplaceAll(b.text(".failover .pair section"), ",", "")
	if acked == nil || !strings.Contains(receipt, acked[1]+" writes acknowledged by "+from) {
		t.Errorf("the page's receipt is %q, INFO has %s", receipt, line)
	}
	if events := value[int](b, `document.querySelectorAll('.steps tbody tr').length`); events < 5 {
		t.Errorf("the page has only %d events", events)
	}
}

// number returns a number of the opened failover's effect.
func number(t *testing.T, b *tab, key string) int {
	t.Helper()
	text := b.text(`.failover [data-key=` + key + `]`)
	n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
	if err != nil {
		t.Errorf("%s is %q", key, text)
	}
	return n
}

func millisOf(t *testing.T, text string) float64 {
	t.Helper()
	digits, unit, _ := strings.Cut(text, " ")
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		t.Errorf("%q is no time", text)
	}
	if unit == "s" {
		n *= 1000
	}
	return n
}

// burst is how many requests are sent at once, to find them in the chart.
const burst = 737

// countsABurst: the chart has exactly as many requests as were sent, in the seconds in which they were. On a busy machine
// a sample may be of several seconds; it is in the last one, and stands for all, rounded.
func countsABurst(t *testing.T, b *tab, admin *servers.Conn) {
	t.Helper()
	b.until(`document.getElementById('f-requests').textContent === '0'`)
	begun := time.Now()
	for range burst {
		if _, err := admin.Do("GET", "k"); err != nil {
			t.Fatal(err)
		}
	}
	b.until(`document.getElementById('f-requests').textContent !== '0'`)
	b.until(`document.getElementById('f-requests').textContent === '0'`)
	b.do(chromedp.Focus(chromedp.CSS(".plot")))
	label := regexp.MustCompile(`at (\d\d:\d\d:\d\d): requests ([^,]*(?:,\d+)*),`)
	sum, later, missing := 0, 0, 0
	for {
		b.do(chromedp.KeyEvent(kb.ArrowLeft))
		text := value[string](b, `document.querySelector('.plot').getAttribute('aria-label')`)
		m := label.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("the chart says %q", text)
		}
		if m[1] < begun.Format(time.TimeOnly) {
			break
		}
		if n, err := strconv.Atoi(strings.ReplaceAll(m[2], ",", "")); err == nil {
			later = n
		} else {
			missing++
		}
		sum += later
	}
	if max(sum-burst, burst-sum) > missing {
		t.Errorf("the chart has %d requests, %d were sent", sum, burst)
	}
}
