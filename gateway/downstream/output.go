package downstream

import "evergate/gateway/blocks"

// Output is what is to be written to a client. The zero value is ready.
type Output struct {
	b    []byte
	sent int
}

// Len is how many bytes are to be written, Cap how many their buffer holds.
func (o *Output) Len() int { return len(o.b) - o.sent }
func (o *Output) Cap() int { return cap(o.b) }

// Bytes returns what is to be written. It is valid until the next call that changes it.
func (o *Output) Bytes() []byte { return o.b[o.sent:] }

// Append adds a copy of b.
func (o *Output) Append(p *blocks.Pool, b []byte) { o.b = append(p.Room(o.b, len(b)), b...) }

// Mark changes the byte that stands so many bytes before the end.
func (o *Output) Mark(before int, c byte) { o.b[len(o.b)-before] = c }

// Wrote records that the first n bytes were written.
func (o *Output) Wrote(p *blocks.Pool, n int) {
	o.sent += n
	if o.sent == len(o.b) {
		o.Drop(p)
	} else if o.sent > cap(o.b)/2 {
		o.b = o.b[:copy(o.b, o.b[o.sent:])]
		o.sent = 0
	}
}

// Drop forgets what is to be written.
func (o *Output) Drop(p *blocks.Pool) {
	p.Give(o.b)
	o.b, o.sent = nil, 0
}
