package worker

import (
	"evergate/gateway/admin"
	"evergate/gateway/hotkeys"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// sampling looks for the keys that many requests use. What is on the path of all requests is the Sampler's; the methods
// here are for those that are due.
type sampling struct {
	hotkeys.Sampler
	// These are scratch.
	args, keys [][]byte
	at         []routing.Key
}

func newSampling(conf *Config) sampling {
	return sampling{Sampler: *hotkeys.NewSampler(len(conf.Services), conf.HotKeys, conf.Seed, routing.Slot)}
}

// request takes in the keys of a request.
func (s *sampling) request(w *Worker, r *request) {
	of := r.c.Service.Of
	if want := s.Request(of, w.clock.Now, len(r.frame)); want != 0 {
		s.note(w, of, want, r.command, r.args, len(r.frame), false)
	}
}

// reply takes in the keys of the request in a frame, whose reply has so many bytes.
func (s *sampling) reply(w *Worker, of *sessions.Service, frame []byte, size int) {
	want := s.Reply(of.Of, w.clock.Now, size)
	if want == 0 {
		return
	}
	s.args = resp.Args(frame, s.args[:0])
	s.note(w, of.Of, want, of.Catalog.Row(s.args), s.args, size, true)
	clear(s.args)
}

// stream takes in the keys of a request whose long reply of so many bytes has come to its end.
func (s *sampling) stream(w *Worker, l *upstream.Conn, size int) {
	p := l.Inflight.Front()
	s.reply(w, w.x.Served(l), l.Queue.Frame(l.Queue.AnsweredTo(), p.End), size)
}

// note passes on a request, or its reply, with the keys that its arguments show.
func (s *sampling) note(w *Worker, service int, want hotkeys.Want, command *routing.Command, args [][]byte, size int,
	reply bool) {
	use := hotkeys.Use{Bytes: size, Keys: s.keys[:0]}
	if command != nil {
		use.Command = command.Name
		s.at, _ = command.AccessedKeys(args, s.at[:0])
		for _, key := range s.at {
			use.Keys = append(use.Keys, args[key.At])
		}
	}
	if want.NeedsTime() {
		use.At = w.env.WallClock()
	}
	s.Note(service, want, w.clock.Now, use, reply)
	clear(use.Keys)
	s.keys = use.Keys[:0]
}

// session does this worker's share of HOTKEYS.
func (s *sampling) session(w *Worker, r *admin.Request) (report hotkeys.Report) {
	switch r.Command {
	case routing.CmdHotKeysStart:
		s.Start(r.Services, r.Options, w.clock.Now)
	case routing.CmdHotKeysStop:
		s.Stop(r.Services)
	case routing.CmdHotKeysReset:
		s.Reset(r.Services)
	case routing.CmdHotKeysGet:
		report = s.Report(r.Services)
	}
	return report
}
