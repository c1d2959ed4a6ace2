package top

import (
	"math"
	"slices"
	"strings"
	"time"

	"evergate/gateway/api"
)

// News is what arrived from a gateway. Take adds it to the screen; what it points to is not changed any more.
type News struct {
	// At is when it arrived.
	At time.Time
	// Lost is why the gateway cannot be reached; then all else is nil.
	Lost error
	// The answers that have arrived; nil for the others. Failovers replaces all.
	Overview  *api.Overview
	Services  *api.Services
	Failovers *api.Failovers
	Series    *api.Series
	Slowlog   *api.Slowlog
	HotKeys   *api.HotKeys
	Clients   *api.Clients
	// Events of the stream.
	Sample   *api.Sample
	Service  *api.Service
	Failover *api.Failover
}

// historySeconds is how many seconds of requests are kept for the charts.
const historySeconds = chartMost

// gateway is what is known of one gateway. Its fields are replaced and never changed in place, so that a copy of it
// stays as it is.
type gateway struct {
	addr string
	// label is its name on the screen.
	label string
	// asked: it has answered, or failed to.
	asked bool
	// lost is why it cannot be reached; empty if it can. since is when that began.
	lost  string
	since time.Time
	// ahead is by how much its clock is ahead of this machine's.
	ahead time.Duration

	// draining and connected (clients) are the newest of samples and overviews.
	draining  bool
	connected int

	overview  api.Overview
	services  []api.Service
	failovers []api.Failover
	slowlog   api.Slowlog
	hotKeys   api.HotKeys
	clients   api.Clients

	// points has the last second of each service, by its name, or before the first sample the mean of some; the sum has an
	// empty name.
	points map[string]api.Point
	// history has the requests of the last seconds of each service.
	history map[string][]float64
	// shares has the part of reads that replicas got in each of them; NaN: no read.
	shares map[string][]float64
	// answered is how many requests each node had answered at counted, by the gateway's clock, and nodeRates how many a
	// second since the count before; by service and address.
	counted   time.Time
	answered  map[[2]string]uint64
	nodeRates map[[2]string]float64
}

// take adds what arrived.
func (g *gateway) take(n News) {
	g.asked = true
	if n.Lost != nil {
		if g.lost == "" {
			g.since = n.At
		}
		g.lost = n.Lost.Error()
		g.points = nil
		return
	}
	g.lost = ""
	if n.Overview != nil {
		g.overview, g.ahead = *n.Overview, n.Overview.Now.Sub(n.At)
		g.draining, g.connected = n.Overview.Draining, n.Overview.Clients
	}
	if n.Services != nil {
		g.takeServices(n.Services)
	}
	if n.Service != nil {
		g.services = replaced(g.services, *n.Service, func(a, b *api.Service) bool { return a.Name == b.Name })
	}
	if n.Failovers != nil {
		g.failovers = n.Failovers.Failovers
	}
	if n.Failover != nil {
		g.takeFailover(*n.Failover)
	}
	if n.Series != nil {
		g.takeSeries(n.Series)
	}
	if n.Sample != nil {
		g.takeSample(n.Sample)
	}
	if n.Slowlog != nil {
		g.slowlog = *n.Slowlog
	}
	if n.HotKeys != nil {
		g.hotKeys = *n.HotKeys
	}
	if n.Clients != nil {
		g.clients = *n.Clients
	}
}

// replaced returns rows with one in place of the same one, or behind the others.
func replaced[T any](rows []T, one T, same func(a, b *T) bool) []T {
	rows = slices.Clone(rows)
	for i := range rows {
		if same(&rows[i], &one) {
			rows[i] = one
			return rows
		}
	}
	return append(rows, one)
}

// failoversKept bounds what a gateway that runs for long is remembered for.
const failoversKept = 200

// takeFailover takes a failover from the stream. The answer that came after it may be newer.
func (g *gateway) takeFailover(f api.Failover) {
	for i := range g.failovers {
		if old := &g.failovers[i]; old.ID == f.ID && (len(old.Steps) > len(f.Steps) || isComplete(old) && !isComplete(&f)) {
			return
		}
	}
	g.failovers = replaced(g.failovers, f, func(a, b *api.Failover) bool { return a.ID == b.ID })
	if extra := len(g.failovers) - failoversKept; extra > 0 {
		g.failovers = g.failovers[extra:]
	}
}

func isComplete(f *api.Failover) bool { return f.Effect != nil && f.Effect.Complete }

// ratesOver is the shortest time between two counts of requests from which the rates of nodes are taken: the first two
// answers come at once after each other.
const ratesOver = 900 * time.Millisecond

