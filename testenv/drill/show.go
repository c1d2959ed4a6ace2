package drill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"evergate/testenv/drill/ledger"
	"evergate/testenv/drill/load"
	"evergate/testenv/drill/report"
	"evergate/testenv/servers"
)

// ShowPlan describes the load and its servers.
type ShowPlan struct {
	// Env are the servers. The caller owns them and restarts killed ones.
	Env  *servers.Env
	Mode Mode
	// Addr is the gateway's address.
	Addr string
	// Beside is another path to the same servers: Direct or HAProxy. Empty: none.
	Beside string
	// Connections and Rate are those of each path, as in Plan.
	Connections, Rate int
}

// Show is a load that runs until Close, and drills on demand: evergate demo. With
// another path beside, both have the same servers and meet the same failover.
//
// The load is one turn after the other, each with keys and a ledger of its own, so that neither grows without end.
// The next turn begins before the last one ends.
//
// Pulse may be called by any goroutine, the other methods by one at a time.
type Show struct {
	plan ShowPlan
	// sites has one for each path, the gateway's first; tallies are theirs.
	sites   []*site
	tallies []*load.Tally
	// clearing are turns whose load ends and whose keys are removed; end makes them hurry.
	clearing sync.WaitGroup
	ctx      context.Context
	end      context.CancelFunc

	mu sync.Mutex
	// guarded by mu: the turn that flows and the one before it; nil where there is none.
	now, before *turn
}

// turn is a load on every path, and one timeline for all of them.
type turn struct {
	line *timeline
	runs []*run
}

// OpenShow starts the other path, if there is one, and the load.
func OpenShow(ctx context.Context, p ShowPlan) (*Show, error) {
	s := &Show{plan: p}
	s.ctx, s.end = context.WithCancel(ctx)
	site := &site{mode: p.Mode, master: p.Env.Groups[0].Name, env: p.Env, path: p.Addr}
	site.dialPath = func() (*servers.Conn, error) { return servers.Dial(p.Addr) }
	site.ownAddresses()
	err := site.findTags(p.Connections + load.Impatient)
	s.add(site)
	if p.Beside != "" && err == nil {
		beside := *site
		beside.dialPath = func() (*servers.Conn, error) { return servers.Dial(beside.path) }
		err = beside.startBeside(s.ctx, p.Beside)
		s.add(&beside)
	}
	if err == nil { // a gateway that has just been started may not know the servers yet
		opening, enough := context.WithTimeout(s.ctx, showPatience)
		defer enough()
		err = servers.WaitFor(opening, "the first requests", s.Renew)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Show) add(site *site) {
	s.sites, s.tallies = append(s.sites, site), append(s.tallies, &load.Tally{})
}

// Close ends the load without waiting for replies, and the other path. Keys stay.
func (s *Show) Close() error {
	s.end()
	s.clear(s.swap(nil))
	s.clearing.Wait()
	for _, site := range s.sites {
		if site.proxy != nil {
			return site.proxy.Stop()
		}
	}
	return nil
}

// Renew begins the next turn and ends the last one in the background. If none can begin, it returns the reason, and the
// last one runs on.
func (s *Show) Renew() error {
	next, err := s.begin()
	if err != nil {
		return err
	}
	s.clear(s.swap(next))
	return nil
}

// begin starts a turn.
func (s *Show) begin() (*turn, error) {
	next := &turn{line: newTimeline(time.Now())}
	for i, site := range s.sites {
		plan := Plan{Mode: s.plan.Mode, Connections: s.plan.Connections, Rate: s.plan.Rate, Untimed: true}
		if i > 0 {
			plan.Beside = s.plan.Beside
		}
		r := newRun(plan, nil, site, next.line, s.tallies[i])
		if err := r.load.Prepare(s.ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", s.path(i), err)
		}
		next.runs = append(next.runs, r)
	}
	for _, r := range next.runs {
		r.load.Begin()
	}
	next.line.record("drill", "the load begins", func(m *ledger.Marks, now time.Duration) { m.Began = now })
	return next, nil
}

// swap makes next the current turn and returns the former one.
func (s *Show) swap(next *turn) *turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now, s.before = next, s.now
	return s.before
}

// clear ends a turn whose ledger is not needed; nil is none.
func (s *Show) clear(last *turn) {
	if last == nil {
		return
	}
	for _, r := range last.runs {
		s.clearing.Go(func() {
			r.load.Stop(s.ctx)
			if s.ctx.Err() == nil {
				_ = r.readback().Remove(r.keys(r.load.Book.Taken())) // it only takes up room
			}
		})
	}
}

// path returns the name of a path by its index.
func (s *Show) path(i int) string {
	if i == 0 {
		return report.Gateway
	}
	return s.plan.Beside
}

// Pulse is the recent traffic on one path of a Show.
type Pulse struct {
	// Path is Gateway, Direct or HAProxy.
	Path string
	// Writes and Reads were acknowledged within the time that was asked for, P99 is their latency, 0 for none.
	Writes, Reads int
	P99           time.Duration
	// Errors and Uncertain are counted since the Show began.
	Errors, Uncertain int64
}

