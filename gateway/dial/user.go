package dial

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/tlsconn"
	"evergate/gateway/upstream"
)

// Where the servers know the users, a connection is that of one user, and authenticates with the credentials of the
// user's client.

// become authenticates a connection as a user, and sets the protocol; 0: it is set. The server must confirm it: the
// connection may have been another user's so far.
func become(conn net.Conn, in *bufio.Reader, as session.Credentials, proto uint8) error {
	wrong, err := authenticate(conn, in, as)
	if err != nil {
		return err
	}
	if wrong != nil {
		text := strings.TrimSpace(string(wrong[1:]))
		if rejected(wrong) {
			return fmt.Errorf("%w: %s", upstream.ErrNotAuthenticated, text)
		}
		return fmt.Errorf("AUTH: %s", text)
	}
	if proto == 3 {
		return do(conn, in, "HELLO", "3")
	}
	return nil
}

// authenticate sends AUTH, or PING without credentials. It returns the server's error, nil if it accepts them.
func authenticate(conn net.Conn, in *bufio.Reader, as session.Credentials) (wrong []byte, err error) {
	if as.None() {
		reply, err := Ask(conn, in, "PING")
		if err != nil || reply[0] != '-' || !rejected(reply) && !denied(reply) && !tooMany(reply) && !unable(reply) {
			return nil, err // an error about PING itself comes from a server that has let the client in
		}
		return reply, nil
	}
	switch reply, err := Ask(conn, in, as.Auth()...); {
	case err != nil:
		return nil, err
	case reply[0] == '-':
		return reply, nil
	case !bytes.Equal(reply, resp.OK):
		return nil, errors.New("the server replied neither OK nor an error to AUTH")
	}
	return nil, nil
}

// rejected reports whether a reply to AUTH or PING is the verdict on the credentials.
func rejected(reply []byte) bool {
	for _, prefix := range []string{"-WRONGPASS", "-NOAUTH", "-ERR invalid password", "-ERR AUTH "} {
		if strings.HasPrefix(string(reply), prefix) {
			return true
		}
	}
	return false
}

// unable reports whether a server cannot say anything now.
func unable(reply []byte) bool {
	return bytes.HasPrefix(reply, []byte("-LOADING")) || bytes.HasPrefix(reply, []byte("-MASTERDOWN"))
}

// Verify connects to a server as a client with these credentials would, and returns the server's error if it rejects
// them. An err means that the server has said nothing about them.
func (d *Dialer) Verify(ctx context.Context, service int, addr string, as session.Credentials) (wrong []byte,
	err error) {
	conn, err := d.connect(ctx, service, addr, func(conn net.Conn, in *bufio.Reader) error {
		wrong, err = authenticate(conn, in, as)
		return errors.Join(err, unusable(addr, wrong))
	})
	if err != nil {
		return nil, err
	}
	closeNow(conn)
	return wrong, nil
}

// May asks a server whether a user may execute a command, and returns its error if not. The command is queued in a
// transaction that is discarded.
func (d *Dialer) May(ctx context.Context, service int, addr string, as session.Credentials, words []string) (
	wrong []byte, err error) {
	conn, err := d.connect(ctx, service, addr, func(conn net.Conn, in *bufio.Reader) error {
		if wrong, err = authenticate(conn, in, as); err != nil || wrong != nil {
			return errors.Join(err, unusable(addr, wrong))
		}
		wrong, err = queue(conn, in, words)
		return err
	})
	if err != nil {
		return nil, err
	}
	closeNow(conn) // that discards the transaction
	return wrong, nil
}

// queue queues a command in a transaction, and returns the server's error if it does not.
func queue(conn net.Conn, in *bufio.Reader, words []string) (wrong []byte, err error) {
	for _, step := range []struct {
		words []string
		reply string
	}{{[]string{"MULTI"}, "+OK\r\n"}, {words, "+QUEUED\r\n"}} {
		switch reply, err := Ask(conn, in, step.words...); {
		case err != nil:
			return nil, err
		case reply[0] == '-':
			return reply, nil
		case string(reply) != step.reply:
			return nil, errors.New("the server did not queue the command")
		}
	}
	return nil, nil
}

// closeNow closes a connection by a reset: its port is free at once. Each AUTH of a client takes one, and ports that
// wait for a minute would run out.
func closeNow(conn net.Conn) {
	raw := conn
	if secure, ok := conn.(*tlsconn.Conn); ok {
		raw = secure.Raw()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// unusable is an error for a reply that is no verdict: another server, or the same one later, may give one.
func unusable(addr string, reply []byte) error {
	if reply != nil && (denied(reply) || tooMany(reply) || unable(reply)) {
		return fmt.Errorf("%s: %s", addr, strings.TrimSpace(string(reply[1:])))
	}
	return nil
}
