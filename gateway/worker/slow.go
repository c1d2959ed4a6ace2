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

// slowness finds requests that took long. On the path of all requests is one comparison with least.
type slowness struct {
	// least is the shortest time of a slow request of any service; 1<<32 - 1, which takes 71 minutes, if none is.
	least wait.Stamp
	// of is that time of each service; Never if none is slow.
	of   []time.Duration
	args [][]byte // scratch
}

func newSlowness(conf *Config, env *Env) slowness {
	s := slowness{of: make([]time.Duration, len(conf.Services))}
	if env.Slow == nil {
		conf.SlowerThan = -1
	}
	all := make([]int, len(conf.Services))
	for i := range all {
		all[i] = i
	}
	s.set(all, conf.SlowerThan)
	return s
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
	took := w.clock.Stamp.Since(p.Began)
	sent := c.SentAt(p.Seq, p.Part, p.Began)
	behind := l.Answered.Since(sent) // negative, a long time, if there was none before
	if behind > took {
		behind = 0
	}
	if p.Flags&upstream.Blocking != 0 || p.Began == 0 || took-behind < s.of[c.Service.Of] {
		return
	}
	frame := l.Queue.Frame(l.Queue.AnsweredTo(), p.End)
	s.args = resp.Args(frame, s.args[:0])
	e := slowlog.Entry{
		Took: took, Server: w.clock.Stamp.Since(sent) - behind, Hold: sent.Since(p.Began),
		RequestBytes: int64(len(frame)), ReplyBytes: int64(size), Node: c.Service.NodeName(l.Key.Node),
	}
	s.note(w, c, e, s.args)
	clear(s.args)
}

// waited looks at a request whose session has waited for a server: unless it was sent now, the gateway has answered it.
func (s *slowness) waited(w *Worker, c *sessions.Session, seq uint32, began wait.Stamp, args [][]byte) {
	took := w.clock.Stamp.Since(began)
	if took >= s.of[c.Service.Of] && !c.SentNow(seq, w.clock.Stamp) {
		size := len(resp.AppendCommand(nil, args...))
		s.note(w, c, slowlog.Entry{Took: took, Hold: took, RequestBytes: int64(size)}, args)
	}
}

// retried does so for a request that was to be retried.
func (s *slowness) retried(w *Worker, c *sessions.Session, a *retry.Entry) {
	if began := wait.Stamp(a.Began); began != 0 && w.clock.Stamp-began >= s.least {
		s.waited(w, c, a.Seq, began, resp.Args(a.Frame, nil))
	}
}

// note adds to an entry what its arguments and its client are, and passes it on.
func (s *slowness) note(w *Worker, c *sessions.Session, e slowlog.Entry, args [][]byte) {
	command := c.Service.Catalog.Row(args)
	if command != nil && command.ID == routing.CmdMulti { // a transaction is one request
		args = [][]byte{[]byte("EXEC")}
		command = routing.Lookup(args)
	}
	r := trace.Record{Command: command, Args: args}
	e.At, e.Args, e.Arguments = w.env.WallClock(), slowlog.Shown(args, r.Secret), len(args)-1
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
	w.env.Slow(c.Service.Of, e)
}
