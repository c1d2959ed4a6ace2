package worker

// buffers are the worker's free output buffers, by size. An idle client has none: they come here when they are empty,
// so memory goes with the traffic and not with the number of connections.
type buffers struct {
	free [len(bufferSizes)][][]byte
}

// bufferSizes: one reply, a small pipeline, a large one, a stream.
var bufferSizes = [...]int{512, 4 << 10, 32 << 10, 256 << 10}

// bufferCounts bounds how many of each are kept: 4 MiB at most for each size.
var bufferCounts = [...]int{4096, 1024, 128, 16}

// room returns b with space for n more bytes; the old memory is kept for others.
func (p *buffers) room(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	need := len(b) + n
	for i, size := range bufferSizes {
		if need > size {
			continue
		}
		var fresh []byte
		if k := len(p.free[i]); k > 0 {
			fresh = p.free[i][k-1]
			p.free[i] = p.free[i][:k-1]
		} else {
			fresh = make([]byte, 0, size)
		}
		fresh = append(fresh, b...)
		p.give(b)
		return fresh
	}
	fresh := append(make([]byte, 0, need+need/4), b...)
	p.give(b)
	return fresh
}

// give takes an empty buffer back. Under mangle its bytes are spoilt, so that a use after this is seen in tests.
func (p *buffers) give(b []byte) {
	size := cap(b)
	for i, s := range bufferSizes {
		if s == size && len(p.free[i]) < bufferCounts[i] {
			if mangle {
				spoil(b[:size])
			}
			p.free[i] = append(p.free[i], b[:0])
			return
		}
	}
}

func spoil(b []byte) {
	for i := range b {
		b[i] = 0xdb
	}
}