// Pulse returns the traffic of the last while, for each path.
func (s *Show) Pulse(within time.Duration) []Pulse {
	s.mu.Lock()
	turns := []*turn{s.before, s.now}
	s.mu.Unlock()
	var all []Pulse
	for i := range s.sites {
		p := Pulse{Path: s.path(i), Errors: s.tallies[i].Errors.Load(), Uncertain: s.tallies[i].Uncertain.Load()}
		var recent []ledger.Entry
		for _, t := range turns {
			if t != nil {
				recent = append(recent, t.runs[i].load.Book.After(t.line.now()-within)...)
			}
		}
		for _, e := range recent {
			switch {
			case e.Outcome != ledger.Acknowledged:
			case e.Kind.Writes():
				p.Writes++
			default:
				p.Reads++
			}
		}
		p.P99 = ledger.Percentiles(recent, func(*ledger.Entry) bool { return true }).P99
		all = append(all, p)
	}
	return all
}

// Ready returns the primary that a strike would break, or why it has to wait.
func (s *Show) Ready() (addr string, err error) {
	addr, err = s.sites[0].primary()
	if err == nil && len(s.sites[0].replicas()) == 0 {
		err = errors.New("no replica is in sync")
	}
	return addr, err
}

const (
	// showWarm is how long a turn runs before the strike, so that there is a before; half of it, as it is quick.
	showWarm = time.Second
	// showPatience is how long a path may take until it serves.
	showPatience = 20 * time.Second
	// showSeen is how long observers may take until they have reached all servers.
	showSeen = 10 * time.Second
	// showReceipts is how long the gateway may take, after all that, until it has a receipt for every failover.
	showReceipts = 5 * time.Second
)

// Strike runs "kill-primary" or "freeze-primary" and returns a Report for each path, the gateway's first. A killed
// server stays down.
func (s *Show) Strike(name string) ([]*report.Report, error) {
	d := find(name)
	if d == nil {
		return nil, fmt.Errorf("there is no drill %q", name)
	}
	struck, err := s.begin()
	if err != nil {
		return nil, err
	}
	s.clear(s.swap(struck))
	if err := s.play(struck, d); err != nil {
		return nil, err
	}
	next, err := s.begin() // the report is good without it
	struck.line.record("drill", "the load ends", func(m *ledger.Marks, now time.Duration) { m.Ended = now })
	s.swap(next)
	reports, judgeErr := s.judge(struck, name, d)
	return reports, errors.Join(err, judgeErr)
}

// play starts the observers, and plays the drill's act.
func (s *Show) play(struck *turn, d *drill) error {
	ctx, cancel := context.WithCancel(s.ctx)
	lead := struck.runs[0]
	defer lead.looking.Wait()
	defer cancel()
	lead.observe(ctx)
	stage := &stage{site: lead.site, line: struck.line, book: lead.load.Book, quick: true}
	seeing, enough := context.WithTimeout(ctx, showSeen)
	defer enough()
	if err := servers.WaitFor(seeing, "observers of all servers", lead.sees); err != nil {
		return err
	}
	if err := stage.flow(ctx, showWarm); err != nil {
		return err
	}
	if err := d.act(ctx, stage); err != nil {
		return err
	}
	waiting, enough := context.WithTimeout(ctx, showReceipts)
	defer enough()
	_ = servers.WaitFor(waiting, "a receipt", lead.gate.receiptsComplete) // the report says that there is none
	return nil
}

// sees returns nil once the observers have reached every server and the gateway.
func (r *run) sees() error {
	events, _, _ := r.line.seen()
	for _, addr := range r.site.nodes {
		if !slices.ContainsFunc(events, func(e report.Event) bool { return e.Source == "server "+addr }) {
			return errors.New("no observer has reached " + addr)
		}
	}
	if !r.gate.seen().Known {
		return errors.New("the gateway has not answered INFO")
	}
	return nil
}

// patient returns the drill with a bar for a busy machine: the number of writes in flight depends on the clock, and
// load and gateway share a process here.
func (d *drill) patient() *drill {
	p := *d
	p.bar.Uncertain = ledger.Reported
	p.bars = map[Mode]ledger.Bar{}
	for mode, bar := range d.bars {
		bar.Uncertain = ledger.Reported
		p.bars[mode] = bar
	}
	return &p
}

// judge ends a turn and reads back what it wrote.
func (s *Show) judge(struck *turn, name string, d *drill) ([]*report.Report, error) {
	reports, errs := make([]*report.Report, len(struck.runs)), make([]error, len(struck.runs))
	var judging sync.WaitGroup
	for i, r := range struck.runs {
		judging.Go(func() {
			r.plan.Name, r.drill = name, d.patient()
			r.load.Stop(s.ctx)
			entries := r.load.Book.Taken()
			back := r.readback()
			found, err := back.Read(s.ctx, entries)
			if errs[i] = err; err == nil {
				reports[i] = r.report(entries, found)
			}
			_ = back.Remove(r.keys(entries)) // it only takes up room
		})
	}
	judging.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return reports, nil
}
