package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/worker"
)

const (
	// keepAlive finds a peer that vanished while nothing is under way.
	keepAlive = 15 * time.Second
	// userTimeout finds one that vanished while something is: without it Linux tries for a quarter of an hour.
	userTimeout = 10 * time.Second
)

// dialer makes and greets the connections of lanes.
type dialer struct {
	timeout  time.Duration
	services []Service
}

// dial connects, authenticates and sets the protocol. Names are resolved and passwords read anew each time. Errors
// name the address, never a password.
func (d *dialer) dial(ctx context.Context, to worker.Dial) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	nd := net.Dialer{KeepAlive: keepAlive, Control: setUserTimeout}
	conn, err := nd.DialContext(ctx, "tcp", to.Addr)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = conn.SetDeadline(deadline)
	if err := d.greet(conn, to); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("greeting %s: %w", to.Addr, err)
	}
	_ = conn.SetDeadline(time.Time{})
	return conn, nil
}

// greet says HELLO or AUTH, and READONLY to a replica of a cluster. Each command waits for its reply: a server may
// close or lose step when something is pipelined behind a failing AUTH.
func (d *dialer) greet(conn net.Conn, to worker.Dial) error {
	creds := d.services[to.Service].Upstream
	password, err := creds.Password.Read()
	if err != nil {
		return err
	}
	user := creds.User
	if user == "" {
		user = "default"
	}
	in := bufio.NewReaderSize(conn, 4<<10)
	var first []string
	switch {
	case to.Proto == 3 && password != "":
		first = []string{"HELLO", "3", "AUTH", user, password}
	case to.Proto == 3:
		first = []string{"HELLO", "3"}
	case password != "" && creds.User == "":
		first = []string{"AUTH", password}
	case password != "":
		first = []string{"AUTH", user, password}
	default:
		first = []string{"PING"}
	}
	if err := say(conn, in, first...); err != nil {
		return err
	}
	if to.ReadOnly {
		if err := say(conn, in, "READONLY"); err != nil {
			return err
		}
	}
	if in.Buffered() > 0 {
		return errors.New("the server sent more than it was asked")
	}
	return nil
}

// say sends one command and reads its reply. An error reply is an error with the server's words, except that PING may
// be refused by a server that works (NOPERM, MISCONF, LOADING): it speaks the protocol, and that was the question.
func say(conn net.Conn, in *bufio.Reader, args ...string) error {
	if _, err := conn.Write(resp.AppendCommandStrings(nil, args...)); err != nil {
		return err
	}
	var s resp.ReplyScanner
	var reply []byte
	for {
		b, err := in.ReadByte()
		if err != nil {
			return err
		}
		reply = append(reply, b)
		if len(reply) > 64<<10 {
			return resp.ErrReply
		}
		_, done, err := s.Feed([]byte{b})
		if err != nil {
			return err
		}
		if done {
			break
		}
	}
	if reply[0] != '-' || args[0] == "PING" && !strings.HasPrefix(string(reply), "-NOAUTH") && !tooMany(reply) {
		return nil
	}
	return fmt.Errorf("%s: %s", args[0], strings.TrimSpace(string(reply[1:])))
}

func tooMany(reply []byte) bool {
	return strings.HasPrefix(string(reply), "-ERR max number of clients")
}
