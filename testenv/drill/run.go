package drill

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"evergate/testenv/drill/ledger"
	"evergate/testenv/drill/load"
	"evergate/testenv/drill/report"
)

// Plan describes which drill to run, and on which path.
type Plan struct {
	// Name is one of Names.
	Name string
	Mode Mode
	// Binary is the path of the evergate program. Empty: it is built from the source.
	Binary string
	// GatewayArgs are further arguments of the gateway, after those that the drill gives it.
	GatewayArgs []string
	// Acks is the gateway's setting of that name, empty for none. Where as many replicas confirm each write as there are,
	// no acknowledged write may be lost, and writes may be rejected while a replica is missing.
	Acks string
	// Replicas is how many replicas the primary of Sentinels has, each primary of a cluster; 0: two, or one.
	Replicas int
	// Connections is the number of patient clients (3 impatient ones come on top), Rate how many requests all of them
	// send in a second.
	Connections, Rate int
	// Quick shortens the load and the Sentinels' inner periods, for tests.
	Quick bool
	// Untimed does not judge times: for a gateway under the race detector, and for busy machines.
	Untimed bool
	// TLS has the drill's own servers, gateway and clients speak TLS on all legs, with certificates on both sides. Not
	// with HAProxy beside them, or with a Target.
	TLS bool
	// Consistency has more clients, which read and write keys in common, and checks what each read; see Report.History.
	Consistency bool
	// Beside is the path that is drilled in place of the gateway: Direct, HAProxy or, before a Target, the address of
	// another path to the same servers. Empty: the gateway.
	Beside string
	// Target is a running system to be drilled. Nil: the drill starts servers and gateway itself.
	Target *Target
	// Consent is called with a description of the damage before anything of a Target is touched. An error ends the drill
	// there. May be nil.
	Consent func(warning string) error
	// Live is called with the progress several times a second. May be nil.
	Live func(Progress)
}

// Progress is a snapshot of a running drill.
type Progress struct {
	At                              time.Duration
	Phase                           string
	Acknowledged, Uncertain, Errors int64
	Waiting                         int
}

// liveEvery is how often Plan.Live is called.
const liveEvery = 200 * time.Millisecond

// Run runs one drill. It returns an error if the drill could not be run; the findings are in the Report.
func Run(ctx context.Context, p Plan) (judged *report.Report, err error) {
	d := find(p.Name)
	if d == nil {
		return nil, fmt.Errorf("there is no drill %q", p.Name)
	}
	if !slices.Contains(d.modes, p.Mode) {
		return nil, fmt.Errorf("the drill %s does not support %s", p.Name, p.Mode)
	}
	if lack := p.Lacks(); lack != "" {
		return nil, errors.New(lack)
	}
	prepare := startSite
	if p.Target != nil {
		prepare = meetSite
	}
	s, err := prepare(ctx, &p, d)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := s.close(); err == nil && closeErr != nil {
			err = closeErr
		}
	}()
	if err := s.findTags(p.Connections + load.Impatient); err != nil {
		return nil, err
	}
	if p.Target != nil && p.Consent != nil {
		if err := p.Consent(s.warning(&p, d)); err != nil {
			return nil, err
		}
	}
	r := newRun(p, d, s, newTimeline(time.Now()), &load.Tally{})
	return r.play(ctx)
}

// run is one drill while it runs.
type run struct {
	plan  Plan
	drill *drill
	site  *site
	id    string
	line  *timeline
	// versions are those of the programs that take part, read before anything is broken.
	versions []report.Version
	load     *load.Load
	// shared are the clients with keys in common; nil for none.
	shared *load.Shared
	gate   *gateWatch
	// looking ends the observers.
	looking sync.WaitGroup
}

func newRun(p Plan, d *drill, s *site, line *timeline, sum *load.Tally) *run {
	r := &run{plan: p, drill: d, site: s, id: strings.ToLower(rand.Text()[:8]), line: line}
	r.load = &load.Load{Names: load.Names{Prefix: load.Keyspace + r.id + ":", Tags: s.tags}, Dial: s.dialPath,
		Conns: p.Connections, Rate: p.Rate, Book: &load.Book{Start: line.start, Tally: sum}}
	if p.Consistency {
		r.shared = &load.Shared{Names: r.load.Names, Dial: s.dialPath, Clients: poolClients, Every: poolEvery,
			Start: line.start}
		if p.Quick {
			r.shared.Every = poolEveryQuick
		}
	}
	r.gate = &gateWatch{dial: s.dialPath, line: line}
	return r
}

func (r *run) play(ctx context.Context) (*report.Report, error) {
	looking, end := context.WithCancel(ctx)
	entries, found, err := r.measure(looking)
	if ctx.Err() != nil { // any other error is a consequence
		err = fmt.Errorf("the drill was interrupted: %w", ctx.Err())
	}
	end()
	r.looking.Wait()
	if err != nil && r.site.target == nil {
		return nil, err // its servers end now, with all their keys
	}
	if err == nil && r.plan.Acks != "" { // its servers end now, and may lack a replica that confirms the removal of keys
		return r.report(entries, found), nil
	}
	left, leaveErr := r.leave(context.WithoutCancel(ctx))
	if err == nil {
		judged := r.report(entries, found)
		judged.Left = left
		return judged, leaveErr
	}
	for _, text := range left {
		leaveErr = errors.Join(errors.New(text), leaveErr)
	}
	return nil, errors.Join(err, leaveErr)
}

