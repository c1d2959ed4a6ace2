package downstream

import (
	"evergate/gateway/blocks"
	"evergate/gateway/resp"
)

const (
	// straightBytes bounds what is read at once into its place, so that a client with a long request takes no more than
	// its share of a round.
	straightBytes = 256 << 10
	// straightMin is the least room that is worth a read of its own.
	straightMin = 4 << 10
	// longBytes is the size from which a buffer is made in steps: the memory of one that is made at once must be cleared
	// first, which holds up all clients of the worker, and the rest of the frame may never come.
	longBytes = 4 << 20
	// moveBytes is how many bytes of a long buffer are copied at once when it has become too small: for one of 100 MB it
	// takes tens of milliseconds, which no other client of the worker should wait for. A shorter one is copied whole.
	moveBytes = 128 << 10
)

// Input is what a client has sent and the gateway has not begun. The zero value is ready.
type Input struct {
	unread []byte
	begun  int // bytes of the buffer in front of unread
	scan   resp.Scanner
	// moving is the buffer before unread, as long as it has bytes that unread lacks; nil for most clients.
	moving *moving
}

// moving is a long buffer whose bytes are being copied to the beginning of a larger one.
type moving struct {
	from []byte
	done int // bytes that were copied
}

// Len is how many bytes are kept, Room how many more fit into their buffer, and Cap the size of that.
func (in *Input) Len() int  { return len(in.unread) }
func (in *Input) Room() int { return cap(in.unread) - len(in.unread) }
func (in *Input) Cap() int {
	n := in.begun + cap(in.unread)
	if in.moving != nil {
		n += cap(in.moving.from)
	}
	return n
}

// Bytes returns what is kept. It is valid until Input changes. Call Move first, or it may have to copy much.
func (in *Input) Bytes() []byte {
	if in.moving != nil {
		in.moveAll(nil)
	}
	return in.unread
}

// Missing is how many bytes of the frame under way are still to come; zero or less where its size is not known.
func (in *Input) Missing() int64 { return in.scan.Need() - int64(len(in.unread)) }

// Next finds the frame at the start of b, which begins where the last frame ended: see resp.Scanner.Next.
func (in *Input) Next(b []byte, args [][]byte, l *resp.Limits) (n int, found [][]byte, s resp.Status) {
	return in.scan.Next(b, args, l)
}

// Err is the error text of Redis for a frame that Next found to be malformed.
func (in *Input) Err() string { return in.scan.Err() }

// Keep appends bytes that cannot be handled yet. It copies them.
func (in *Input) Keep(p *blocks.Pool, b []byte) {
	have := len(in.unread) + len(b)
	if cap(in.unread) < have {
		in.grow(p, roomFor(int64(have), in.scan.Need()))
	}
	in.unread = append(in.unread, b...)
	in.Move(p)
}

// grow gives what is kept a buffer with room for n bytes. A long one is not copied yet: Move does that.
func (in *Input) grow(p *blocks.Pool, n int) {
	if in.moving != nil {
		in.moveAll(p)
	}
	larger := p.Take(n)
	if len(in.unread) <= 2*moveBytes {
		larger = append(larger, in.unread...)
		p.Give(in.unread)
	} else {
		in.moving = &moving{from: in.unread}
		larger = larger[:len(in.unread)]
	}
	in.unread, in.begun = larger, 0
}

// Move copies a part of what a larger buffer lacks, and reports whether all is there: before that there is no frame.
func (in *Input) Move(p *blocks.Pool) bool {
	m := in.moving
	if m == nil {
		return true
	}
	m.done += copy(in.unread[m.done:], m.from[m.done:min(m.done+moveBytes, len(m.from))])
	if m.done < len(m.from) {
		return false
	}
	p.Give(m.from)
	in.moving = nil
	return true
}

// moveAll is Move for all that is lacking.
func (in *Input) moveAll(p *blocks.Pool) {
	for !in.Move(p) {
		continue
	}
}

// Used drops the first n bytes of what is kept: they were begun. It does nothing after HandOver or Forget.
func (in *Input) Used(p *blocks.Pool, n int) {
	if in.moving != nil {
		in.moveAll(p)
	}
	switch {
	case in.unread == nil: // after HandOver or Forget
	case n >= len(in.unread):
		p.Give(in.unread)
		in.Forget()
	default:
		in.unread = in.unread[n:]
		in.begun += n
	}
}

// HandOver reports whether a frame is all that is kept. If so its buffer belongs to the caller from now on.
func (in *Input) HandOver(frame []byte) bool {
	if len(frame) != len(in.unread) || len(frame) == 0 || &frame[0] != &in.unread[0] {
		return false
	}
	in.Forget()
	return true
}

// Forget drops what is kept. Its bytes stay valid for a caller that is still reading them.
func (in *Input) Forget() { in.unread, in.begun, in.moving = nil, 0, nil }

// Straight returns where to put what the client sends next: behind the beginning of the frame under way, if its size is
// known, so that it need not be copied again. It is empty for most clients. all: this is room for the rest of that
// frame.
func (in *Input) Straight() (room []byte, all bool) {
	if len(in.unread) == 0 || in.moving != nil {
		return nil, false
	}
	need := in.Missing()
	n := min(need, int64(in.Room()), straightBytes)
	if n <= 0 || n < min(need, straightMin) {
		return nil, false
	}
	return in.unread[len(in.unread) : len(in.unread)+int(n)], n == need
}

// Filled records that n bytes were put where Straight said.
func (in *Input) Filled(n int) { in.unread = in.unread[:len(in.unread)+n] }

// roomFor is the size of a buffer for have bytes of a frame of need bytes (0: not known). It is that of the whole frame
// when a sixteenth of it has come, or a quarter of a long one: an announcement alone costs nothing, and what was copied
// until then is small beside the frame.
func roomFor(have, need int64) int {
	switch {
	case need <= have:
		return int(max(512, have+have/4))
	case have*16 >= need || need <= 4<<10:
		return int(min(need, max(longBytes, have*4)))
	}
	return int(max(have, min(have*8, need/16)))
}
