package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"evergate/testenv/servers"
)

// patience is how long a reply may take.
const patience = 10 * time.Second

// player sends programs to a server and, through the gateway, to another one.
type player struct {
	straight, through string // addresses
	differs           []*difference
	links             [conns]link
	compared          int
	// pause lets replicas catch up before each tenth command; nil: none is made.
	pause *time.Ticker
}

// pauses is the longest time until replicas that have all writes serve reads.
const pauses = 12 * time.Millisecond

// link is a connection to both.
type link struct {
	straight, through *servers.Conn
	// multi: a transaction is being queued; queued are its commands so far.
	multi  bool
	queued []string
	// listens: it may have a subscription.
	listens bool
}

// finding is a difference that is not on the list.
type finding struct {
	at                int // the step
	command           string
	straight, through string
}

// errEnds: later replies cannot be compared.
var errEnds = errors.New("the states may differ from here on")

// play runs a program from the beginning. It returns the first difference, nil if there is none.
func (p *player) play(steps []step) (*finding, error) {
	if err := p.begin(); err != nil {
		return nil, err
	}
	defer p.close()
	for at := range steps {
		if p.pause != nil && at%10 == 0 {
			<-p.pause.C
			<-p.pause.C
		}
		f, err := p.do(&steps[at])
		if f != nil {
			f.at = at
			return f, nil
		}
		if errors.Is(err, errEnds) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("step %d, %s: %w", at, steps[at].String(), err)
		}
	}
	return nil, nil
}