// measure runs the drill and reads back what it has written.
func (r *run) measure(ctx context.Context) ([]ledger.Entry, ledger.Found, error) {
	if r.site.target != nil {
		if err := r.probe(); err != nil {
			return nil, ledger.Found{}, err
		}
	}
	if err := r.load.Prepare(ctx); err != nil {
		return nil, ledger.Found{}, err
	}
	r.versions = r.site.versions()
	r.observe(ctx)
	r.load.Begin()
	if r.shared != nil {
		r.shared.Begin()
	}
	actErr := r.act(ctx)
	if actErr != nil { // so that pending requests are answered; what cannot be healed is reported later
		_ = r.site.mend(context.WithoutCancel(ctx))
	}
	r.line.record("drill", "the load ends", func(m *ledger.Marks, now time.Duration) { m.Ended = now })
	if r.shared != nil {
		r.shared.Stop()
	}
	r.load.Stop(ctx)
	if actErr != nil {
		return nil, ledger.Found{}, actErr
	}
	entries := r.load.Book.Taken()
	found, err := r.readback().Read(ctx, entries)
	return entries, found, err
}

// readback returns a reader of the written keys, by a path that is known to end at the primary.
func (r *run) readback() *load.Readback {
	back := &load.Readback{Names: r.load.Names, Dial: r.site.dialPath}
	switch {
	case r.site.target != nil:
		back.Dial = r.site.dialTarget
	case r.plan.Beside != "": // such a path may end at a former primary
		back.Dial = r.site.dialNamed
	}
	return back
}

// act lets the load warm up and runs the drill's act.
func (r *run) act(ctx context.Context) error {
	s := &stage{site: r.site, line: r.line, book: r.load.Book, quick: r.plan.Quick}
	r.line.record("drill", "the load begins", nil)
	if err := s.flow(ctx, time.Second); err != nil {
		return err
	}
	r.line.record("drill", "warm", func(m *ledger.Marks, now time.Duration) { m.Began = now })
	if err := s.flow(ctx, 2*time.Second); err != nil {
		return err
	}
	return r.drill.act(ctx, s)
}

// watchedKey is the key that observers write to find the server that accepts writes.
func (r *run) watchedKey() string {
	return r.load.Names.Prefix + r.load.Names.Part(0, true) + "accepts"
}

// observe starts all observers.
func (r *run) observe(ctx context.Context) {
	s := r.site
	for _, addr := range s.nodes {
		w := &serverWatch{line: r.line, addr: addr, dial: s.dialServer, key: r.watchedKey()}
		r.looking.Go(func() { w.run(ctx) })
	}
	for _, addr := range s.sentinels {
		w := &sentinelWatch{line: r.line, addr: addr, dial: s.dialServer}
		r.looking.Go(func() { w.run(ctx) })
	}
	if len(s.others) > 0 {
		w := &clusterWatch{line: r.line, addr: s.others[0], nodes: s.nodes, dial: s.dialServer}
		r.looking.Go(func() { w.run(ctx) })
	}
	r.looking.Go(func() { r.gate.run(ctx) })
	if r.plan.Live != nil {
		r.looking.Go(func() { r.reportLive(ctx) })
	}
}

func (r *run) reportLive(ctx context.Context) {
	ticker := time.NewTicker(liveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		events, _, _ := r.line.seen()
		phase := ""
		for _, e := range events {
			if e.Source == "drill" {
				phase = e.Text
			}
		}
		b := r.load.Book
		r.plan.Live(Progress{At: r.line.now(), Phase: phase, Acknowledged: b.Acknowledged.Load(),
			Uncertain: b.Uncertain.Load(), Errors: b.Errors.Load(), Waiting: r.gate.seen().Waiting})
	}
}

// report judges the records.
func (r *run) report(entries []ledger.Entry, back ledger.Found) *report.Report {
	events, marks, _ := r.line.seen()
	gate := r.gate.seen()
	if r.site.gate != nil {
		events = append(events, readLog(r.site.gate.Log(), r.line.start)...)
	}
	bar := r.drill.in(r.plan.Mode)
	if r.site.reads == primaryReads && bar.Switches > 0 {
		bar.ReadPause = 0 // reads wait for a primary as writes do
	}
	bar = r.plan.confirmed(bar)
	if r.plan.Untimed {
		bar.Pause, bar.Resume, bar.ReadPause = 0, 0, 0
		if bar.InFlightFor > 0 { // on a busy machine a kill takes time, too
			bar.InFlightFor += silentFor
		}
	}
	bar.InFlightFor = r.site.window(bar)
	figures := ledger.Count(entries, marks, bar.InFlightFor)
	account := ledger.Balance(entries, back, ledger.SentWithoutPrimary(marks, bar.InFlightFor))
	what := r.drill.what
	if r.plan.TLS {
		what += ", with TLS on all legs"
	}
	if r.plan.Acks != "" {
		what += ", with --acks " + r.plan.Acks
	}
	verdict := ledger.Judge(figures, account, gate, marks, bar)
	found := r.judgeHistory(&verdict, account, gate, marks, bar)
	if found != nil {
		for _, a := range found.Examples {
			events = append(events, report.Event{At: a.Read.Ended, Source: "check", Text: a.String()})
		}
	}
	slices.SortStableFunc(events, func(a, b report.Event) int { return int(a.At - b.At) })
	return &report.Report{Drill: r.plan.Name, What: what, Mode: string(r.plan.Mode),
		Path: cmp.Or(r.plan.Beside, report.Gateway), ID: r.id, Started: r.line.start, Connections: r.plan.Connections,
		Rate: r.plan.Rate, Versions: r.versions, Machine: machine(), Bar: bar, Marks: marks,
		Figures: figures, Account: account, Gate: gate, Verdict: verdict, History: found,
		Events: events, Entries: entries}
}
