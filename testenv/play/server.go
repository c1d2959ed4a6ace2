package play

import "evergate/gateway/resp"

// Server is a server's end of a connection: the commands it was sent, and how many of them it has answered. The zero
// value is ready.
type Server struct {
	asked    int // commands in all
	answered int
	requests Requests
	replies  resp.ReplyScanner
}

// Add takes what the connection was sent.
func (s *Server) Add(b []byte) {
	s.requests.Add(b)
	for s.requests.Front() != nil {
		s.requests.Pop()
		s.asked++
	}
}

// Owes is how many commands are not answered.
func (s *Server) Owes() int { return s.asked - s.answered }

// Answered is how many commands are answered.
func (s *Server) Answered() int { return s.answered }

// Partial returns whether the server has the beginning of a command and not its end.
func (s *Server) Partial() bool { return len(s.requests.Rest()) > 0 }

// Replied takes what the test has the server say. What is no reply is not counted.
func (s *Server) Replied(b []byte) {
	for len(b) > 0 {
		n, done, err := s.replies.Scan(b)
		if err != nil {
			s.replies = resp.ReplyScanner{}
			return
		}
		if b = b[n:]; done {
			s.answered++
		}
	}
}
