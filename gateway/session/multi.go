package session

// Multi is a transaction that is being queued. It is sent whole at EXEC, so that no part of it is executed if the
// client leaves before.
type Multi struct {
	// Body are the frames of MULTI and its commands, concatenated, and Count is the number of commands. Without
	// commands Body is the frame of BeginMulti itself.
	Body  []byte
	Count int
	// Placeholders are its commands that the gateway answers itself, in order.
	Placeholders []Placeholder
	// Slot of its keys; -1 while there is none, or without slots.
	Slot int
	// Aborted: a command of it was rejected, so EXEC will be.
	Aborted bool
	// Nested: it contained MULTI or WATCH. Servers reject these, and some reject EXEC then.
	Nested bool
	// Traits are those of all its commands.
	Traits
}

// Traits are what matters of a command at EXEC, and of a transaction that has such a command.
type Traits struct {
	// Named: it runs a script by its SHA1.
	Named bool
	// Scripts: it contains a script, or flushes all.
	Scripts bool
	// Writes: it may change something. Counts: the reply to it counts subscribers.
	Writes bool
	Counts bool
	// Alone: it may harm other users of its connection.
	Alone bool
}

// Placeholder is a command in a transaction that is replaced by another one, at index At.
type Placeholder struct {
	At   int
	Args [][]byte
}

// BeginMulti begins a transaction without commands; frame is that of MULTI, and must not be changed afterwards.
func (s *Session) BeginMulti(frame []byte) {
	s.Multi = &Multi{Body: frame[:len(frame):len(frame)], Slot: -1}
}

// EndMulti ends the transaction, if there is one: it was sent or discarded.
func (s *Session) EndMulti() { s.Multi = nil }

// Queue appends a command to the transaction, and copies its frame. slot is that of its keys, or -1.
func (m *Multi) Queue(frame []byte, slot int, of Traits) {
	m.Body = append(m.Body, frame...)
	m.Count++
	if slot >= 0 {
		m.Slot = slot
	}
	m.Traits = Traits{
		Named: m.Named || of.Named, Scripts: m.Scripts || of.Scripts, Writes: m.Writes || of.Writes,
		Counts: m.Counts || of.Counts, Alone: m.Alone || of.Alone,
	}
}

// Replace records that the command which is queued next is a placeholder: the gateway answers the one with these args,
// which it keeps.
func (m *Multi) Replace(args [][]byte) {
	m.Placeholders = append(m.Placeholders, Placeholder{At: m.Count, Args: args})
}

// Abort makes EXEC fail: a command was rejected.
func (m *Multi) Abort() { m.Aborted = true }

// Nest records that the transaction contained MULTI or WATCH.
func (m *Multi) Nest() { m.Nested = true }

// Memory is how many bytes the transaction takes: none for one that is nil or has no commands.
func (m *Multi) Memory() int {
	if m == nil || m.Count == 0 {
		return 0
	}
	return cap(m.Body)
}

// Size is how many bytes are kept for the transaction: none for one that is nil or has no commands.
func (m *Multi) Size() int {
	if m == nil || m.Count == 0 {
		return 0
	}
	return len(m.Body)
}
