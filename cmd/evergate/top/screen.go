// Package top is the screen of "evergate top": what gateways report, as text of a given size. Begin with Screen.
//
// It reads no clock, asks no gateway and touches no terminal: news and keys are arguments, lines are results.
package top

import (
	"slices"
	"time"

	"evergate/gateway/api"
)

// view is one of the pages of the screen.
type view int

const (
	overviewView view = iota
	nodesView
	failoversView
	slowView
	keysView
	clientsView
	views
)

var viewNames = [views]string{"overview", "nodes", "failovers", "slow commands", "keys", "clients"}

// Screen is what a person looks at. New makes it. It belongs to one goroutine.
type Screen struct {
	gateways []gateway
	// frozen is what is shown while the screen is paused, pausedAt when that began; nil: it is not.
	frozen   []gateway
	pausedAt time.Time

	width, height int
	palette       Palette

	view   view
	orders [views]order
	// offsets has the first row that is shown in each view.
	offsets [views]int
	// opened is the failover whose steps are shown: gateway and ID; the newest if it is empty or gone.
	opened [2]string
	filter string
	// typing: keys change the filter. help: the keys are explained.
	typing, help bool
	// page is how many rows the last frame had room for.
	page int
}

// New makes a screen of gateways, which are known by their addresses from then on.
func New(addresses []string) *Screen {
	s := &Screen{width: 80, height: 24}
	for i, label := range labels(addresses) {
		s.gateways = append(s.gateways, gateway{addr: addresses[i], label: label})
	}
	for v := range s.orders {
		s.orders[v].column = natural
	}
	return s
}

// Resize sets how many columns and lines the screen has.
func (s *Screen) Resize(width, height int) { s.width, s.height = max(width, 20), max(height, 6) }

// Use sets how styles are written.
func (s *Screen) Use(p Palette) { s.palette = p }

// Take adds what arrived from the gateway of that index.
func (s *Screen) Take(index int, n News) { s.gateways[index].take(n) }

// Reached returns how many gateways can be reached, and of how many that is known already.
func (s *Screen) Reached() (reached, asked int) {
	for _, g := range s.shown() {
		if g.asked {
			asked++
			if g.lost == "" {
				reached++
			}
		}
	}
	return reached, asked
}

// shown are the gateways as they are shown: as they were when the screen was paused.
func (s *Screen) shown() []gateway {
	if s.frozen != nil {
		return s.frozen
	}
	return s.gateways
}

// Want is what a view shows beside overview and services: a path of the API with its parameters; empty: nothing.
type Want struct {
	Path, Query string
}

// Wants is what the view shows.
func (s *Screen) Wants() Want {
	switch s.view {
	case slowView:
		return Want{Path: api.PathSlowlog}
	case keysView:
		return Want{Path: api.PathHotkeys}
	case clientsView:
		sort := "-" + api.SortMemory
		if o := s.orders[clientsView]; o.column >= 0 {
			sort = s.clientTable().columns[o.column].ask
			if o.reverse {
				sort = reversedKey(sort)
			}
		}
		return Want{Path: api.PathClients, Query: "?sort=" + sort + "&limit=" + clientsAsked}
	default:
		return Want{}
	}
}

// clientsAsked is how many clients of a gateway are asked for.
const clientsAsked = "500"

func reversedKey(key string) string {
	if key[0] == '-' {
		return key[1:]
	}
	return "-" + key
}

// Key is a key that was pressed: a character, or a name such as "up" or "pgdown". It returns true if the person wants
// to leave.
func (s *Screen) Key(key string, now time.Time) (quit bool) {
	if key == "ctrl+c" {
		return true
	}
	if s.typing {
		s.typeFilter(key)
		return false
	}
	if s.help && key != "q" {
		s.help = false
		return false
	}
	switch key {
	case "q":
		return true
	case "?", "h":
		s.help = true
	case "1", "2", "3", "4", "5", "6":
		s.view = view(key[0] - '1')
	case "tab", "right":
		s.view = (s.view + 1) % views
	case "shift+tab", "left":
		s.view = (s.view + views - 1) % views
	case "p", "space":
		s.pause(now)
	case "/":
		s.typing = true
	case "esc":
		s.filter = ""
	case "s":
		s.sort(1)
	case "S":
		s.sort(-1)
	case "r":
		s.orders[s.view].reverse = !s.orders[s.view].reverse
	default:
		s.move(key, now)
	}
	return false
}

func (s *Screen) pause(now time.Time) {
	if s.frozen != nil {
		s.frozen = nil
		return
	}
	s.frozen, s.pausedAt = slices.Clone(s.gateways), now
}

// filterMost bounds the filter.
const filterMost = 60

func (s *Screen) typeFilter(key string) {
	switch runes := []rune(s.filter); {
	case key == "enter":
		s.typing = false
	case key == "esc":
		s.typing, s.filter = false, ""
	case key == "backspace" && len(runes) > 0:
		s.filter = string(runes[:len(runes)-1])
	case key == "backspace":
		s.typing = false
	case key == "space":
		s.filter += " "
	case len([]rune(key)) == 1 && len(runes) < filterMost:
		s.filter += key
	}
	s.offsets[s.view] = 0
}

// sort sorts the view by the next column.
func (s *Screen) sort(step int) {
	o := &s.orders[s.view]
	switch s.view {
	case overviewView:
		*o = s.serviceTable().next(*o, step)
	case nodesView:
		*o = s.nodeTable().next(*o, step)
	case failoversView:
		*o = s.failoverTable().next(*o, step)
	case slowView:
		*o = s.slowTable().next(*o, step)
	case keysView:
		*o = s.keyTable().next(*o, step)
	case clientsView:
		*o = s.clientTable().next(*o, step)
	}
	s.offsets[s.view] = 0
}

// move scrolls; among failovers it opens another one.
func (s *Screen) move(key string, now time.Time) {
	step := 0
	switch key {
	case "down", "j":
		step = 1
	case "up", "k":
		step = -1
	case "pgdown":
		step = max(s.page-1, 1)
	case "pgup":
		step = -max(s.page-1, 1)
	case "home", "g":
		step = -1 << 30
	case "end", "G":
		step = 1 << 30
	default:
		return
	}
	if s.view != failoversView {
		// The frame bounds it: it knows how many rows there are.
		s.offsets[s.view] = max(s.offsets[s.view]+step, 0)
		return
	}
	rows := s.arrangedFailovers(now)
	if len(rows) == 0 {
		return
	}
	at := min(max(s.openedAt(rows)+step, 0), len(rows)-1)
	s.opened = [2]string{rows[at].gw.addr, rows[at].failover.ID}
	if at == 0 && s.orders[failoversView] == (order{column: natural}) {
		s.opened = [2]string{} // follows the newest
	}
}

func (s *Screen) arrangedFailovers(now time.Time) []failoverRow {
	return s.failoverTable().arrange(s.failoverRows(now), s.orders[failoversView], s.filter)
}

// openedAt is the index of the failover whose steps are shown.
func (s *Screen) openedAt(rows []failoverRow) int {
	return max(slices.IndexFunc(rows, func(r failoverRow) bool {
		return s.opened == [2]string{r.gw.addr, r.failover.ID}
	}), 0)
}
