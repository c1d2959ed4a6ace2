package top

import (
	"cmp"
	"fmt"
	"time"

	"evergate/gateway/api"
)

// serviceRow is a service of a gateway, or a gateway that is not there.
type serviceRow struct {
	gw      *gateway
	service *api.Service
	now     time.Time
}

func (s *Screen) serviceRows(now time.Time) (rows []serviceRow) {
	for i := range s.shown() {
		g := &s.shown()[i]
		if g.lost != "" || !g.asked {
			rows = append(rows, serviceRow{gw: g, now: now})
			continue
		}
		for j := range g.services {
			rows = append(rows, serviceRow{gw: g, service: &g.services[j], now: now})
		}
	}
	return rows
}

// second is the last second; without samples the counters have the percentiles.
func (r *serviceRow) second() api.Point {
	if r.service == nil {
		return api.Point{}
	}
	c := &r.service.Counters
	p, known := r.gw.points[r.service.Name]
	if !known {
		p = api.Point{Clients: c.Clients, Buffered: c.BufferedNow}
	}
	if p.P50 == nil {
		p.P50, p.P99, p.P999 = c.P50, c.P99, c.P999
	}
	return p
}

func (r *serviceRow) counters() api.Counters {
	if r.service == nil {
		return api.Counters{}
	}
	return r.service.Counters
}

// fenced stands for a shard whose writes are stopped, beside the conditions.
const fenced = "fenced"

// state is a service in a few words.
func (r *serviceRow) state() span {
	if r.service == nil {
		return span{}
	}
	counts := map[string]int{}
	for i := range r.service.Shards {
		counts[r.service.Shards[i].Condition]++
		if r.service.Shards[i].Fence != "" {
			counts[fenced]++
		}
	}
	of := ""
	if n := len(r.service.Shards); n > 1 {
		of = fmt.Sprintf("/%d", n)
	}
	word := func(text string, condition string) string {
		if of == "" {
			return text
		}
		return fmt.Sprintf("%s %d%s", text, counts[condition], of)
	}
	switch {
	case r.service.Epoch == 0:
		return span{"starting", warn}
	case counts[fenced] > 0:
		return span{word("fenced", fenced), bad}
	case counts[api.Switching] > 0:
		return span{word("failover", api.Switching), bad}
	case counts[api.Orphan] > 0:
		return span{word("no primary", api.Orphan), bad}
	case r.service.Unserved > 0:
		return span{plural(r.service.Unserved, "slot") + " unserved", bad}
	case counts[api.Suspect] > 0:
		return span{word("suspect", api.Suspect), warn}
	case r.gw.draining:
		return span{"draining", warn}
	case !r.service.Steady:
		return span{"unsteady", warn}
	default:
		return span{"steady", good}
	}
}

// note is shown for a gateway that is not there.
func (r *serviceRow) note() span {
	switch {
	case r.gw.lost != "" && r.now.IsZero():
		return span{"unreachable: " + r.gw.lost, bad}
	case r.gw.lost != "":
		return span{"unreachable for " + ago(r.now.Sub(r.gw.since)) + ": " + r.gw.lost, bad}
	case !r.gw.asked:
		return span{"connecting ...", faint}
	case r.service == nil:
		return span{"has no service", warn}
	default:
		return span{}
	}
}

// ifAny is a number that deserves attention if it is not 0.
func ifAny(text string, is bool, s style) span {
	if is {
		return span{text, s}
	}
	return span{text, faint}
}

// first is the first cell of a row: the gateway if there are several.
func first[T any](title string, gw func(*T) *gateway) column[T] {
	return column[T]{title: title, cell: func(r *T) span { return span{gw(r).label, plain} },
		by: func(a, b *T) int { return cmp.Compare(gw(a).label, gw(b).label) }}
}

