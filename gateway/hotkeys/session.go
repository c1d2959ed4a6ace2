package hotkeys

import "time"

// Options are those of HOTKEYS START.
type Options struct {
	// Count is how many keys are shown of each list.
	Count int
	// Duration is how long the session lasts; 0: until HOTKEYS STOP.
	Duration time.Duration
	// Sample is of how many requests one is looked at.
	Sample int
	// Slots are those whose keys count, in order; nil: all.
	Slots []int
}

// session is a worker's part of one session of HOTKEYS.
type session struct {
	options  Options
	until    time.Duration // when it stops by itself; 0: never
	stopped  bool
	slots    map[int]bool // nil: all
	requests *Sketch
	net      *Sketch
	sums     Sums
}

// Sums are those of a session, as sampled: of requests that name keys, and their replies.
type Sums struct {
	// Bytes are of all, Selected of those with a key in the slots of the session.
	Bytes, Selected uint64
}

// counts reports whether a session about a service is under way at the time now. One whose time is up is stopped.
func (s *Sampler) counts(service int, now time.Duration) bool {
	t := s.services[service].session
	switch {
	case t == nil || t.stopped:
		return false
	case t.until == 0 || now < t.until:
		return true
	}
	s.Stop([]int{service})
	return false
}

// Start begins a session about some services, in place of one that has ended.
func (s *Sampler) Start(services []int, o Options, now time.Duration) {
	for _, i := range services {
		t := &session{options: o, requests: NewSketch(10 * o.Count), net: NewSketch(10 * o.Count)}
		if o.Duration > 0 {
			t.until = now + o.Duration
		}
		if o.Slots != nil {
			t.slots = make(map[int]bool, len(o.Slots))
			for _, slot := range o.Slots {
				t.slots[slot] = true
			}
		}
		s.services[i].session = t
	}
	s.tune()
}

// Stop ends the sessions about some services, and keeps what they have.
func (s *Sampler) Stop(services []int) {
	for _, i := range services {
		if t := s.services[i].session; t != nil {
			t.stopped = true
		}
	}
	s.tune()
}

// Reset forgets the sessions about some services.
func (s *Sampler) Reset(services []int) {
	for _, i := range services {
		s.services[i].session = nil
	}
	s.tune()
}

// note takes in a request or a reply that is in the sample.
func (t *session) note(u Use, reply bool, slotOf func([]byte) int) {
	if len(u.Keys) == 0 {
		return
	}
	each, selected := u.Bytes/len(u.Keys), false
	for _, key := range u.Keys {
		if t.slots != nil && !t.slots[slotOf(key)] {
			continue
		}
		selected = true
		t.net.Add(key, uint64(each))
		if !reply {
			t.requests.Add(key, 1)
		}
	}
	t.sums.Bytes += uint64(u.Bytes)
	if selected {
		t.sums.Selected += uint64(u.Bytes)
	}
}

// Report is what one worker has of a session.
type Report struct {
	Sums
	// Net is bytes by key, Requests requests.
	Net, Requests []Count
}

// Report returns what the sessions about some services have so far.
func (s *Sampler) Report(services []int) (r Report) {
	for _, i := range services {
		if t := s.services[i].session; t != nil {
			r.Bytes += t.sums.Bytes
			r.Selected += t.sums.Selected
			r.Net, r.Requests = append(r.Net, t.net.Counts()...), append(r.Requests, t.requests.Counts()...)
		}
	}
	return r
}
