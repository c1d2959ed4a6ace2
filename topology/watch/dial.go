package watch

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Credentials gives user and password at each dial: files rotate. nil means none.
type Credentials func() (user, password string, err error)

// quiet drops what go-redis would print: what matters comes back as an error.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(quiet{}) }

// options are those of every connection of the control plane: one connection, no retry, no command of go-redis' own
// (CLIENT SETINFO, CLIENT MAINT_NOTIFICATIONS), so that a user with few rights can be given.
func options(addr string, timeout time.Duration, credentials Credentials) *redis.Options {
	o := &redis.Options{
		Addr:                     addr,
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		MaxRetries:               -1,
		DialerRetries:            1,
		// One is used at a time; but with a pool of one a failed dial would leave a goroutine behind that goes on
		// dialling, each second, until the client is closed and one more second has passed.
		PoolSize:        2,
		DialTimeout:     timeout,
		ReadTimeout:     timeout,
		WriteTimeout:    timeout,
		PoolTimeout:     timeout,
		ConnMaxIdleTime: -1,
		Dialer:          dialer(timeout),
	}
	if credentials != nil {
		o.CredentialsProviderContext = func(context.Context) (string, string, error) { return credentials() }
	}
	return o
}

// dialer resolves the name at each dial and lets the kernel find dead peers: keepalive when idle, TCP_USER_TIMEOUT
// when bytes are not acknowledged (keepalive does not fire then).
func dialer(timeout time.Duration) func(context.Context, string, string) (net.Conn, error) {
	d := &net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: time.Second, Count: 3},
		Control:         userTimeout(2 * timeout),
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, addr)
		if tcp, ok := c.(*net.TCPConn); ok {
			return &heard{TCPConn: tcp}, err
		}
		return c, err
	}
}

// heard is a connection that keeps what the server refused with before it closed: go-redis takes an error reply to its
// greeting for an old server's, and finds the connection gone when it goes on.
type heard struct {
	*net.TCPConn
	refusal string // the last thing read, when that was an error reply
}

// farewell is the end of a connection, with the error reply that came before it.
type farewell struct {
	refusal string
	end     error
}

func (e *farewell) Error() string { return e.refusal }
func (e *farewell) Unwrap() error { return e.end }

func (c *heard) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if n > 0 {
		c.refusal = ""
		if line, _, whole := strings.Cut(string(b[:n]), "\r\n"); whole && strings.HasPrefix(line, "-") {
			c.refusal = line[1:]
		}
	}
	return n, c.ended(err)
}

func (c *heard) Write(b []byte) (int, error) {
	n, err := c.TCPConn.Write(b)
	return n, c.ended(err)
}

func (c *heard) ended(err error) error {
	if err == nil || c.refusal == "" || !cut(err) {
		return err
	}
	return &farewell{c.refusal, err}
}

// together sends commands in one pipeline. The error says why none of them has an answer: go-redis leaves the commands'
// own errors empty when the connection could not be greeted, by a wrong password for one.
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

// refused reports whether the server answered and will not run the command for us: denied by ACL, unknown, renamed.
func refused(err error) bool {
	if !replied(err) {
		return false
	}
	text := strings.ToLower(err.Error())
	return strings.HasPrefix(text, "noperm") || strings.Contains(text, "unknown command") ||
		strings.Contains(text, "unknown subcommand") || strings.Contains(text, "cluster support disabled") ||
		strings.Contains(text, "wrong number of arguments")
}

// busy reports whether the server runs a slow script or module command and answers nothing else meanwhile.
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

// words makes an error short and steady enough for an event that is told once.
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
		// The server goes on with what could be done about it, at length.
		sentence, _, _ := strings.Cut(err.Error(), ". ")
		return sentence
	case errors.As(err, new(*farewell)):
	case cut(err):
		return closedUnread
	}
	return err.Error()
}

const (
	// closedUnread is said of a server that closes a connection without a word.
	closedUnread = "it closes the connection without an answer"
	// protected begins what a server in protected mode answers to everything.
	protected = "DENIED"
	// noSuchMaster is what a Sentinel answers that does not know the name.
	noSuchMaster = "No such master with that name"
	// sameSentinel is why one of two followers is given up that have reached the same Sentinel.
	sameSentinel = "is followed under another address"
)

// errSentinel is the loss of a node that turns out to be no server at all.
var errSentinel = errors.New("it is a Sentinel, not a server")

// nameTrouble says what a name server answered. That it was not reached must not read as if the server itself were not,
// and which of its sockets failed how differs each time.
func nameTrouble(err *net.DNSError) string {
	if err.IsNotFound {
		return "no such host"
	}
	return "no answer from a name server"
}
