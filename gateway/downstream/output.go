package downstream

import "evergate/gateway/blocks"

// blockBytes is how long a block of output grows. What comes behind it gets a block of its own: to copy all that a
// client does not read, each time that there is more of it, would hold up all others.
const blockBytes = 256 << 10

// Output is what is to be written to a client. The zero value is ready.
type Output struct {
	b    []byte // the block to write next
	sent int    // bytes of b
	more *more  // nil for nearly all
}

// more are the blocks behind the first.
type more struct {
	blocks   [][]byte
	len, cap int // bytes in them, and room
}

// Len is how many bytes are unwritten, Cap the size of their buffers.
func (o *Output) Len() int {
	n := len(o.b) - o.sent
	if o.more != nil {
		n += o.more.len
	}
	return n
}

func (o *Output) Cap() int {
	if o.more != nil {
		return cap(o.b) + o.more.cap
	}
	return cap(o.b)
}

// Bytes returns the next unwritten bytes, none when there are none. They are valid until Output changes.
func (o *Output) Bytes() []byte { return o.b[o.sent:] }

// Append adds b. It copies it.
func (o *Output) Append(p *blocks.Pool, b []byte) {
	if o.more == nil && (len(o.b)+len(b) <= blockBytes || len(o.b)+len(b) <= cap(o.b) || len(o.b) == 0) {
		o.b = append(p.Room(o.b, len(b)), b...)
		return
	}
	if o.more == nil {
		o.more = &more{}
	}
	o.more.append(p, b)
}

func (m *more) append(p *blocks.Pool, b []byte) {
	m.len += len(b)
	if n := len(m.blocks); n > 0 && len(m.blocks[n-1])+len(b) <= cap(m.blocks[n-1]) {
		m.blocks[n-1] = append(m.blocks[n-1], b...)
		return
	}
	block := append(p.Take(max(len(b), blockBytes)), b...)
	m.blocks = append(m.blocks, block)
	m.cap += cap(block)
}

// TakeAll appends what is unwritten of another Output, which is empty then.
func (o *Output) TakeAll(p *blocks.Pool, from *Output) {
	for from.Len() > 0 {
		b := from.Bytes()
		o.Append(p, b)
		from.Wrote(p, len(b))
	}
}

// Mark replaces the byte that stands this many bytes before the end, within what was appended last.
func (o *Output) Mark(before int, c byte) {
	last := o.b
	if o.more != nil {
		last = o.more.blocks[len(o.more.blocks)-1]
	}
	last[len(last)-before] = c
}

// Wrote drops the first n bytes: they were written. There must be as many in Bytes.
func (o *Output) Wrote(p *blocks.Pool, n int) {
	o.sent += n
	switch {
	case o.sent == len(o.b) && o.more != nil:
		p.Give(o.b)
		o.b, o.sent = o.more.next(), 0
		if len(o.more.blocks) == 0 {
			o.more = nil
		}
	case o.sent == len(o.b):
		o.Drop(p)
	case o.sent > cap(o.b)/2 && cap(o.b) <= blockBytes && o.more == nil:
		o.b = o.b[:copy(o.b, o.b[o.sent:])]
		o.sent = 0
	}
}

// next takes the first block.
func (m *more) next() []byte {
	b := m.blocks[0]
	m.blocks[0] = nil
	m.blocks = m.blocks[1:]
	m.len -= len(b)
	m.cap -= cap(b)
	return b
}

// Drop drops everything.
func (o *Output) Drop(p *blocks.Pool) {
	p.Give(o.b)
	if o.more != nil {
		for _, b := range o.more.blocks {
			p.Give(b)
		}
	}
	*o = Output{}
}