// begin empties both sides and connects again.
func (p *player) begin() error {
	for _, addr := range []string{p.straight, p.through} {
		c, err := servers.Dial(addr)
		if err != nil {
			return err
		}
		for _, words := range [][]string{{"FLUSHALL"}, {"SCRIPT", "FLUSH"}, {"FUNCTION", "FLUSH"}} {
			if answer, err := c.Do(words...); err != nil || string(answer) != "+OK\r\n" {
				return fmt.Errorf("%s: %v: %q, %w", addr, words, answer, err)
			}
		}
		_ = c.Close()
	}
	for i := range p.links {
		if err := p.connect(&p.links[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) close() {
	for i := range p.links {
		p.links[i].close()
	}
}

func (l *link) close() {
	for _, c := range []*servers.Conn{l.straight, l.through} {
		if c != nil {
			_ = c.Close()
		}
	}
}

func (p *player) connect(l *link) (err error) {
	l.close()
	*l = link{}
	if l.straight, err = servers.Dial(p.straight); err != nil {
		return err
	}
	if l.through, err = servers.Dial(p.through); err != nil {
		return err
	}
	l.straight.Timeout, l.through.Timeout = patience, patience
	return nil
}

// do executes a step on both sides.
func (p *player) do(s *step) (*finding, error) {
	l := &p.links[s.conn]
	if s.silent && (l.multi || l.listens) {
		return nil, nil
	}
	for _, c := range []*servers.Conn{l.straight, l.through} {
		if err := c.SendRaw(s.bytes()); err != nil {
			return nil, err
		}
	}
	if s.raw != "" {
		return p.afterRaw(l, s)
	}
	words := s.commands
	if s.silent {
		words = words[len(words)-1:]
	}
	for _, command := range words {
		f, err := p.answers(l, command)
		if f != nil || err != nil {
			return f, err
		}
		if l.straight == nil { // the connections have ended
			return nil, p.connect(l)
		}
	}
	return nil, nil
}

// answers compares the replies to one command. If both connections end, it drops them.
func (p *player) answers(l *link, command []string) (*finding, error) {
	name := nameOf(command)
	p.compared++
	frames := 1
	for i := 0; i < frames; i++ {
		a, errA := l.straight.Frame()
		b, errB := l.through.Frame()
		switch {
		case errA != nil && errB != nil && ended(errA) && ended(errB) && bytes.Equal(a, b):
			l.close()
			*l = link{}
			return nil, nil
		case errA != nil || errB != nil:
			a, b = withError(a, errA), withError(b, errB)
		}
		if f, err := p.compare(l, name, a, b); f != nil || err != nil {
			if f != nil {
				f.command = brief(command)
			}
			return f, err
		}
		if i == 0 {
			frames = acknowledged(name, len(command), a)
		}
		l.note(name, a)
		if strings.HasSuffix(name, "subscribe") && string(a) == "+QUEUED\r\n" && len(command) > 2 {
			return nil, errEnds // the reply to EXEC has an element for each name, which its head does not count
		}
	}
	return nil, nil
}

// acknowledged returns how many frames a command of pub/sub gets, of which first is the first. Without a name it is
// one: no connection has two subscriptions.
func acknowledged(name string, words int, first []byte) int {
	if strings.HasSuffix(name, "subscribe") && (first[0] == '*' || first[0] == '>') {
		return max(words-1, 1)
	}
	return 1
}

// note records the state of the transaction.
func (l *link) note(name string, answer []byte) {
	switch {
	case name == "multi" && string(answer) == "+OK\r\n":
		l.multi, l.queued = true, nil
	case name == "exec", name == "reset" && answer[0] == '+', name == "discard" && answer[0] == '+':
		l.multi = false
	case string(answer) == "+QUEUED\r\n":
		l.queued = append(l.queued, name)
	case name == "quit":
		l.close()
		*l = link{}
	case strings.HasSuffix(name, "subscribe"):
		l.listens = true
	}
}

// compare compares two frames.
func (p *player) compare(l *link, name string, a, b []byte) (*finding, error) {
	if bytes.Equal(a, b) {
		return nil, nil
	}
	if name == "exec" && p.sameElements(l.queued, a, b) {
		return nil, nil
	}
	for _, d := range p.differs {
		if d.names(name) && d.allows(a, b) {
			d.met++
			if d.how == ends {
				return nil, errEnds
			}
			return nil, nil
		}
	}
	return &finding{straight: string(a), through: string(b)}, nil
}

// sameElements compares two replies to EXEC, by the queued commands.
func (p *player) sameElements(queued []string, a, b []byte) bool {
	left, _, errA := parse(a)
	right, _, errB := parse(b)
	if errA != nil || errB != nil || left.kind != '*' || len(left.items) != len(queued) ||
		len(right.items) != len(queued) {
		return false
	}
	for i, name := range queued {
		same := left.items[i].sorted() == right.items[i].sorted() && left.items[i].kind == right.items[i].kind
		if f, err := p.compare(&link{}, name, left.items[i].frame(),
			right.items[i].frame()); !same && (f != nil || err != nil) {
			return false
		}
	}
	return true
}

// afterRaw compares the replies to raw bytes, up to the end of the connections: this side closes both.
func (p *player) afterRaw(l *link, s *step) (*finding, error) {
	var replies [2][]byte
	for i, c := range []*servers.Conn{l.straight, l.through} {
		if half, ok := c.Conn.(*net.TCPConn); ok {
			if err := half.CloseWrite(); err != nil {
				return nil, err
			}
		}
		rest, err := c.Rest()
		if err != nil {
			rest = withError(rest, err)
		}
		replies[i] = rest
	}
	multi := l.multi
	if err := p.connect(l); err != nil {
		return nil, err
	}
	if multi || bytes.Equal(replies[0], replies[1]) {
		return nil, nil
	}
	for _, d := range p.differs {
		if d.command == "raw" && d.allows(replies[0], replies[1]) {
			d.met++
			return nil, nil
		}
	}
	return &finding{command: fmt.Sprintf("raw %q", s.raw), straight: string(replies[0]), through: string(replies[1])}, nil
}

func ended(err error) bool {
	var timeout net.Error
	return errors.Is(err, io.EOF) || !errors.As(err, &timeout) || !timeout.Timeout()
}

func withError(b []byte, err error) []byte {
	if err == nil {
		return b
	}
	return fmt.Appendf(b, "<%v>", err)
}

func brief(words []string) string {
	var text []string
	for _, word := range words {
		text = append(text, fmt.Sprintf("%q", word))
	}
	return strings.Join(text, " ")
}