func (s *Screen) serviceTable() *table[serviceRow] {
	type row = serviceRow
	columns := []column[row]{}
	if len(s.gateways) > 1 {
		columns = append(columns, first("gateway", func(r *row) *gateway { return r.gw }))
	}
	name := func(r *row) string {
		if r.service == nil {
			return r.gw.label
		}
		return r.service.Name
	}
	columns = append(columns,
		column[row]{title: "service", cell: func(r *row) span { return span{name(r), strong} },
			by: func(a, b *row) int { return cmp.Compare(name(a), name(b)) }},
		column[row]{title: "upstream", rank: 10, least: 8, cell: func(r *row) span {
			if r.service == nil {
				return span{}
			}
			return span{r.service.Kind, faint}
		}},
		column[row]{title: "state", least: 8, cell: (*row).state},
		column[row]{title: "req/s", right: true, least: 7,
			cell: func(r *row) span { return span{rate(r.second().Requests), plain} },
			by:   func(a, b *row) int { return cmp.Compare(b.second().Requests, a.second().Requests) }},
		column[row]{title: "err/s", right: true, least: 5,
			cell: func(r *row) span { e := r.second().Errors; return ifAny(rate(e), e > 0, bad) },
			by:   func(a, b *row) int { return cmp.Compare(b.second().Errors, a.second().Errors) }},
		column[row]{title: "p50", right: true, least: 6,
			cell: func(r *row) span { return span{short(r.second().P50), plain} },
			by:   func(a, b *row) int { return compareTimes(b.second().P50, a.second().P50) }},
		column[row]{title: "p99", right: true, least: 6,
			cell: func(r *row) span { return span{short(r.second().P99), plain} },
			by:   func(a, b *row) int { return compareTimes(b.second().P99, a.second().P99) }},
		column[row]{title: "p99.9", right: true, least: 6, rank: 9,
			cell: func(r *row) span { return span{short(r.second().P999), plain} },
			by:   func(a, b *row) int { return compareTimes(b.second().P999, a.second().P999) }},
		column[row]{title: "clients", right: true, least: 6,
			cell: func(r *row) span { return span{number(r.second().Clients), plain} },
			by:   func(a, b *row) int { return cmp.Compare(b.second().Clients, a.second().Clients) }},
		column[row]{title: "buffered", right: true, least: 5,
			cell: func(r *row) span { n := r.second().Buffered; return ifAny(number(n), n > 0, warn) },
			by:   func(a, b *row) int { return cmp.Compare(b.second().Buffered, a.second().Buffered) }},
		column[row]{title: "uncertain", right: true, rank: 4,
			cell: func(r *row) span { n := r.counters().Uncertain; return ifAny(number(n), n > 0, warn) },
			by:   func(a, b *row) int { return cmp.Compare(b.counters().Uncertain, a.counters().Uncertain) }},
		column[row]{title: "replicas", right: true, rank: 5, cell: (*row).share, by: byShare},
		column[row]{title: "ack p99", right: true, rank: 7, cell: (*row).ackWait, by: byAckWait},
		column[row]{title: "failovers", right: true, rank: 6,
			cell: func(r *row) span { n := r.counters().Failovers; return ifAny(number(n), n > 0, plain) },
			by:   func(a, b *row) int { return cmp.Compare(b.counters().Failovers, a.counters().Failovers) }},
		column[row]{title: "retried", right: true, rank: 8,
			cell: func(r *row) span { n := r.counters().Retried; return ifAny(number(n), n > 0, plain) },
			by:   func(a, b *row) int { return cmp.Compare(b.counters().Retried, a.counters().Retried) }},
	)
	return &table[row]{columns: columns, note: (*row).note, chartTitle: "requests each second",
		chart: func(r *row, columns int) string {
			if r.service == nil {
				return ""
			}
			return sparkline(r.gw.history[r.service.Name], columns)
		}}
}

// compareTimes orders times, none before all others.
func compareTimes(a, b *float64) int {
	value := func(t *float64) float64 {
		if t == nil {
			return -1
		}
		return *t
	}
	return cmp.Compare(value(a), value(b))
}
