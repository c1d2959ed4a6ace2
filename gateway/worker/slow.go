package worker

import (
	"math"
	"time"

	"evergate/gateway/latency"
	"evergate/gateway/resp"
	"evergate/gateway/retry"
	"evergate/gateway/sessions"
	"evergate/gateway/slowlog"
	"evergate/gateway/trace"
	"evergate/gateway/upstream"
	"evergate/gateway/wait"
	"evergate/routing"
)

// timed takes the time of a request at the front of a connection whose whole reply has come.
func (w *Worker) timed(c *sessions.Session, l *upstream.Conn, p *upstream.Pending, size int) {
	took := w.clock.Stamp - p.Began
	if p.Flags&upstream.Blocking == 0 {
		us := uint32(took)
		bucket := latency.BucketOf(us)
		w.latency.Record(c.Service.Of, p.Command, bucket, us)
		if c.SentLate() {
			us = uint32(w.clock.Stamp - c.SentAt(p.Seq, p.Part, p.Began))
			bucket = latency.BucketOf(us)
		}
		l.CountTime(p, bucket, us)
	}
	if took >= w.slow.least {
		w.slow.answered(w, c, l, size)
	}
}

// timedAtServer is timed for a write that replicas must confirm: the time until they have is added by verbs.Confirmed.
func (w *Worker) timedAtServer(c *sessions.Session, l *upstream.Conn, p *upstream.Pending, size int) {
	if p.Flags&upstream.Blocking == 0 {
		us := uint32(w.clock.Stamp - c.SentAt(p.Seq, p.Part, p.Began))
		l.CountTime(p, latency.BucketOf(us), us)
	}
	if w.clock.Stamp-p.Began >= w.slow.least {
		w.slow.answered(w, c, l, size)
	}
}

// timedLater is timed where the reply is withheld: what it returns is called when the client gets it, or an error
// instead. The client waits in between because of a failover, as in a hold.
func (w *Worker) timedLater(c *sessions.Session, l *upstream.Conn, size int) (settled func()) {
	p, came := *l.Inflight.Front(), w.clock.Stamp
	if p.Flags&upstream.Blocking != 0 {
		return func() {}
	}
	us := uint32(came - c.SentAt(p.Seq, p.Part, p.Began))
	l.CountTime(&p, latency.BucketOf(us), us)
	note := w.slow.withheld(w, c, l, size)
	return func() {
		us := uint32(w.clock.Stamp - p.Began)
		w.latency.Record(c.Service.Of, p.Command, latency.BucketOf(us), us)
		note(w.clock.Stamp.Since(came))
	}
}

// slowness finds requests that took long. On the path of all requests is one comparison with least.
type slowness struct {
	// least is the shortest time of a slow request of any service; 1<<32 - 1, which takes 71 minutes, if none is.
	least wait.Stamp
	// of is that time of each service; Never if none is slow.
	of   []time.Duration
	args [][]byte // scratch
}

func newSlowness(conf *Config, env *Env) slowness {
	if env.Slow == nil {
		conf.SlowerThan = -1
	}
	s := slowness{}
	s.grow(conf)
	return s
}

// grow makes room for all services of a configuration. The new ones begin with its SlowerThan.
func (s *slowness) grow(conf *Config) {
	var added []int
	for len(s.of) < len(conf.Services) {
		added = append(added, len(s.of))
		s.of = append(s.of, 0)
	}
	s.set(added, conf.SlowerThan)
}

// set changes from which time on requests of some services are slow.
func (s *slowness) set(services []int, slow time.Duration) {
	if slow < 0 {
		slow = wait.Never
	}
	for _, i := range services {
		s.of[i] = slow
	}
	s.least = math.MaxUint32
	for _, slow := range s.of {
		s.least = wait.Stamp(min(int64(s.least), int64(slow/time.Microsecond)))
	}
}

// answered looks at a request at the front of a connection whose whole reply has come. The wait of a blocking command
// is no slowness, nor is that for the replies to earlier requests on the same connection: those were slow.
func (s *slowness) answered(w *Worker, c *sessions.Session, l *upstream.Conn, size int) {
	p := l.Inflight.Front()
	e := s.parts(w, c, l, size)
	if p.Flags&upstream.Blocking != 0 || p.Began == 0 || e.Server+e.Hold < s.of[c.Service.Of] {
		return
	}
	e = s.described(c, e, s.argsOf(l))
	clear(s.args)
	s.note(w, c, e)
}

