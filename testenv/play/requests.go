package play

import "evergate/gateway/resp"

// Requests are the commands that were written to a server, as it reads them. The zero value is ready.
type Requests struct {
	b      []byte
	args   [][]byte
	broken bool
}

// Add takes bytes.
func (r *Requests) Add(b []byte) { r.b = append(r.b, b...) }

// Front returns the words of the first command that is whole; nil where there is none. They are valid until Pop.
func (r *Requests) Front() [][]byte {
	_, args := r.scan()
	return args
}

// Pop forgets the first command, which the server has executed.
func (r *Requests) Pop() {
	n, _ := r.scan()
	r.b = r.b[n:]
}

// Broken returns whether what comes next is no command: no server understands it.
func (r *Requests) Broken() bool { return r.broken }

// Rest are the bytes of what was not popped.
func (r *Requests) Rest() []byte { return r.b }

func (r *Requests) scan() (n int, args [][]byte) {
	limits := resp.DefaultLimits()
	var s resp.Scanner
	n, args, status := s.Next(r.b, r.args[:0], &limits)
	switch status {
	case resp.Frame:
		r.args = args
		return n, args
	case resp.More:
	default:
		r.broken = true
	}
	return 0, nil
}
