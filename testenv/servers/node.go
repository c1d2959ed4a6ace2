package servers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	// AskPatience bounds one command to a server, which may be frozen; servers are slow on a busy machine.
	AskPatience = 2 * time.Second
	// logTailBytes is how much of each log an error has, in bytes.
	logTailBytes = 2048
)

// Node is one server process, data server or Sentinel. It keeps its port and directory while the Env exists. The
// methods that end, freeze and start it are for one goroutine at a time.
type Node struct {
	// Addr is HOST:PORT, or [::1]:PORT.
	Addr string
	// Port is the number in Addr.
	Port int
	// Dir holds its configuration, log and data.
	Dir string

	binary  string
	options []string // arguments after the configuration file
	port    *Port
	tls     *TLS // nil: none
	client  *redis.Client
	process *Process
	// started is called after every start, when the server answers.
	started func(*Node) error
}

// Client returns a plain go-redis client of this server, as the Env's most powerful user. It never retries and sends no
// identity. The Env closes it.
func (n *Node) Client() *redis.Client { return n.client }

// NewClient returns a client for tests: no retry, no identity, no maintenance notifications.
func NewClient(addr, user, password string) *redis.Client {
	return NewTLSClient(addr, user, password, nil)
}

// NewTLSClient is NewClient with TLS; without it if config is nil.
func NewTLSClient(addr, user, password string, config *tls.Config) *redis.Client {
	return redis.NewClient(&redis.Options{
		TLSConfig:                config,
		Addr:                     addr,
		Username:                 user,
		Password:                 password,
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		MaxRetries:               -1,
		DialerRetries:            1,
		DialTimeout:              2 * time.Second,
		ContextTimeoutEnabled:    true,
	})
}

// Pid returns the process id of the server's last start.
func (n *Node) Pid() int { return n.process.Pid }

// Running reports whether the process has not ended; a frozen one is running.
func (n *Node) Running() bool {
	select {
	case <-n.process.Exited():
		return false
	default:
		return true
	}
}

// Log returns everything that the server has printed over all its starts.
func (n *Node) Log() string {
	text, err := os.ReadFile(n.logPath())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (n *Node) logPath() string { return filepath.Join(n.Dir, "log") }

// Kill ends it with SIGKILL and waits until it is gone.
func (n *Node) Kill() error { return n.process.Kill() }

// Stop ends it with SIGTERM and waits until it is gone.
func (n *Node) Stop() error { return n.process.Stop() }

// Freeze stops it with SIGSTOP: connections stay open, without replies.
func (n *Node) Freeze() error { return n.process.Freeze() }

// Thaw resumes a frozen server, which then executes the requests in its sockets.
func (n *Node) Thaw() error { return n.process.Thaw() }

// Restart starts it again on its port with its last configuration (as rewritten by itself or by a Sentinel), and waits
// until it answers. A running server is killed first. Keys survive only with Options.Persist.
func (n *Node) Restart() error {
	if err := n.process.Kill(); err != nil {
		return err
	}
	return n.start()
}

// RestartWiped is Restart with the data files removed; the cluster's node file stays.
func (n *Node) RestartWiped() error {
	if err := n.process.Kill(); err != nil {
		return err
	}
	err := errors.Join(os.RemoveAll(filepath.Join(n.Dir, "dump.rdb")),
		os.RemoveAll(filepath.Join(n.Dir, "appendonly.aof")),
		os.RemoveAll(filepath.Join(n.Dir, "appendonlydir")))
	if err != nil {
		return err
	}
	return n.start()
}

// errPortTaken: another process listens on the port.
var errPortTaken = errors.New("port is taken")

// start runs the server and waits until it answers and has its data loaded (NOAUTH is an answer).
func (n *Node) start() error {
	args := append([]string{filepath.Join(n.Dir, "conf")}, n.options...)
	process, err := StartProcess(n.Dir, n.logPath(), n.binary, args)
	if err != nil {
		return err
	}
	n.process = process
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := n.awaitAnswer(ctx); err != nil {
		return errors.Join(err, process.Kill())
	}
	if n.started != nil {
		return n.started(n)
	}
	return nil
}

func (n *Node) awaitAnswer(ctx context.Context) error {
	var ended error
	err := WaitFor(ctx, "an answer from "+n.Addr, func() error {
		select {
		case <-n.process.Exited():
			ended = n.exitError()
			return nil
		default:
		}
		conn, err := net.DialTimeout("tcp", n.Addr, AskPatience)
		if err != nil {
			return err // go-redis would print each refused dial to standard error
		}
		_ = conn.Close()
		_, err = n.Do("PING")
		var reply redis.Error
		if errors.As(err, &reply) && !strings.HasPrefix(reply.Error(), "LOADING") {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, n.process.LogTail(logTailBytes))
	}
	return ended
}

// exitError returns why a server ended at once.
func (n *Node) exitError() error {
	tail := n.process.LogTail(logTailBytes)
	if strings.Contains(tail, "Address already in use") {
		return errPortTaken
	}
	return fmt.Errorf("server at %s ended with code %d:\n%s", n.Addr, n.process.ExitCode(), tail)
}

// errDead is the error of Do for a server whose process has ended.
var errDead = errors.New("the server is not running")

// Do sends one command through Client, waiting at most 2 s for it.
func (n *Node) Do(args ...any) (any, error) {
	select {
	case <-n.process.Exited():
		return nil, errDead
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), AskPatience)
	defer cancel()
	return n.client.Do(ctx, args...).Result()
}

// Role returns the server's ROLE: "master", "slave" or "sentinel", and for a replica whether its link is up and
// synchronized ("connected").
func (n *Node) Role() (role string, linked bool, err error) {
	reply, err := n.Do("ROLE")
	if err != nil {
		return "", false, err
	}
	fields, ok := reply.([]any)
	if !ok || len(fields) == 0 {
		return "", false, fmt.Errorf("ROLE of %s: unexpected reply %v", n.Addr, reply)
	}
	role, _ = fields[0].(string)
	if role == "slave" && len(fields) > 3 {
		linked = fields[3] == "connected"
	}
	return role, linked, nil
}

// writeConf writes the configuration file.
func (n *Node) writeConf(lines []string) error {
	ports := []string{"port " + strconv.Itoa(n.Port)}
	if n.tls != nil {
		ports = n.tls.lines(n.Port)
	}
	text := strings.Join(slices.Concat(ports, []string{
		"bind " + n.port.host,
		"protected-mode no",
		"daemonize no",
		"dir " + n.Dir,
	}, lines), "\n") + "\n"
	return os.WriteFile(filepath.Join(n.Dir, "conf"), []byte(text), 0o600)
}
