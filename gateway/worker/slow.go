package worker

import (
	"math"
	"time"

	"evergate/gateway/acks"
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

// timedAtServer is timed for a write that replicas must confirm: verbs.Confirmed does the rest when they have, with
// what it returns.
func (w *Worker) timedAtServer(c *sessions.Session, l *upstream.Conn, p *upstream.Pending) acks.Spent {
	if p.Flags&upstream.Blocking != 0 {
		return acks.Spent{}
	}
	us := uint32(w.clock.Stamp - c.SentAt(p.Seq, p.Part, p.Began))
	l.CountTime(p, latency.BucketOf(us), us)
	return w.slow.spent(w, c, l)
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

// spent is what the time of a write at the front of a connection was spent on, which replicas must confirm yet.
func (s *slowness) spent(w *Worker, c *sessions.Session, l *upstream.Conn) acks.Spent {
	p := l.Inflight.Front()
	if s.of[c.Service.Of] == wait.Never || p.Began == 0 {
		return acks.Spent{}
	}
	from := l.Queue.AnsweredTo()
	_, server, hold := spentOn(w, c, l)
	return acks.Spent{
		Came: uint32(w.clock.Stamp), Server: uint32(server / time.Microsecond), Hold: uint32(hold / time.Microsecond),
		Request: int(p.End - from), Head: l.Queue.Frame(from, min(p.End, from+acks.HeadMax)),
	}
}

// confirmed looks at a write that replicas have confirmed, or that is answered otherwise after their time.
func (s *slowness) confirmed(w *Worker, c *sessions.Session, l *upstream.Conn, r *acks.Reply) {
	of, now := &r.Spent, w.clock.Stamp
	e := slowlog.Entry{
		Took: now.Since(wait.Stamp(r.Began)), Server: time.Duration(of.Server) * time.Microsecond,
		Hold: time.Duration(of.Hold) * time.Microsecond, Acks: now.Since(wait.Stamp(of.Came)),
		RequestBytes: int64(of.Request), ReplyBytes: int64(r.Size() - len(of.Head)), Node: c.Service.NodeName(l.Key.Node),
	}
	if of.Request > 0 && e.Server+e.Hold+e.Acks >= s.of[c.Service.Of] {
		s.note(w, c, s.described(c, e, resp.HeadArgs(of.Head)))
	}
}

// spentOn divides the time of a request at the front of a connection.
func spentOn(w *Worker, c *sessions.Session, l *upstream.Conn) (took, server, hold time.Duration) {
	p, now := l.Inflight.Front(), w.clock.Stamp
	took, sent := now.Since(p.Began), c.SentAt(p.Seq, p.Part, p.Began)
	behind := l.Answered.Since(sent) // a long time, if there was none before
	if behind > took {
		behind = 0
	}
	return took, now.Since(sent) - behind, sent.Since(p.Began)
}

// parts returns an entry with the parts of the time of a request at the front of a connection.
func (s *slowness) parts(w *Worker, c *sessions.Session, l *upstream.Conn, size int) slowlog.Entry {
	p := l.Inflight.Front()
	took, server, hold := spentOn(w, c, l)
	return slowlog.Entry{
		Took: took, Server: server, Hold: hold,
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

// described returns an entry with what its arguments and its client are. Arguments that are not known are nil.
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
			if args[key.At] != nil {
				e.Keys = append(e.Keys, slowlog.Key(args[key.At]))
			}
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
