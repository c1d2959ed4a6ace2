package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Credentials returns user and password; it is called at each dial, since files rotate. nil means none.
type Credentials func() (user, password string, err error)

// TLS begins TLS on connections. Services share a follower of a Sentinel only if theirs are equal.
type TLS interface {
	// Connect runs the handshake on a connection to addr, until ctx ends. Texts of errors that TLS causes begin with
	// "TLS: ", now or later. It closes conn after an error.
	Connect(ctx context.Context, conn net.Conn, addr string) (net.Conn, error)
}

// tlsFault is the prefix of errors that TLS causes.
const tlsFault = "TLS: "

// access is what it takes to talk to servers or to Sentinels.
type access struct {
	credentials Credentials
	tls         TLS // nil: none
}

// quiet discards go-redis's log: everything relevant is also returned as an error.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(quiet{}) }

// options returns the options of every connection of the control plane: one connection, no retry, none of go-redis's
// own commands (CLIENT SETINFO, CLIENT MAINT_NOTIFICATIONS), so that a user with few rights suffices.
func options(addr string, timeout time.Duration, by access) *redis.Options {
	o := &redis.Options{
		Addr:                     addr,
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		MaxRetries:               -1,
		DialerRetries:            1,
		// One is used at a time; but with a pool of one a failed dial leaves a goroutine behind that dials every second,
		// until a second after the client is closed.
		PoolSize:        2,
		DialTimeout:     timeout,
		ReadTimeout:     timeout,
		WriteTimeout:    timeout,
		PoolTimeout:     timeout,
		ConnMaxIdleTime: -1,
		Dialer:          dialer(timeout, by.tls),
	}
	if by.credentials != nil {
		o.CredentialsProviderContext = func(context.Context) (string, string, error) { return by.credentials() }
	}
	return o
}

// ClientNames is what the names of connections begin with that probe servers, of all gateways.
const ClientNames = "evergate-"

// named returns what gives a new connection a name; nil for none. A server that rejects the name may be asked
// nevertheless, and one that has closed the connection gives its reason to the first question. Only its silence ends
// the attempt, or it would be waited for twice.
func named(name string) func(context.Context, *redis.Conn) error {
	if name == "" {
		return nil
	}
	return func(ctx context.Context, conn *redis.Conn) error {
		var timeout net.Error
		if err := conn.ClientSetName(ctx, name).Err(); errors.As(err, &timeout) && timeout.Timeout() {
			return fmt.Errorf("naming the connection: %w", err) // go-redis returns what it wraps
		}
		return nil
	}
}

// dialer resolves the name at each dial and has the kernel detect dead peers: by keepalive while idle, by
// TCP_USER_TIMEOUT while bytes are unacknowledged (keepalive does not fire then).
func dialer(timeout time.Duration, secure TLS) func(context.Context, string, string) (net.Conn, error) {
	d := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: time.Second, Count: 3},
		Control:         userTimeout(2 * timeout),
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		c, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if secure == nil {
			return &heardPlain{heard{Conn: c}}, nil
		}
		if c, err = secure.Connect(ctx, c, addr); err != nil {
			return nil, err
		}
		return &heard{Conn: c}, nil
	}
}

// heard is a connection that keeps the server's last error reply: go-redis takes an error reply to its greeting for
// that of an old server, goes on, and returns only that the connection is closed.
type heard struct {
	net.Conn
	refusal string // the last line read, if that is an error reply
}

// heardPlain is one without TLS. It also lets go-redis see in the socket whether the server has closed it; with TLS
// bytes there say nothing.
type heardPlain struct{ heard }

func (c *heardPlain) SyscallConn() (syscall.RawConn, error) {
	return c.Conn.(*net.TCPConn).SyscallConn()
}

// farewell is the error of a closed connection, with the error reply that preceded it.
type farewell struct {
	refusal string
	end     error
}

func (e *farewell) Error() string { return e.refusal }
func (e *farewell) Unwrap() error { return e.end }

func (c *heard) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.refusal = ""
		if line, _, whole := strings.Cut(string(b[:n]), "\r\n"); whole && strings.HasPrefix(line, "-") {
			c.refusal = line[1:]
		}
	}
	return n, c.ended(err)
}

func (c *heard) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.ended(err)
}

func (c *heard) ended(err error) error {
	if err == nil || c.refusal == "" || !cut(err) {
		return err
	}
	return &farewell{c.refusal, err}
}

// together sends commands in one pipeline. It returns an error if none of them has a reply: go-redis leaves the
// commands' own errors empty if the greeting fails, for example by a wrong password.
func together(ctx context.Context, client pipeliner, commands ...redis.Cmder) error {
	pipe := client.Pipeline()
	for _, command := range commands {
		_ = pipe.Process(ctx, command)
	}
	_, err := pipe.Exec(ctx)
	for _, command := range commands {
		if command.Err() != nil {
			return nil
		}
	}
	return err
}

// pipeliner is a client of a server or of a Sentinel.
type pipeliner interface{ Pipeline() redis.Pipeliner }

// refused reports whether the server replied that it does not run the command: denied by ACL, unknown, renamed.
func refused(err error) bool {
	if !replied(err) {
		return false
	}
	text := strings.ToLower(err.Error())
	return strings.HasPrefix(text, "noperm") || strings.Contains(text, "unknown command") ||
		strings.Contains(text, "unknown subcommand") || strings.Contains(text, "cluster support disabled") ||
		strings.Contains(text, "wrong number of arguments")
}

// busy reports whether the server runs a slow script or module command and rejects everything else meanwhile.
func busy(err error) bool {
	return err != nil && replied(err) && strings.HasPrefix(err.Error(), "BUSY")
}

// cut reports whether the other side closed the connection.
func cut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// replied reports whether err is an error reply, not a broken connection.
func replied(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// words returns a text for an error that is short, and the same each time, for an event that is reported once.
func words(err error) string {
	var network net.Error
	var name *net.DNSError
	switch {
	case errors.As(err, &name):
		return "lookup " + name.Name + ": " + nameTrouble(name)
	case errors.As(err, &network) && network.Timeout():
		return "timeout"
	case strings.Contains(err.Error(), "connection refused"):
		return "connection refused"
	case strings.HasPrefix(err.Error(), protected):
		// The sentences after the first are long advice.
		sentence, _, _ := strings.Cut(err.Error(), ". ")
		return sentence
	case errors.As(err, new(*farewell)):
	case cut(err):
		return closedUnread
	}
	return err.Error()
}

const (
	// closedUnread is the text for a server that closes a connection without a reply.
	closedUnread = "it closes the connection without an answer"
	// notRedis is the prefix of go-redis's errors about bytes that are no reply.
	notRedis = "redis: "
	// protected is the prefix of all replies of a server in protected mode.
	protected = "DENIED"
	// noSuchMaster is the error reply of a Sentinel that does not know the name.
	noSuchMaster = "No such master with that name"
	// sameSentinel is the reason to end one of two followers that have reached the same Sentinel.
	sameSentinel = "is followed under another address"
)

// errSentinel is the loss of a node that turns out to be a Sentinel.
var errSentinel = errors.New("it is a Sentinel, not a server")

// nameTrouble returns a text for a failed look-up. Go's own text reads as if the Redis server could not be reached, and
// differs each time in the port of a socket.
func nameTrouble(err *net.DNSError) string {
	if err.IsNotFound {
		return "no such host"
	}
	return "no answer from a name server"
}
