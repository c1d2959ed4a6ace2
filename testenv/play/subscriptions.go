package play

import (
	"slices"
	"strings"

	"evergate/gateway/resp"
)

// Begins and Ends are the commands that begin and end subscriptions, by kind: channels, patterns, channels of a slot.
var (
	Begins = [...]string{"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"}
	Ends   = [...]string{"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"}
)

// Subscriptions is a server's end of a connection that carries subscriptions and nothing else. The zero value is ready.
type Subscriptions struct {
	// Has are the subscriptions that the server knows: the command that began it, a space, the name.
	Has map[string]bool

	asked Requests
}

// Add takes what the connection was sent.
func (s *Subscriptions) Add(b []byte) { s.asked.Add(b) }

// Front returns the command that is to be executed next; nil where there is none.
func (s *Subscriptions) Front() [][]byte { return s.asked.Front() }

// Execute executes the next command and returns its acknowledgement; nil where there is none.
func (s *Subscriptions) Execute() []byte {
	words := s.asked.Front()
	if words == nil {
		return nil
	}
	reply := resp.Pong
	if len(words) == 2 {
		reply = resp.AppendBulk(resp.AppendBulkString([]byte(">3\r\n"), strings.ToLower(string(words[0]))), words[1])
		reply = resp.AppendInt(reply, 1)
		s.apply(words)
	}
	s.asked.Pop()
	return reply
}

// Refuse forgets the next command, to which the server says no.
func (s *Subscriptions) Refuse() { s.asked.Pop() }

// apply does what a command with one name says.
func (s *Subscriptions) apply(words [][]byte) {
	if s.Has == nil {
		s.Has = map[string]bool{}
	}
	verb, name := string(words[0]), string(words[1])
	if slices.Contains(Begins[:], verb) {
		s.Has[verb+" "+name] = true
	} else if k := slices.Index(Ends[:], verb); k >= 0 {
		delete(s.Has, Begins[k]+" "+name)
	}
}

// Replied takes what a test had the server say by hand: an acknowledgement or a rejection of the next command counts as
// the server's own.
func (s *Subscriptions) Replied(b []byte) {
	for len(b) > 0 {
		var scanner resp.ReplyScanner
		n, done, err := scanner.Scan(b)
		words := s.asked.Front()
		if err != nil || !done || words == nil {
			return
		}
		frame := b[:n]
		b = b[n:]
		switch {
		case frame[0] == '-':
			s.Refuse()
		case len(words) == 1:
			if string(frame) == string(resp.Pong) {
				s.asked.Pop()
			}
		case acknowledges(frame, words):
			s.apply(words)
			s.asked.Pop()
		}
	}
}

// acknowledges returns whether a push is the acknowledgement of a command with one name.
func acknowledges(frame []byte, words [][]byte) bool {
	if frame[0] != '>' {
		return false
	}
	elements, ok := resp.Elements(append([]byte{'*'}, frame[1:]...))
	if !ok || len(elements) != 3 {
		return false
	}
	verb, _ := resp.Bulk(elements[0])
	name, _ := resp.Bulk(elements[1])
	return strings.EqualFold(string(verb), string(words[0])) && string(name) == string(words[1])
}
