package blocks

import "slices"

// blockSize is the size of the blocks that small frames share, smallBlock that in a Small queue. What is appended is
// never cut: what does not fit begins a new block, what is longer than half a block gets its own.
const (
	blockSize  = 64 << 10
	smallBlock = 512
)

// Queue holds the bytes of a connection from the oldest unanswered frame on, in blocks. Offsets count from the first
// byte ever put into it. The zero value is ready.
//
// Invariant: answered <= wrote <= end, and every frame lies whole in one block, or in several that hold nothing else
// behind its first byte and before its last.
type Queue struct {
	// Small: smaller blocks, for the many connections that hold one short request for a long time.
	Small bool
	// Blocks is where blocks come from and go to; nil: from Go, and to its collector.
	Blocks *Pool

	blocks   []block // blocks[0] holds the oldest byte still kept
	answered uint64
	wrote    uint64
	end      uint64
}

// block holds whole frames, or pieces of one. start is the offset of its first byte in the queue.
type block struct {
	data  []byte
	start uint64
	full  bool // no further frame is added
}

// Append copies a frame to the end and returns the offset behind it.
func (q *Queue) Append(frame []byte) uint64 {
	last := len(q.blocks) - 1
	if last < 0 || q.blocks[last].full || cap(q.blocks[last].data)-len(q.blocks[last].data) < len(frame) {
		q.addBlock(len(frame))
		last = len(q.blocks) - 1
	}
	b := &q.blocks[last]
	b.data = append(b.data, frame...)
	q.end += uint64(len(frame))
	return q.end
}

// AppendOwned puts a frame at the end without a copy; the queue owns it from now on.
func (q *Queue) AppendOwned(frame []byte) uint64 {
	q.blocks = append(q.blocks, block{data: frame, start: q.end, full: true})
	q.end += uint64(len(frame))
	return q.end
}

// addBlock adds a block with room for a frame of this size.
func (q *Queue) addBlock(size int) {
	full := size > q.blockSize()/2
	if !full {
		size = q.blockSize()
	}
	q.blocks = append(q.blocks, block{data: q.Blocks.Take(size), start: q.end, full: full})
}

// blockSize is the size of blocks that frames share.
func (q *Queue) blockSize() int {
	if q.Small {
		return smallBlock
	}
	return blockSize
}

// Unsent returns the next bytes to write; empty when there are none. They are valid until the queue changes.
func (q *Queue) Unsent() []byte {
	if q.wrote == q.end {
		return nil
	}
	for i := range q.blocks {
		b := &q.blocks[i]
		if at := q.wrote - b.start; at < uint64(len(b.data)) {
			return b.data[at:]
		}
	}
	return nil
}

// Wrote records that the kernel took n more bytes.
func (q *Queue) Wrote(n int) { q.wrote += uint64(n) }

// Passed drops all that was handed to the kernel, for a connection without replies.
func (q *Queue) Passed() { q.Answered(q.wrote) }

// Sent reports whether the kernel has taken the last byte before end: the frame may have been executed.
func (q *Queue) Sent(end uint64) bool { return q.wrote >= end }

// Begun reports whether the kernel has taken a part at least of the oldest unanswered frame.
func (q *Queue) Begun() bool { return q.wrote > q.answered }

// Answered drops everything before end.
func (q *Queue) Answered(end uint64) {
	q.answered = end
	if end == q.end && len(q.blocks) == 1 { // the usual case: everything is answered
		b := &q.blocks[0]
		if cap(b.data) == q.blockSize() {
			b.data, b.start, b.full = b.data[:0], end, false
		} else {
			q.drop(0, 1)
		}
		return
	}
	n := 0
	for n < len(q.blocks) && q.blocks[n].start+uint64(len(q.blocks[n].data)) <= end {
		n++
	}
	if n > 0 {
		q.drop(0, n)
	}
}

// drop gives blocks back to the pool.
func (q *Queue) drop(from, to int) {
	for i := from; i < to; i++ {
		q.Blocks.Give(q.blocks[i].data)
	}
	q.blocks = slices.Delete(q.blocks, from, to)
}

// Frame returns the bytes from start to end, which must be one unanswered frame. They are valid until the queue
// changes. Those of a frame in several pieces are put together, which copies them.
func (q *Queue) Frame(start, end uint64) []byte {
	var joined []byte
	for i := range q.blocks {
		b := &q.blocks[i]
		behind := b.start + uint64(len(b.data))
		switch {
		case behind <= start:
		case b.start <= start && end <= behind:
			return b.data[start-b.start : end-b.start]
		default:
			at := start + uint64(len(joined))
			joined = append(joined, b.data[at-b.start:min(end, behind)-b.start]...)
		}
		if uint64(len(joined)) == end-start {
			return joined
		}
	}
	panic("blocks: a frame was dropped before it was answered")
}

// Held is how many bytes are unanswered.
func (q *Queue) Held() int { return int(q.end - q.answered) }

// Pending is how many bytes are still to be written.
func (q *Queue) Pending() int { return int(q.end - q.wrote) }

// End is the offset behind the last byte, WroteTo the one before which the kernel has taken everything.
func (q *Queue) End() uint64     { return q.end }
func (q *Queue) WroteTo() uint64 { return q.wrote }

// AnsweredTo is the offset before which everything is answered: there the frame of the oldest pending request begins.
func (q *Queue) AnsweredTo() uint64 { return q.answered }

// Truncate drops everything from end on, which must not lie before what was answered, nor within a frame.
func (q *Queue) Truncate(end uint64) {
	n := len(q.blocks)
	for n > 0 && q.blocks[n-1].start >= end {
		n--
	}
	q.drop(n, len(q.blocks))
	if n > 0 {
		b := &q.blocks[n-1]
		b.data = b.data[:min(uint64(len(b.data)), end-b.start)]
	}
	q.end, q.wrote = end, min(q.wrote, end)
}

// Reset empties the queue for a new connection.
func (q *Queue) Reset() {
	q.drop(0, len(q.blocks))
	*q = Queue{Small: q.Small, Blocks: q.Blocks}
}