func (g *gateway) takeServices(s *api.Services) {
	g.services = s.Services
	elapsed := s.Now.Sub(g.counted)
	if elapsed >= 0 && elapsed < ratesOver {
		return
	}
	answered, rates := map[[2]string]uint64{}, map[[2]string]float64{}
	for i := range s.Services {
		for _, n := range s.Services[i].Nodes {
			key := [2]string{s.Services[i].Name, n.Addr}
			before, known := g.answered[key]
			if answered[key] = n.Requests; known && n.Requests >= before && elapsed > 0 {
				rates[key] = float64(n.Requests-before) / elapsed.Seconds()
			}
		}
	}
	g.counted, g.answered, g.nodeRates = s.Now, answered, rates
}

// meanSeconds is over how many seconds the numbers are taken that are shown before the first sample.
const meanSeconds = 10

func (g *gateway) takeSeries(s *api.Series) {
	points, history, shares := map[string]api.Point{}, map[string][]float64{}, map[string][]float64{}
	for _, l := range append(slices.Clone(s.Services), s.All) {
		history[l.Service], shares[l.Service] = newest(l.Requests), newest(l.Share)
		points[l.Service] = api.Point{Service: l.Service, Requests: mean(l.Requests), Errors: mean(l.Errors),
			Uncertain: mean(l.Uncertain), Buffered: int(last(l.Buffered)), Clients: int(last(l.Clients))}
	}
	g.history, g.shares = history, shares
	if g.points == nil {
		g.points = points
	}
}

// mean is that of the last values, without those that are unknown.
func mean(values []float64) float64 {
	sum, n := 0.0, 0
	for _, v := range values[max(0, len(values)-meanSeconds):] {
		if !math.IsNaN(v) {
			sum, n = sum+v, n+1
		}
	}
	return sum / float64(max(n, 1))
}

// last is the last value that is known.
func last(values []float64) float64 {
	for _, v := range slices.Backward(values) {
		if !math.IsNaN(v) {
			return v
		}
	}
	return 0
}

func (g *gateway) takeSample(s *api.Sample) {
	points, history, shares := map[string]api.Point{}, map[string][]float64{}, map[string][]float64{}
	for _, p := range append(slices.Clone(s.Services), s.All) {
		points[p.Service] = p
		history[p.Service] = newest(append(slices.Clone(g.history[p.Service]), p.Requests))
		share := math.NaN()
		if p.Share != nil {
			share = *p.Share
		}
		shares[p.Service] = newest(append(slices.Clone(g.shares[p.Service]), share))
	}
	g.points, g.history, g.shares = points, history, shares
	g.draining, g.connected = s.Draining, s.Clients
}

func newest(values []float64) []float64 {
	return values[max(0, len(values)-historySeconds):]
}

// now is the gateway's own time; for the zero time, when it last answered.
func (g *gateway) now(t time.Time) time.Time {
	if t.IsZero() {
		return g.overview.Now
	}
	return t.Add(g.ahead)
}

// labels are names of gateways in few columns: hosts if they differ, ports if there is one host. Of a unix socket the
// name of the file is enough if no other has it.
func labels(addresses []string) []string {
	if len(addresses) == 1 {
		return addresses
	}
	hosts, ports := map[string]bool{}, map[string]bool{}
	for _, addr := range addresses {
		host, port := splitAddress(addr)
		hosts[host], ports[port] = true, true
	}
	names := make([]string, len(addresses))
	for i, addr := range addresses {
		host, port := splitAddress(addr)
		switch {
		case len(hosts) == len(addresses):
			names[i] = host
		case len(hosts) == 1 && len(ports) == len(addresses):
			names[i] = ":" + port
		default:
			names[i] = addr
		}
	}
	return names
}

// splitAddress splits at the last colon; of a path only the last part remains.
func splitAddress(addr string) (host, port string) {
	if path, isUnix := strings.CutPrefix(addr, "unix:"); isUnix {
		return path[strings.LastIndexByte(path, '/')+1:], ""
	}
	at := strings.LastIndexByte(addr, ':')
	return addr[:max(at, 0)], addr[at+1:]
}

// total adds up the last second of all gateways.
func total(gateways []gateway) (requests, errors float64, clients int) {
	for i := range gateways {
		p := gateways[i].points[""]
		requests, errors = requests+p.Requests, errors+p.Errors
		if gateways[i].lost == "" {
			clients += gateways[i].connected
		}
	}
	return requests, errors, clients
}
