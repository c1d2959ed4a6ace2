package top

import (
	"cmp"

	"evergate/gateway/api"
)

// nodeRow is a server as one gateway sees it, or a Sentinel.
type nodeRow struct {
	gw       *gateway
	service  *api.Service
	node     *api.Node
	sentinel *api.Sentinel
}

// roleSentinel is what a Sentinel has in the place of a role.
const roleSentinel = "sentinel"

func (s *Screen) nodeRows() (rows []nodeRow) {
	for i := range s.shown() {
		g := &s.shown()[i]
		if g.lost != "" {
			continue
		}
		for j := range g.services {
			service := &g.services[j]
			for k := range service.Nodes {
				rows = append(rows, nodeRow{gw: g, service: service, node: &service.Nodes[k]})
			}
			for k := range service.Sentinels {
				rows = append(rows, nodeRow{gw: g, service: service, sentinel: &service.Sentinels[k]})
			}
		}
	}
	return rows
}

func (r *nodeRow) addr() string {
	if r.sentinel != nil {
		return r.sentinel.Addr
	}
	return r.node.Addr
}

func (r *nodeRow) role() span {
	switch {
	case r.sentinel != nil:
		return span{roleSentinel, plain}
	case r.node.Role == api.RolePrimary:
		return span{r.node.Role, good}
	case r.node.Role == api.RoleDemoted:
		return span{r.node.Role, warn}
	default:
		return span{r.node.Role, plain}
	}
}

// remark is why a server does less than it could.
func (r *nodeRow) remark() span {
	if r.sentinel != nil {
		if !r.sentinel.Reachable {
			return span{"unreachable: " + r.sentinel.Why, bad}
		}
		return span{}
	}
	switch {
	case !r.node.Reachable:
		return span{"unreachable: " + r.node.Why, bad}
	case r.node.Busy != "":
		return span{r.node.Busy, bad}
	}
	if r.node.LeftOut {
		return span{"left out of reads: slow or failing", warn}
	}
	if r.node.Silent > 0 {
		return span{plural(r.node.Silent, "silent connection"), warn}
	}
	for i := range r.service.Shards {
		if sh := &r.service.Shards[i]; sh.Fence != "" && sh.Demoted == r.node.Addr {
			return span{"gets no writes: " + sh.Fence, bad}
		}
		for _, u := range r.service.Shards[i].Unused {
			if u.Addr == r.node.Addr {
				return span{u.Why, warn}
			}
		}
	}
	return span{}
}

// ofNode is a number of a server; a Sentinel has none.
func ofNode(value func(*api.Node) int) func(*nodeRow) span {
	return func(r *nodeRow) span {
		if r.node == nil {
			return span{}
		}
		n := value(r.node)
		return ifAny(number(n), n > 0, plain)
	}
}

func byNode(value func(*api.Node) int) func(a, b *nodeRow) int {
	of := func(r *nodeRow) int {
		if r.node == nil {
			return -1
		}
		return value(r.node)
	}
	return func(a, b *nodeRow) int { return cmp.Compare(of(b), of(a)) }
}

// timeOf is a time of a server; a Sentinel has none.
func timeOf(value func(*api.Node) *float64) func(*nodeRow) span {
	return func(r *nodeRow) span {
		if r.node == nil || value(r.node) == nil {
			return r.none()
		}
		return span{short(value(r.node)), plain}
	}
}

func byTime(value func(*api.Node) *float64) func(a, b *nodeRow) int {
	of := func(r *nodeRow) *float64 {
		if r.node == nil {
			return nil
		}
		return value(r.node)
	}
	return func(a, b *nodeRow) int { return compareTimes(of(b), of(a)) }
}

func (r *nodeRow) rate() (perSecond float64, known bool) {
	if r.node == nil {
		return 0, false
	}
	perSecond, known = r.gw.nodeRates[[2]string{r.service.Name, r.node.Addr}]
	return perSecond, known
}

func (r *nodeRow) lag() (bytes int64, known bool) {
	if r.node == nil || r.node.LagBytes == nil {
		return 0, false
	}
	return *r.node.LagBytes, true
}

// none stands for a number of a server that is unknown.
func (r *nodeRow) none() span {
	if r.node == nil {
		return span{}
	}
	return span{"-", faint}
}

func (s *Screen) nodeTable() *table[nodeRow] {
	type row = nodeRow
	columns := []column[row]{}
	if len(s.gateways) > 1 {
		columns = append(columns, first("gateway", func(r *row) *gateway { return r.gw }))
	}
	connections := func(n *api.Node) int { return n.Connections }
	inFlight := func(n *api.Node) int { return n.InFlight }
	p50, p99 := func(n *api.Node) *float64 { return n.P50 }, func(n *api.Node) *float64 { return n.P99 }
	rateOf := func(r *row) float64 { n, _ := r.rate(); return n }
	lagOf := func(r *row) int64 { n, _ := r.lag(); return n }
	columns = append(columns,
		column[row]{title: "node", cell: func(r *row) span { return span{r.addr(), strong} },
			by: func(a, b *row) int { return cmp.Compare(a.addr(), b.addr()) }},
		column[row]{title: "service", rank: 3, cell: func(r *row) span { return span{r.service.Name, plain} }},
		column[row]{title: "role", least: 7, cell: (*row).role,
			by: func(a, b *row) int { return cmp.Compare(a.role().text, b.role().text) }},
		column[row]{title: "shard", rank: 2, cell: func(r *row) span {
			if r.node == nil {
				return span{}
			}
			return span{cut(r.node.Shard, 24), plain}
		}},
		column[row]{title: "zone", rank: 8, cell: func(r *row) span {
			if r.node == nil {
				return span{}
			}
			return span{r.node.Zone, plain}
		}},
		column[row]{title: "version", rank: 6, cell: func(r *row) span {
			if r.node == nil {
				return span{}
			}
			return span{r.node.Version, faint}
		}},
		column[row]{title: "reads", rank: 4, cell: func(r *row) span {
			if r.node != nil && r.node.Reads {
				return span{"yes", plain}
			}
			return span{}
		}},
		column[row]{title: "req/s", right: true, least: 7, cell: func(r *row) span {
			if n, known := r.rate(); known {
				return span{rate(n), plain}
			}
			return r.none()
		}, by: func(a, b *row) int { return cmp.Compare(rateOf(b), rateOf(a)) }},
		column[row]{title: "p50", right: true, least: 6, rank: 7, cell: timeOf(p50), by: byTime(p50)},
		column[row]{title: "p99", right: true, least: 6, rank: 1, cell: timeOf(p99), by: byTime(p99)},
		column[row]{title: "conns", right: true, rank: 5, cell: ofNode(connections), by: byNode(connections)},
		column[row]{title: "in flight", right: true, cell: ofNode(inFlight), by: byNode(inFlight)},
		column[row]{title: "lag", right: true, least: 5, cell: func(r *row) span {
			if n, known := r.lag(); known {
				return ifAny(size(n), n > 0, plain)
			}
			return r.none()
		}, by: func(a, b *row) int { return cmp.Compare(lagOf(b), lagOf(a)) }},
		column[row]{title: "lag time", right: true, rank: 5, cell: (*row).lagTime, by: byLagTime},
		column[row]{title: "", flex: true, least: 18, cell: (*row).remark},
	)
	return &table[row]{columns: columns}
}
