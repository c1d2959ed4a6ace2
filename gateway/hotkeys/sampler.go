// Package hotkeys finds the keys that many requests use, and those with large values, in a sample of the requests of a
// worker. It has no clock and no lock: the worker asks it about each request and each reply, and it says whether to
// look at it.
//
//	s.Due(size), s.DueReply(size)          on the path of all: a decrement and compares
//	s.Request(service, now, size)          what is wanted of a request that is due, s.Reply of a reply
//	s.Note(service, wanted, use)           takes in its keys
//	s.Seen(services, now), Join            what was seen in the last minute
//	s.Start, s.Stop, s.Reset, s.Report     a session of HOTKEYS; Parse and Session.AppendReply are its command
//
// Begin with Sampler, then read Sketch, which keeps the hottest keys in a fixed room.
//
// Keys are the data of users: they are copied only for requests that are sampled, and whoever shows them decides who
// may see them.
package hotkeys

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	// OneIn is of how many requests one is sampled, on average: chosen at random, so that no pattern of requests escapes.
	OneIn = 64
	// BigFrom is from how many bytes on a request or a reply, divided by its keys, shows a big key. All of them are looked
	// at, not a sample.
	BigFrom = 16 << 10
)

// Want is what is wanted of a request or a reply.
type Want uint8

const (
	forWindow Want = 1 << iota
	forBig
	forSession
)

// NeedsTime reports whether the time of day is wanted.
func (w Want) NeedsTime() bool { return w&forBig != 0 }

// Use is a request or a reply with the keys of it. Its slices are not kept.
type Use struct {
	// Command is the name of its row.
	Command string
	Keys    [][]byte
	// Bytes is the size of the request, or of the reply.
	Bytes int
	// At is the time of day.
	At time.Time
}

// Sampler samples the requests of one worker. NewSampler makes it.
type Sampler struct {
	left     int // requests before the next one of the sample
	oneIn    int // of how many requests one is in the sample; 0: none is
	on       bool
	bigFrom  int // a larger request is due whether it is in the sample or not
	replyBig int // a larger reply is due
	rnd      *rand.Rand
	slotOf   func(key []byte) int
	services []service
}

// service is what is kept of one service.
type service struct {
	window  window
	session *session
}

// NewSampler makes a sampler for so many services; on: it samples without a session of HOTKEYS, too. slotOf returns the
// slot of a key.
func NewSampler(services int, on bool, seed uint64, slotOf func(key []byte) int) *Sampler {
	s := &Sampler{on: on, services: make([]service, services), slotOf: slotOf, rnd: rand.New(rand.NewPCG(seed, 0x686f74))}
	s.tune()
	return s
}

// Grow makes room for so many services.
func (s *Sampler) Grow(services int) {
	for len(s.services) < services {
		s.services = append(s.services, service{})
	}
}

// Forget forgets what was seen of a service, and ends its session.
func (s *Sampler) Forget(of int) {
	s.services[of] = service{}
	s.tune()
}

// Switch has it sample for the last minute, or not any more: then that is forgotten.
func (s *Sampler) Switch(on bool) {
	if s.on == on {
		return
	}
	s.on = on
	for i := range s.services {
		s.services[i].window = window{}
	}
	s.tune()
}

// tune sets how much is looked at: as much as the window and the sessions need.
func (s *Sampler) tune() {
	s.oneIn, s.bigFrom, s.replyBig = 0, math.MaxInt, math.MaxInt
	if s.on {
		s.oneIn, s.bigFrom, s.replyBig = OneIn, BigFrom, BigFrom
	}
	for i := range s.services {
		if t := s.services[i].session; t != nil && !t.stopped {
			s.replyBig = -1 // each one: which is in the sample is decided anew
			if s.oneIn == 0 || t.options.Sample < s.oneIn {
				s.oneIn = t.options.Sample
			}
		}
	}
	s.next()
}

// next decides which request is the next one of the sample.
func (s *Sampler) next() {
	s.left = math.MaxInt
	if s.oneIn > 0 {
		s.left = s.rnd.IntN(2*s.oneIn - 1) // the mean gap is oneIn
	}
}

// Due counts a request of so many bytes, and reports whether to look at it.
func (s *Sampler) Due(size int) bool {
	s.left--
	return s.left < 0 || size > s.bigFrom
}

// DueReply reports whether to look at a reply of so many bytes.
func (s *Sampler) DueReply(size int) bool { return size > s.replyBig }

// Request returns what is wanted of a request that is due; 0: nothing.
func (s *Sampler) Request(service int, now time.Duration, size int) (w Want) {
	if s.on && size > BigFrom {
		w = forBig
	}
	if s.left >= 0 {
		return w
	}
	s.next()
	if s.on && s.rnd.IntN(OneIn) < s.oneIn {
		w |= forWindow
	}
	if s.counts(service, now) && s.rnd.IntN(s.services[service].session.options.Sample) < s.oneIn {
		w |= forSession
	}
	return w
}

// Reply returns what is wanted of a reply that is due; 0: nothing.
func (s *Sampler) Reply(service int, now time.Duration, size int) (w Want) {
	if s.on && size > BigFrom {
		w = forBig
	}
	if s.counts(service, now) && s.rnd.IntN(s.services[service].session.options.Sample) == 0 {
		w |= forSession
	}
	return w
}

// Note takes in a request with its keys, as wanted. reply: it is the reply to one, whose request was counted.
func (s *Sampler) Note(service int, w Want, now time.Duration, u Use, reply bool) {
	of := &s.services[service]
	if w&(forWindow|forBig) != 0 {
		of.window.slide(now)
	}
	if w&forWindow != 0 {
		of.window.request(u.Keys)
	}
	if w&forBig != 0 && len(u.Keys) > 0 && u.Bytes/len(u.Keys) > BigFrom {
		for _, key := range u.Keys {
			of.window.large(key, u.Command, int64(u.Bytes/len(u.Keys)), u.At)
		}
	}
	if w&forSession != 0 {
		of.session.note(u, reply, s.slotOf)
	}
}

// Seen returns what was seen of some services in the last minute.
func (s *Sampler) Seen(services []int, now time.Duration) Seen {
	var all []Seen
	for _, i := range services {
		if w := &s.services[i].window; w.ends > 0 {
			all = append(all, w.seen(now))
		}
	}
	return Join(Keys, all)
}
