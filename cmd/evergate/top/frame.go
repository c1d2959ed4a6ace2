package top

import (
	"fmt"
	"strings"
	"time"
)

// Frame is the whole screen at a time: Height lines, none wider than the screen.
func (s *Screen) Frame(now time.Time) string {
	if s.frozen != nil {
		now = s.pausedAt
	}
	room := s.height - 3
	var body []line
	if s.help {
		body = helpLines()
	} else {
		body = s.body(now, room)
	}
	lines := []line{s.header(now), s.tabs()}
	lines = append(lines, body[:min(len(body), room)]...)
	for len(lines) < s.height-1 {
		lines = append(lines, line{})
	}
	lines = append(lines, s.footer())
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = l.render(s.width, s.palette)
	}
	return strings.Join(texts, "\n")
}

// header has the sums over all gateways.
func (s *Screen) header(now time.Time) line {
	requests, errors, clients := total(s.shown())
	left := " evergate top"
	if n := len(s.gateways); n > 1 {
		left += "   " + plural(n, "gateway")
		if reached, asked := s.Reached(); reached < asked {
			left += fmt.Sprintf(", %d unreachable", asked-reached)
		}
	} else {
		left += "   " + s.gateways[0].addr
		if o := &s.shown()[0].overview; o.Version != "" && s.width >= 110 {
			left += fmt.Sprintf("   %s, pid %d, up %s", o.Version, o.PID, ago(s.shown()[0].now(now).Sub(o.Started)))
		}
	}
	right := fmt.Sprintf("%s req/s   %s err/s   ", rate(requests), rate(errors))
	if s.width >= 96 {
		right += plural(clients, "client") + "   "
	}
	right += clock(now) + " "
	space := s.width - width(printable(left)) - width(right)
	if space < 1 {
		left, space = cut(printable(left), max(s.width-width(right)-1, 0)), 1
	}
	return plainLine(left+strings.Repeat(" ", space)+right, reversed)
}

// tabs are the names of the views, with what the person has chosen beside them.
func (s *Screen) tabs() line {
	l := line{{" ", plain}}
	for v := range views {
		name := fmt.Sprintf(" %d %s ", v+1, viewNames[v])
		if s.width < 76 && v == slowView {
			name = fmt.Sprintf(" %d slow ", v+1)
		}
		if v == s.view {
			l = append(l, span{name, reversed})
		} else {
			l = append(l, span{name, plain})
		}
	}
	if s.frozen != nil {
		l = append(l, span{"  paused", warn})
	}
	return l
}

// footer has the keys, or the filter.
func (s *Screen) footer() line {
	switch {
	case s.typing:
		return line{{" show rows with: ", plain}, {s.filter, strong}, {"▏", plain},
			{"   enter keeps it, esc removes it", faint}}
	case s.filter != "":
		return line{{" rows with ", plain}, {s.filter, strong}, {"   / changes it, esc removes it, ? help, q quit", faint}}
	case s.frozen != nil:
		return plainLine(" paused at "+clock(s.pausedAt)+"   p goes on, ? help, q quit", faint)
	default:
		return plainLine(" 1-6 views  s sort  r reverse  / filter  p pause  ↑↓ scroll  ? help  q quit", faint)
	}
}

func helpLines() []line {
	texts := [][2]string{
		{"1 ... 6, tab, ← →", "switch views"},
		{"↑ ↓ pgup pgdown home end", "scroll; among failovers: open another one"},
		{"s, S", "sort by the next column, by the one before"},
		{"r", "reverse the order"},
		{"/", "show rows that contain a text; esc shows all"},
		{"p, space", "pause, and go on"},
		{"ctrl+z", "suspend"},
		{"q, ctrl+c", "quit"},
	}
	lines := []line{{}}
	for _, t := range texts {
		lines = append(lines, line{{"  " + pad(t[0], 26, false), strong}, {t[1], plain}})
	}
	notes := []string{
		"Requests, errors and percentiles are those of the last second. Uncertain",
		"writes, failovers and retried requests are counted since the start.",
		"\"buffered\" requests wait for a primary now; \"paused\" is for how long",
		"they waited in a failover. Times of day are UTC.",
	}
	lines = append(lines, line{})
	for _, n := range notes {
		lines = append(lines, plainLine("  "+n, faint))
	}
	return lines
}

