// Package dial opens connections to servers: it connects, shakes hands where TLS is on, authenticates, and finds out
// which run of a server answers. It knows neither what a connection is for nor who waits for it.
package dial

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/certs"
	"evergate/gateway/resp"
	"evergate/gateway/tlsconn"
	"evergate/gateway/upstream"
	"evergate/topology"
	"evergate/topology/watch"
)

const (
	// keepAlive detects a vanished peer while no data is in flight.
	keepAlive = 15 * time.Second
	// userTimeout detects one while data is in flight: without it Linux retransmits for a quarter of an hour.
	userTimeout = 10 * time.Second
)

// Servers are those of one service.
type Servers struct {
	// Credentials returns what the gateway presents to them; an empty password means none, an empty user the default one.
	Credentials func() (user, password string, err error)
	// TLS is what they are shown; nil: connections are plain.
	TLS *certs.Client
}

// Dialer opens and sets up connections to servers. It must not be copied.
type Dialer struct {
	// Timeout returns what bounds all that is done for one connection.
	Timeout func() time.Duration
	// Servers returns those of a service, by the number in upstream.Dial. It is called for each connection.
	Servers func(service int) Servers
	// Logger takes what a server forbids.
	Logger hclog.Logger

	forbids sync.Map // keys are of type forbidden: those already logged
}

// readers are pooled: each set-up needs one for a moment, and thousands of connections may be opened at once.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}

// forbidden is a command that the gateway's user lacks the right to on a server, and that the gateway can do without.
type forbidden struct{ addr, command string }

// Dial connects, authenticates, sets the protocol, and identifies the server. Names are resolved and passwords read
// anew each time. Errors name the address, never a password.
func (d *Dialer) Dial(ctx context.Context, to upstream.Dial) (conn net.Conn, met upstream.Greeting, err error) {
	conn, err = d.connect(ctx, to.Service, to.Addr, func(conn net.Conn, in *bufio.Reader) error {
		if met, err = d.greet(conn, in, to); err != nil {
			return fmt.Errorf("greeting %s: %w", to.Addr, err)
		}
		return nil
	})
	return conn, met, err
}

// connect opens a connection to a server of a service, and has greet set it up. All of it must be done within Timeout.
func (d *Dialer) connect(ctx context.Context, service int, addr string,
	greet func(conn net.Conn, in *bufio.Reader) error) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout())
	defer cancel()
	nd := net.Dialer{KeepAlive: keepAlive, Control: setUserTimeout}
	conn, err := nd.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	raw := conn
	deadline, _ := ctx.Deadline()
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = raw.SetDeadline(deadline)
	if material := d.Servers(service).TLS; material != nil {
		secure := tlsconn.Client(raw, material.Config(addr))
		if err := secure.Handshake(); err != nil {
			_ = raw.Close()
			return nil, fmt.Errorf("TLS handshake with %s: %s", addr, certs.Explain(err))
		}
		conn = secure
	}
	in := readers.Get().(*bufio.Reader)
	in.Reset(conn)
	defer func() {
		in.Reset(nil)
		readers.Put(in)
	}()
	if err := greet(conn, in); err != nil {
		_ = conn.Close()
		return nil, err
	}
	_ = raw.SetDeadline(time.Time{})
	return conn, nil
}

// greet authenticates, sets the protocol, identifies the server, and sends READONLY to a replica of a cluster, or
// SELECT. Each command waits for its reply: a server may close, or lose step, if something is pipelined behind a
// failing AUTH.
func (d *Dialer) greet(conn net.Conn, in *bufio.Reader, to upstream.Dial) (met upstream.Greeting, err error) {
	named, password, err := d.Servers(to.Service).Credentials()
	if err != nil {
		return met, err
	}
	// A user may lack the rights to identify the server, to end stale connections and to READONLY: the gateway's own does
	// that first.
	first := to.As != nil && (to.Bypass || to.As.None() || password == "")
	if first {
		err = become(conn, in, *to.As, to.Proto)
	} else {
		err = hello(conn, in, named, password, to.Proto)
	}
	if err != nil {
		return met, err
	}
	if to.Bypass {
		return met, nil
	}
	if met, err = d.meet(conn, in, to); err != nil {
		return met, err
	}
	if to.ReadOnly {
		if err := do(conn, in, "READONLY"); err != nil {
			return met, err
		}
	}
	if to.As != nil && !first {
		if err := become(conn, in, *to.As, 0); err != nil {
			return met, err
		}
	}
	if to.DB > 0 {
		if err := do(conn, in, "SELECT", strconv.Itoa(int(to.DB))); err != nil {
			return met, err
		}
	}
	if in.Buffered() > 0 {
		return met, errors.New("the server sent more replies than requests")
	}
	return met, nil
}

// hello sends HELLO, AUTH or PING as the gateway's own user; an empty password means none, an empty user the default
// one.
func hello(conn net.Conn, in *bufio.Reader, named, password string, proto uint8) error {
	user := named
	if user == "" {
		user = "default"
	}
	var first []string
	switch {
	case proto == 3 && password != "":
		first = []string{"HELLO", "3", "AUTH", user, password}
	case proto == 3:
		first = []string{"HELLO", "3"}
	case password != "" && named == "":
		first = []string{"AUTH", password}
	case password != "":
		first = []string{"AUTH", user, password}
	default:
		first = []string{"PING"}
	}
	return do(conn, in, first...)
}

