package network

import (
	"time"
)

// Pipe is one direction of a connection: bytes under way, each with the time at which it arrives.
type Pipe struct {
	chunks []chunk
	Size   int
}

type chunk struct {
	at time.Duration
	b  []byte
}

// put adds bytes that arrive at the time at, or later when earlier bytes do.
func (p *Pipe) put(at time.Duration, b []byte) {
	if len(b) == 0 {
		return
	}
	if n := len(p.chunks); n > 0 {
		at = max(at, p.chunks[n-1].at)
	}
	p.chunks = append(p.chunks, chunk{at, append([]byte(nil), b...)})
	p.Size += len(b)
}

// Take removes at most most bytes that have arrived.
func (p *Pipe) Take(now time.Duration, most int) []byte {
	var out []byte
	for len(p.chunks) > 0 && p.chunks[0].at <= now && len(out) < most {
		c := &p.chunks[0]
		n := min(len(c.b), most-len(out))
		out = append(out, c.b[:n]...)
		c.b = c.b[n:]
		if len(c.b) == 0 {
			p.chunks = p.chunks[1:]
		}
	}
	p.Size -= len(out)
	return out
}

// Cut keeps the first n bytes: the rest was lost with the connection.
func (p *Pipe) Cut(n int) {
	kept := 0
	for i := range p.chunks {
		c := &p.chunks[i]
		if kept+len(c.b) >= n {
			c.b = c.b[:n-kept]
			p.chunks = p.chunks[:i+1]
			p.Size = n
			return
		}
		kept += len(c.b)
	}
}
