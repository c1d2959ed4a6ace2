package freshness

// Keys are the cells of a request's keys. Nil stands for any keys; a request that concerns no key has empty ones.
type Keys []Cell

var anyKeys = Keys{AllKeys}

// Mark is the keys for which a write is in flight: 0 for none, a cell and 1, or above oneMax a set of its Marks.
type Mark uint32

const oneMax = Mark(AllKeys) + 1

// Marks are those that one goroutine has begun, of writes of any services. The zero value is ready.
type Marks struct {
	// sets has the cells of the marks above oneMax, free those of them that are not in use.
	sets []Keys
	free []Mark
	open int
}

// Open is how many marks have begun and not ended.
func (m *Marks) Open() int { return m.open }

// Begin returns the mark of a write of a service that is about to be sent.
func (m *Marks) Begin(s *Service, keys Keys) Mark {
	if len(keys) == 1 {
		m.open++
		s.Begin(keys[0])
		return Mark(keys[0]) + 1
	}
	return m.beginSeveral(s, keys)
}

func (m *Marks) beginSeveral(s *Service, keys Keys) Mark {
	switch {
	case keys == nil:
		return m.Begin(s, anyKeys)
	case len(keys) == 0:
		return 0
	}
	if len(m.free) == 0 {
		m.sets = append(m.sets, nil)
		m.free = append(m.free, oneMax+Mark(len(m.sets)))
	}
	mark := m.free[len(m.free)-1]
	m.free = m.free[:len(m.free)-1]
	set := &m.sets[mark-oneMax-1]
	*set = append((*set)[:0], keys...)
	for _, cell := range keys {
		s.Begin(cell)
	}
	m.open++
	return mark
}

// End ends a mark that is not 0, with the service that it began with. The write was executed, or it never will be.
func (m *Marks) End(s *Service, mark Mark) {
	m.open--
	if mark <= oneMax {
		s.End(Cell(mark - 1))
		return
	}
	set := &m.sets[mark-oneMax-1]
	for _, cell := range *set {
		s.End(cell)
	}
	if cap(*set) > markKeysKept {
		*set = nil
	}
	m.free = append(m.free, mark)
}

// markKeysKept is for how many keys the memory of a set is kept for the next one.
const markKeysKept = 1 << 10

// Keys are the cells of a mark that is not 0. They are valid until it ends.
func (m *Marks) Keys(mark Mark) Keys {
	if mark <= oneMax {
		return Keys{Cell(mark - 1)}
	}
	return m.sets[mark-oneMax-1]
}
