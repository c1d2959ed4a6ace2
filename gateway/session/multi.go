package session

import (
	"bytes"
	"slices"
)

// Multi is a transaction that is being queued. It is sent whole at EXEC, so that no part of it is executed if the
// client leaves before.
type Multi struct {
	// Body are the frames of MULTI and its commands, in pieces that hold whole frames, so that a long transaction need
	// not be copied when it grows. Count is the number of commands. Without commands Body is the frame of BeginMulti
	// alone.
	Body  [][]byte
	Count int
	first [1][]byte // where Body begins
	// size and room are the bytes in Body, and those of its pieces.
	size, room int
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
	m := &Multi{Slot: -1, first: [1][]byte{frame[:len(frame):len(frame)]}, size: len(frame)}
	m.Body = m.first[:]
	s.Multi = m
}

// EndMulti ends the transaction, if there is one: it was sent or discarded.
func (s *Session) EndMulti() { s.Multi = nil }

// pieceBytes is how long a piece grows. A longer one holds a single frame.
const pieceBytes = 64 << 10

// Queue appends a command to the transaction. It copies its frame, unless owned: then it keeps it. slot is that of its
// keys, or -1.
func (m *Multi) Queue(frame []byte, owned bool, slot int, of Traits) {
	m.add(frame, owned)
	m.Count++
	if slot >= 0 {
		m.Slot = slot
	}
	m.Traits = Traits{
		Named: m.Named || of.Named, Scripts: m.Scripts || of.Scripts, Writes: m.Writes || of.Writes,
		Counts: m.Counts || of.Counts, Alone: m.Alone || of.Alone,
	}
}

// add appends a frame to Body.
func (m *Multi) add(frame []byte, owned bool) {
	last := &m.Body[len(m.Body)-1]
	switch {
	case owned:
		m.Body = append(m.Body, frame)
		m.room += cap(frame)
	case len(*last)+len(frame) > max(pieceBytes, cap(*last)):
		m.Body = append(m.Body, bytes.Clone(frame))
		m.room += cap(m.Body[len(m.Body)-1])
	default:
		if m.room > 0 { // the frame of BeginMulti is that of all transactions
			m.room -= cap(*last)
		}
		*last = append(*last, frame...)
		m.room += cap(*last)
	}
	m.size += len(frame)
}

// With returns Body with frames behind it, which it copies, as its first piece and the rest. The caller owns the rest,
// and all of Body when the transaction has ended.
func (m *Multi) With(frames ...[]byte) (first []byte, rest [][]byte) {
	first, rest = m.Body[0], slices.Clone(m.Body[1:])
	last := &first
	if len(rest) > 0 {
		last = &rest[len(rest)-1]
	}
	for _, frame := range frames {
		if len(*last)+len(frame) > max(pieceBytes, cap(*last)) {
			rest = append(rest, nil)
			last = &rest[len(rest)-1]
		}
		*last = append(*last, frame...)
	}
	return first, rest
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
	return m.room
}

// Size is how many bytes are kept for the transaction: none for one that is nil or has no commands.
func (m *Multi) Size() int {
	if m == nil || m.Count == 0 {
		return 0
	}
	return m.size
}
