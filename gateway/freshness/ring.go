package freshness

// ringMax is how many offsets a ring has. When it is full, every second one of the older half is dropped: what a
// replica far behind has reached is known less exactly.
const ringMax = 128

// ring has the offsets of a primary in one history, at polls in their order.
type ring struct {
	run, replID string
	points      []point
	// polls is how many polls there were.
	polls int64
}

// point is an offset that a primary had at one poll, or at several in a row.
type point struct {
	offset int64
	// first and last are the numbers of these polls. The primary had the same offset whenever a number between them was
	// given out, too.
	first, last uint64
	// firstAt and at are when these two began; count is how many polls there were up to last.
	firstAt, at int64
	count       int64
}

// newest returns the last point, or nil.
func (r *ring) newest() *point {
	if len(r.points) == 0 {
		return nil
	}
	return &r.points[len(r.points)-1]
}

// offset returns the last offset, 0 without one.
func (r *ring) offset() int64 {
	if p := r.newest(); p != nil {
		return p.offset
	}
	return 0
}

// add records a poll, whose number is higher than those before.
func (r *ring) add(poll uint64, offset, at int64) {
	r.polls++
	if p := r.newest(); p != nil && p.offset == offset {
		p.last, p.at, p.count = poll, at, r.polls
		return
	}
	if len(r.points) == ringMax {
		kept := r.points[:0]
		for i, p := range r.points {
			if i%2 == 1 || i >= ringMax/2 {
				kept = append(kept, p)
			}
		}
		r.points = kept
	}
	r.points = append(r.points, point{offset: offset, first: poll, last: poll, firstAt: at, at: at, count: r.polls})
}

// reach is the highest poll that a replica has reached, when that poll began, and how many there were up to it. The
// zero value is none.
type reach struct {
	poll  uint64
	at    int64
	count int64
}

// reached returns what an offset proves that a replica reported, when asked was the last poll that had begun before its
// question. It says nothing of later polls, though the primary may have had no higher offset at them: the replica may
// have restarted in between.
func (r *ring) reached(offset int64, asked uint64) reach {
	for i := len(r.points) - 1; i >= 0; i-- {
		switch p := &r.points[i]; {
		case p.offset > offset || p.first > asked:
		case p.last <= asked:
			return reach{p.last, p.at, p.count}
		default:
			return reach{asked, p.firstAt, p.count}
		}
	}
	return reach{}
}

// countAt returns how many polls there were up to the one with this number, as far as that is still known.
func (r *ring) countAt(poll uint64) int64 {
	var n int64
	for i := range r.points {
		if r.points[i].last <= poll {
			n = r.points[i].count
		}
	}
	return n
}

// after returns when the first poll began that is later than the one with this number, as far as that is still known;
// false if there is none.
func (r *ring) after(poll uint64) (at int64, found bool) {
	for i := range r.points {
		switch p := &r.points[i]; {
		case p.first > poll:
			return p.firstAt, true
		case p.last > poll:
			return p.at, true
		}
	}
	return 0, false
}