// meet verifies the identity of the server, asks for the client id of the connection, and kills stale ones. If the user
// lacks the right to one of these commands the connection is used nevertheless.
func (d *Dialer) meet(conn net.Conn, in *bufio.Reader, to upstream.Dial) (met upstream.Greeting, err error) {
	reply, err := d.may(conn, in, to.Addr, "INFO", "server")
	if err != nil {
		return met, err
	}
	text, _ := resp.String(reply)
	info := topology.InfoFields(string(text))
	if met.OwnOffset, err = ownOffset(conn, in, info); err != nil {
		return met, err
	}
	met.RunID = strings.Clone(info["run_id"]) // it outlives the text by far
	if met.RunID == to.RunID {
		met.RunID = to.RunID // share the string: there may be thousands of connections
	}
	if to.RunID != "" && met.RunID != "" && met.RunID != to.RunID {
		return met, upstream.ErrOtherRun
	}
	reply, err = d.may(conn, in, to.Addr, "CLIENT", "ID")
	if err != nil {
		return met, err
	}
	if text, ok := strings.CutPrefix(string(reply), ":"); ok {
		met.Client, _ = strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	}
	if met.RunID != "" && met.RunID == to.KillIn { // another run may have given the ids to other clients
		err = d.kill(conn, in, to)
	}
	return met, err
}

// kill ends stale connections, all in one go: there may be thousands.
func (d *Dialer) kill(conn net.Conn, in *bufio.Reader, to upstream.Dial) error {
	var all []byte
	for _, id := range to.Kill {
		all = resp.AppendCommandStrings(all, "CLIENT", "KILL", "ID", strconv.FormatInt(id, 10))
	}
	if _, err := conn.Write(all); err != nil {
		return err
	}
	for range to.Kill {
		reply, err := readReply(in)
		if _, err = d.unlessRefused(to.Addr, reply, err, "CLIENT", "KILL"); err != nil {
			return err
		}
	}
	return nil
}

// may sends a command that the gateway can do without: if its user lacks the right, or the server does not know the
// command, the reply is empty, and that is logged once. Other errors are returned.
func (d *Dialer) may(conn net.Conn, in *bufio.Reader, addr string, args ...string) (reply []byte, err error) {
	reply, err = Ask(conn, in, args...)
	return d.unlessRefused(addr, reply, err, args...)
}

// unlessRefused returns the reply to such a command, or the error.
func (d *Dialer) unlessRefused(addr string, reply []byte, err error, args ...string) ([]byte, error) {
	if err != nil || reply[0] != '-' {
		return reply, err
	}
	text := strings.TrimSpace(string(reply[1:]))
	if !strings.HasPrefix(text, "NOPERM") && !strings.HasPrefix(text, "ERR ") {
		return nil, fmt.Errorf("%s: %s", args[0], text)
	}
	command := args[0]
	if command == "CLIENT" {
		command += " " + args[1]
	}
	if _, logged := d.forbids.LoadOrStore(forbidden{addr, command}, true); !logged {
		d.Logger.Warn("server rejected a command that protects writes", "server", addr, "command", command,
			"error", text)
	}
	return nil, nil
}

// ownOffset reports whether WAIT on this server counts only what its own connection has written. If INFO was rejected
// HELLO has the version, which needs no right.
func ownOffset(conn net.Conn, in *bufio.Reader, info map[string]string) (bool, error) {
	if len(info) > 0 {
		return watch.WaitsForOwn(info["redis_version"]), nil
	}
	reply, err := Ask(conn, in, "HELLO")
	pairs, _ := resp.Pairs(reply)
	for i := 0; i < len(pairs); i += 2 {
		if name, _ := resp.String(pairs[i]); string(name) == "version" {
			version, _ := resp.String(pairs[i+1])
			return watch.WaitsForOwn(string(version)), err
		}
	}
	return false, err
}

// do sends one command and reads its reply. An error reply is returned as an error with the server's text, except that
// PING may be rejected by a server that works (NOPERM, MISCONF, LOADING): it speaks the protocol, and that was the
// question.
func do(conn net.Conn, in *bufio.Reader, args ...string) error {
	reply, err := Ask(conn, in, args...)
	if err != nil || reply[0] != '-' {
		return err
	}
	if args[0] == "PING" && !strings.HasPrefix(string(reply), "-NOAUTH") && !denied(reply) && !tooMany(reply) {
		return nil
	}
	text := strings.TrimSpace(string(reply[1:]))
	if denied(reply) { // the text goes on with advice, at length
		text, _, _ = strings.Cut(text, ". ")
	}
	return fmt.Errorf("%s: %s", args[0], text)
}

// Ask sends one command and returns its reply, even an error.
func Ask(conn net.Conn, in *bufio.Reader, args ...string) (reply []byte, err error) {
	if _, err := conn.Write(resp.AppendCommandStrings(nil, args...)); err != nil {
		return nil, err
	}
	return readReply(in)
}

// readReply reads the reply to the oldest pending command.
func readReply(in *bufio.Reader) (reply []byte, err error) {
	var s resp.ReplyScanner
	for {
		if _, err := in.Peek(1); err != nil {
			return nil, err
		}
		b, _ := in.Peek(in.Buffered())
		n, done, err := s.Scan(b)
		if err != nil {
			return nil, err
		}
		reply = append(reply, b[:n]...)
		_, _ = in.Discard(n)
		if len(reply) > 64<<10 {
			return nil, resp.ErrReply
		}
		if done && reply[0] != '>' { // a push is no answer
			return reply, nil
		} else if done {
			reply = reply[:0]
		}
	}
}

// denied reports whether the server is in protected mode and accepts no client from here.
func denied(reply []byte) bool { return bytes.HasPrefix(reply, []byte("-DENIED")) }

func tooMany(reply []byte) bool {
	return strings.HasPrefix(string(reply), "-ERR max number of clients")
}
