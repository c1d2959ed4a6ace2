package backend

// blockSize is the size of the blocks that small frames share, smallBlock that in a Small queue. A frame is never cut:
// one that does not fit begins a new block, one longer than half a block gets its own.
const (
	blockSize  = 64 << 10
	smallBlock = 512
)

// Queue holds the bytes of a lane from the oldest unanswered frame on, in blocks. Offsets count from the first byte
// ever put into it. The zero value is ready.
//
// Invariant: answered <= wrote <= end, and every frame lies whole in one block.
type Queue struct {
	// Small is for the many lanes that hold one short request for a long time.
	Small bool

	blocks   []block // blocks[0] holds the oldest byte still kept
	spare    []byte  // one emptied block, kept for the next
	answered uint64
	wrote    uint64
	end      uint64
}

type block struct {
	data  []byte
	start uint64
}

// Append copies a frame to the end and returns the offset behind it.
func (q *Queue) Append(frame []byte) uint64 {
	last := len(q.blocks) - 1
	if last < 0 || cap(q.blocks[last].data)-len(q.blocks[last].data) < len(frame) {
		q.addBlock(len(frame))
		last = len(q.blocks) - 1
	}
	b := &q.blocks[last]
	b.data = append(b.data, frame...)
	q.end += uint64(len(frame))
	return q.end
}

// AppendOwned puts a frame at the end without copying; the queue owns it from now on.
func (q *Queue) AppendOwned(frame []byte) uint64 {
	q.blocks = append(q.blocks, block{data: frame[:len(frame):len(frame)], start: q.end})
	q.end += uint64(len(frame))
	return q.end
}

func (q *Queue) addBlock(size int) {
	data := q.spare
	q.spare = nil
	if size > q.blockSize()/2 {
		data = make([]byte, 0, size)
	} else if data == nil {
		data = make([]byte, 0, q.blockSize())
	}
	q.blocks = append(q.blocks, block{data: data, start: q.end})
}

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

// Wrote says that the kernel took n more bytes.
func (q *Queue) Wrote(n int) { q.wrote += uint64(n) }

// Passed drops all that was handed to the kernel: nobody will ask for it again.
func (q *Queue) Passed() { q.Answered(q.wrote) }

// Sent says that the last byte before end has been handed to the kernel: the frame may have been executed.
func (q *Queue) Sent(end uint64) bool { return q.wrote >= end }

// Begun says that a part at least of the oldest unanswered frame has been handed to the kernel.
func (q *Queue) Begun() bool { return q.wrote > q.answered }

// Answered drops everything before end.
func (q *Queue) Answered(end uint64) {
	q.answered = end
	if end == q.end && len(q.blocks) == 1 { // the usual case: everything is answered
		b := &q.blocks[0]
		if cap(b.data) == q.blockSize() {
			b.data, b.start = b.data[:0], end
		} else {
			q.blocks[0] = block{}
			q.blocks = q.blocks[:0]
		}
		return
	}
	n := 0
	for n < len(q.blocks) && q.blocks[n].start+uint64(len(q.blocks[n].data)) <= end {
		if cap(q.blocks[n].data) == q.blockSize() {
			q.spare = q.blocks[n].data[:0]
		}
		n++
	}
	if n > 0 {
		rest := copy(q.blocks, q.blocks[n:])
		clear(q.blocks[rest:])
		q.blocks = q.blocks[:rest]
	}
}

// Frame returns the bytes from start to end, which must be one unanswered frame. They are valid until the queue
// changes.
func (q *Queue) Frame(start, end uint64) []byte {
	for i := range q.blocks {
		b := &q.blocks[i]
		if start >= b.start && end <= b.start+uint64(len(b.data)) {
			return b.data[start-b.start : end-b.start]
		}
	}
	panic("backend: a frame was dropped before it was answered")
}

// Held is how many unanswered bytes are kept.
func (q *Queue) Held() int { return int(q.end - q.answered) }

// Pending is how many bytes are still to be written.
func (q *Queue) Pending() int { return int(q.end - q.wrote) }

// AnsweredTo is the offset before which everything is answered: where the oldest ticket's frame begins.
func (q *Queue) AnsweredTo() uint64 { return q.answered }

// truncate drops everything from end on, which must not lie before what was answered, nor within a frame.
func (q *Queue) truncate(end uint64) {
	n := len(q.blocks)
	for n > 0 && q.blocks[n-1].start >= end {
		n--
	}
	clear(q.blocks[n:])
	q.blocks = q.blocks[:n]
	if n > 0 {
		b := &q.blocks[n-1]
		b.data = b.data[:min(uint64(len(b.data)), end-b.start)]
	}
	q.end, q.wrote = end, min(q.wrote, end)
}

// Reset empties the queue for a new connection.
func (q *Queue) Reset() { *q = Queue{spare: q.spare, Small: q.Small} }
