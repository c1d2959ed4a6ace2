package downstream

import "evergate/gateway/blocks"

// Output is what is to be written to a client. The zero value is ready.
type Output struct {
	b    []byte
	sent int
}

// Len is how many bytes are unwritten, Cap the size of their buffer.
func (o *Output) Len() int { return len(o.b) - o.sent }
func (o *Output) Cap() int { return cap(o.b) }

// Bytes returns the unwritten bytes. They are valid until Output changes.
func (o *Output) Bytes() []byte { return o.b[o.sent:] }

// Append adds b. It copies it.
func (o *Output) Append(p *blocks.Pool, b []byte) { o.b = append(p.Room(o.b, len(b)), b...) }

// Mark replaces the byte that stands this many bytes before the end.
func (o *Output) Mark(before int, c byte) { o.b[len(o.b)-before] = c }

// Wrote drops the first n bytes: they were written.
func (o *Output) Wrote(p *blocks.Pool, n int) {
	o.sent += n
	if o.sent == len(o.b) {
		o.Drop(p)
	} else if o.sent > cap(o.b)/2 {
		o.b = o.b[:copy(o.b, o.b[o.sent:])]
		o.sent = 0
	}
}

// Drop drops everything.
func (o *Output) Drop(p *blocks.Pool) {
	p.Give(o.b)
	o.b, o.sent = nil, 0
}