// withheld looks at one whose reply is withheld. What it returns is called when that has ended, with how long it was.
func (s *slowness) withheld(w *Worker, c *sessions.Session, l *upstream.Conn, size int) (ended func(time.Duration)) {
	if s.of[c.Service.Of] == wait.Never {
		return func(time.Duration) {}
	}
	e := s.parts(w, c, l, size)
	e = s.described(c, e, s.argsOf(l))
	clear(s.args)
	return func(after time.Duration) {
		if e.Took, e.Hold = e.Took+after, e.Hold+after; e.Server+e.Hold >= s.of[c.Service.Of] {
			s.note(w, c, e)
		}
	}
}

// parts divides the time of a request at the front of a connection.
func (s *slowness) parts(w *Worker, c *sessions.Session, l *upstream.Conn, size int) slowlog.Entry {
	p, now := l.Inflight.Front(), w.clock.Stamp
	took, sent := now.Since(p.Began), c.SentAt(p.Seq, p.Part, p.Began)
	behind := l.Answered.Since(sent) // a long time, if there was none before
	if behind > took {
		behind = 0
	}
	return slowlog.Entry{
		Took: took, Server: now.Since(sent) - behind, Hold: sent.Since(p.Began),
		RequestBytes: int64(p.End - l.Queue.AnsweredTo()), ReplyBytes: int64(size), Node: c.Service.NodeName(l.Key.Node),
	}
}

// argsOf returns the arguments of a request at the front of a connection, in scratch.
func (s *slowness) argsOf(l *upstream.Conn) [][]byte {
	s.args = resp.Args(l.Queue.Frame(l.Queue.AnsweredTo(), l.Inflight.Front().End), s.args[:0])
	return s.args
}

// waited looks at a request whose session has waited for a server: unless it was sent now, the gateway has answered it.
func (s *slowness) waited(w *Worker, c *sessions.Session, seq uint32, began wait.Stamp, args [][]byte) {
	took := w.clock.Stamp.Since(began)
	if took >= s.of[c.Service.Of] && !c.SentNow(seq, w.clock.Stamp) {
		size := len(resp.AppendCommand(nil, args...))
		e := slowlog.Entry{Took: took, Hold: took, RequestBytes: int64(size)}
		s.note(w, c, s.described(c, e, args))
	}
}

// retried does so for a request that was to be retried.
func (s *slowness) retried(w *Worker, c *sessions.Session, a *retry.Entry) {
	if began := wait.Stamp(a.Began); began != 0 && w.clock.Stamp-began >= s.least {
		s.waited(w, c, a.Seq, began, resp.Args(a.Frame, nil))
	}
}

// described returns an entry with what its arguments and its client are.
func (s *slowness) described(c *sessions.Session, e slowlog.Entry, args [][]byte) slowlog.Entry {
	command := c.Service.Catalog.Row(args)
	if command != nil && command.ID == routing.CmdMulti { // a transaction is one request
		args = [][]byte{[]byte("EXEC")}
		command = routing.Lookup(args)
	}
	r := trace.Record{Command: command, Args: args}
	e.Args, e.Arguments = slowlog.Shown(args, r.Secret), len(args)-1
	e.Client, e.User = c.Remote, c.Rights().Name()
	if c.Identity != nil {
		e.Name = c.Identity.Name
	}
	if command != nil {
		e.Command = command.Name
		keys, _ := command.AccessedKeys(args, nil)
		for _, key := range keys[:min(len(keys), slowlog.KeysMax)] {
			e.Keys = append(e.Keys, slowlog.Key(args[key.At]))
		}
		e.KeysCount = len(keys)
	}
	return e
}

// note passes on an entry.
func (s *slowness) note(w *Worker, c *sessions.Session, e slowlog.Entry) {
	e.At = w.env.WallClock()
	w.env.Slow(c.Service.Of, e)
}