// body has the lines of the view in so much room.
func (s *Screen) body(now time.Time, room int) []line {
	switch s.view {
	case overviewView:
		return s.overview(now, room)
	case nodesView:
		return scrolled(s, s.nodeTable(), s.nodeRows(), "", room)
	case failoversView:
		return s.failovers(now, room)
	case slowView:
		return scrolled(s, s.slowTable(), s.slowRows(), s.slowRemark(), room)
	case keysView:
		return scrolled(s, s.keyTable(), s.keyRows(), s.keyRemark(), room)
	default:
		return scrolled(s, s.clientTable(), s.clientRows(), s.clientRemark(now), room)
	}
}

// scrolled is a table that fills the room, from the row that the person has scrolled to, above a remark.
func scrolled[T any](s *Screen, t *table[T], rows []T, remark string, room int) []line {
	o := s.orders[s.view]
	shown := t.arrange(rows, o, s.filter)
	room -= 2 // titles and the remark
	s.page = max(room, 1)
	offset := &s.offsets[s.view]
	*offset = min(*offset, max(len(shown)-s.page, 0))
	part := shown[*offset:min(*offset+s.page, len(shown))]
	lines := t.lines(part, s.width, o)
	if len(part) < len(shown) {
		remark = strings.TrimSuffix(fmt.Sprintf("rows %d to %d of %d; %s", *offset+1, *offset+len(part), len(shown),
			remark), "; ")
	}
	for len(lines) < room+1 {
		lines = append(lines, line{})
	}
	return append(lines, plainLine(remark, faint))
}

// overview has services with what replicas do for them, nodes and the newest failovers above each other: services in at
// most half of the room, and a failover with its steps in up to two thirds of the rest.
func (s *Screen) overview(now time.Time, room int) []line {
	o := s.orders[overviewView]
	services, nodes := s.serviceTable(), s.nodeTable()
	serviceRows := services.arrange(s.serviceRows(now), o, s.filter)
	nodeRows := nodes.arrange(s.nodeRows(), order{column: natural}, s.filter)
	failovers, others := s.newest(now)
	room -= 2 // empty lines between the three
	most := max(room/2, 2)
	lines := append(services.lines(serviceRows, s.width, o), servedLines(serviceRows, len(s.gateways) > 1, s.width)...)
	lines = clipped(lines, most)
	left := room - len(lines)
	third := min(len(failovers)+len(others), max(min(len(failovers), left*2/3), left-len(nodeRows)-1))
	failovers = append(failovers, others...)
	lines = append(lines, line{})
	if len(nodeRows) > 0 {
		lines = append(lines, clipped(nodes.lines(nodeRows, s.width, order{column: natural}), left-third)...)
		lines = append(lines, line{})
	}
	return append(lines, clipped(failovers, third)...)
}

// clipped cuts lines to a number, and says so in the last one.
func clipped(lines []line, most int) []line {
	if len(lines) <= most || most < 2 {
		return lines[:min(len(lines), max(most, 0))]
	}
	rest := len(lines) - most + 1
	return append(lines[:most-1:most-1], plainLine(fmt.Sprintf("... %d more", rest), faint))
}

// openFor is how long after its beginning a failover is shown with its steps on the overview.
const openFor = 2 * time.Minute

// newest is the last failover, with its steps while it is recent, and what is shown of the others if there is room.
func (s *Screen) newest(now time.Time) (first, others []line) {
	rows := s.failoverRows(now)
	list := func(rows []failoverRow) []line {
		return s.failoverTable().lines(rows, s.width, order{column: natural})
	}
	switch {
	case len(rows) == 0:
		return []line{plainLine("no failover is known", faint)}, nil
	case !rows[0].isRunning() && rows[0].age() >= openFor:
		all := list(rows)
		return all[:2], all[2:]
	case len(rows) == 1:
		return s.details(&rows[0]), nil
	default:
		return s.details(&rows[0]), append([]line{{}}, list(rows[1:])...)
	}
}

// failovers is a list, and below it the steps of one of them.
func (s *Screen) failovers(now time.Time, room int) []line {
	rows := s.arrangedFailovers(now)
	if len(rows) == 0 {
		return []line{plainLine("no failover is known", faint)}
	}
	at := s.openedAt(rows)
	follows := s.opened == [2]string{}
	s.opened = [2]string{rows[at].gw.addr, rows[at].failover.ID}
	steps := s.details(&rows[at])
	list := max(min(len(rows), room/2-2), room-len(steps)-2, 1)
	s.page = list
	offset := min(max(at-list+1, 0), len(rows)-1)
	lines := s.failoverTable().lines(rows[offset:min(offset+list, len(rows))], s.width, s.orders[failoversView])
	lines = append(lines, line{})
	lines = append(lines, clipped(steps, room-len(lines))...)
	if follows {
		s.opened = [2]string{}
	}
	return lines
}
