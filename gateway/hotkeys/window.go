package hotkeys

import (
	"cmp"
	"slices"
	"time"
)

const (
	// Keys is for how many keys a pane has room: a key that more than one in so many requests use is surely found.
	Keys = 128
	// bigKeys is how many big keys a pane keeps.
	bigKeys = 16
	// The window slides by panes: it has all of the last 50 seconds, and of the present ten what has passed.
	panes = 6
	pane  = 10 * time.Second
)

// Big is a key whose request or reply was large: Bytes of it by the command, at a time of day.
type Big struct {
	Key     string
	Command string
	Bytes   int64
	At      time.Time
}

// window is what was seen of one service in the last minute.
type window struct {
	panes [panes]part
	now   int           // the index of the present pane
	ends  time.Duration // the end of the present pane
	began time.Duration // when the first pane began
}

// part is what was seen within one pane.
type part struct {
	keys     *Sketch // nil until there is one
	requests uint64
	big      []Big
}

// slide forgets what is too old at the time now.
func (w *window) slide(now time.Duration) {
	if w.ends == 0 || now >= w.ends+panes*pane { // all of it
		for i := range w.panes {
			w.panes[i].reset()
		}
		w.began, w.ends = now, now+pane
		return
	}
	for now >= w.ends {
		w.now = (w.now + 1) % panes
		w.panes[w.now].reset()
		w.ends += pane
		w.began = max(w.began, w.ends-panes*pane)
	}
}

func (p *part) reset() {
	if p.keys != nil {
		p.keys.Reset()
	}
	p.requests, p.big = 0, p.big[:0]
}

// request counts a request with its keys.
func (w *window) request(keys [][]byte) {
	p := &w.panes[w.now]
	p.requests++
	if p.keys == nil {
		p.keys = NewSketch(Keys)
	}
	for _, key := range keys {
		p.keys.Add(key, 1)
	}
}

// large notes a large request or reply about one key, unless a pane has larger ones.
func (w *window) large(key []byte, command string, size int64, at time.Time) {
	p, shown := &w.panes[w.now], key[:min(len(key), KeyBytes)]
	at1 := slices.IndexFunc(p.big, func(b Big) bool { return b.Key == string(shown) })
	switch {
	case at1 >= 0:
	case len(p.big) < bigKeys:
		at1 = len(p.big)
		p.big = append(p.big, Big{Key: string(shown)})
	default:
		at1 = 0
		for i := range p.big {
			if p.big[i].Bytes < p.big[at1].Bytes {
				at1 = i
			}
		}
		if size > p.big[at1].Bytes {
			p.big[at1] = Big{Key: string(shown)}
		}
	}
	if b := &p.big[at1]; size > b.Bytes {
		b.Command, b.Bytes, b.At = command, size, at
	}
}

// Seen is what one worker has seen of one service in the last minute, as sampled.
type Seen struct {
	// Requests were sampled, over a time of For.
	Requests uint64
	For      time.Duration
	Keys     []Count
	Big      []Big
}

// seen copies what is in the window at the time now.
func (w *window) seen(now time.Duration) (s Seen) {
	w.slide(now)
	s.For = now - w.began
	var all [][]Count
	for i := range w.panes {
		p := &w.panes[i]
		s.Requests += p.requests
		s.Big = append(s.Big, p.big...)
		if p.keys != nil {
			all = append(all, p.keys.Counts())
		}
	}
	s.Keys = Top(Keys, all...)
	return s
}

// Join makes one of what several workers have seen, with at most n keys and n big ones: hottest first, biggest first.
func Join(n int, all []Seen) (s Seen) {
	var keys [][]Count
	var big []Big
	for i := range all {
		s.Requests += all[i].Requests
		s.For = max(s.For, all[i].For)
		keys, big = append(keys, all[i].Keys), append(big, all[i].Big...)
	}
	s.Keys = Top(n, keys...)
	slices.SortFunc(big, func(a, b Big) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Key, b.Key), b.At.Compare(a.At))
	})
	for _, b := range big { // a key is in several panes
		if len(s.Big) < n && !slices.ContainsFunc(s.Big, func(o Big) bool { return o.Key == b.Key }) {
			s.Big = append(s.Big, b)
		}
	}
	return s
}
