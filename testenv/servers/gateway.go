package servers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Gateway is a running evergate process.
type Gateway struct {
	// Addr is its first listener.
	Addr string
	*Process
	dir  *ownedDir
	port *Port
	tls  *tls.Config
}

// GatewayOptions are the options of a Gateway.
type GatewayOptions struct {
	// Args are the arguments after "run". Without --listen and without a file of settings, the gateway gets a free
	// loopback port.
	Args []string
	// Variables are added to its environment, "NAME=value".
	Variables []string
	// Addr is its address, for Args with an address.
	Addr string
	// Binary is the evergate program to run. Empty: it is built from the source.
	Binary string
	// TLS is what a client takes to connect to it. The free port is one with TLS then, for which Args have a certificate.
	TLS *tls.Config
	// Unready: the start does not wait for a topology, but returns when the listener accepts.
	Unready bool
}

// RunGateway builds the binary, runs it, and waits until it is ready.
func RunGateway(o GatewayOptions) (*Gateway, error) {
	binary := o.Binary
	if binary == "" {
		var err error
		if binary, err = BuildGateway(); err != nil {
			return nil, err
		}
	}
	dir, err := newOwnedDir()
	if err != nil {
		return nil, err
	}
	for {
		g, err := runGateway(binary, dir, o)
		if !errors.Is(err, errPortTaken) {
			if err != nil {
				return nil, errors.Join(err, dir.remove())
			}
			return g, nil
		}
	}
}

func runGateway(binary string, dir *ownedDir, o GatewayOptions) (*Gateway, error) {
	g := &Gateway{Addr: o.Addr, dir: dir, tls: o.TLS}
	args := append([]string{"run"}, o.Args...)
	if g.Addr == "" {
		p, err := ReservePort(IPv4Loopback)
		if err != nil {
			return nil, err
		}
		g.port, g.Addr = p, p.Addr()
		listen := "--listen"
		if g.tls != nil {
			listen = "--tls-listen"
		}
		args = append(args, listen, g.Addr)
	}
	var err error
	g.Process, err = StartProcess(dir.path, filepath.Join(dir.path, "log"), binary, args, o.Variables...)
	if err != nil {
		g.releasePort()
		return nil, err
	}
	if err := g.awaitReady(o.Unready); err != nil {
		err = errors.Join(err, g.Kill())
		g.releasePort()
		return nil, err
	}
	return g, nil
}

func (g *Gateway) releasePort() {
	if g.port != nil {
		g.port.Release()
	}
}

// awaitReady waits until PING gets an answer that is not LOADING.
func (g *Gateway) awaitReady(unready bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	var ended error
	err := WaitFor(ctx, "the gateway at "+g.Addr, func() error {
		select {
		case <-g.Exited():
			ended = g.exitError()
			return nil
		default:
		}
		return g.answers(unready)
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, g.LogTail(4*logTailBytes))
	}
	return ended
}

func (g *Gateway) exitError() error {
	tail := g.LogTail(4 * logTailBytes)
	if g.port != nil && strings.Contains(tail, "address already in use") {
		return errPortTaken
	}
	return fmt.Errorf("evergate ended with code %d:\n%s", g.ExitCode(), tail)
}

// answers returns nil if it is ready. The gateway itself answers PING, so a command that needs a server is sent too:
// GET of a key that no test uses.
func (g *Gateway) answers(unready bool) error {
	c, err := g.Dial()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for _, question := range [][]string{{"PING"}, {"GET", "{testenv}ready"}} {
		reply, err := c.Do(question...)
		if err != nil {
			return err
		}
		if unready || strings.HasPrefix(string(reply), "-NOAUTH") {
			return nil
		}
		if strings.HasPrefix(string(reply), "-LOADING") {
			return fmt.Errorf("it says %q", reply)
		}
	}
	return nil
}

// Dial connects to its first listener, with TLS if it has that.
func (g *Gateway) Dial() (*Conn, error) {
	if g.tls != nil {
		return DialTLS(g.Addr, g.tls)
	}
	return Dial(g.Addr)
}

// Log returns everything that it has printed.
func (g *Gateway) Log() string {
	text, err := os.ReadFile(g.Process.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// ResidentBytes returns its resident memory.
func (g *Gateway) ResidentBytes() (int64, error) { return ResidentBytes(g.Pid) }

// CPUTime returns the processor time of its threads.
func (g *Gateway) CPUTime() (time.Duration, error) { return CPUTime(g.Pid) }

// errBroken: the gateway printed a data race or a panic, which follows.
var errBroken = errors.New("the gateway is broken")

// Close stops it with SIGTERM, if it still runs, and removes its files. A data race or a panic in its log is an error
// even if every test has passed.
func (g *Gateway) Close() error {
	errs := []error{g.Stop()}
	log := g.Log()
	for _, sign := range []string{"WARNING: DATA RACE", "\npanic: ", "\nfatal error: "} {
		if at := strings.Index(log, sign); at >= 0 {
			errs = append(errs, fmt.Errorf("%w:\n%.8192s", errBroken, log[at:]))
			break
		}
	}
	g.releasePort()
	return errors.Join(append(errs, g.dir.remove())...)
}

// StartGateway runs the gateway for a test: it is built once, closed at the end, and its log is printed if the test
// fails. args follow "run"; without --listen the gateway gets a free loopback port.
func StartGateway(t T, args ...string) *Gateway {
	t.Helper()
	o := GatewayOptions{Args: args}
	if i := slices.Index(args, "--listen"); i >= 0 && i+1 < len(args) {
		o.Addr, _, _ = strings.Cut(args[i+1], ",")
	}
	return StartGatewayWith(t, o)
}

// patientHold is the hold of a test's gateway without one: on a machine that stalls, elections fail, and the default of
// 10 s ends before one succeeds.
const patientHold = "EVERGATE_HOLD=60s"

// StartGatewayWith is StartGateway with all options.
func StartGatewayWith(t T, o GatewayOptions) *Gateway {
	t.Helper()
	SkipShort(t)
	if !slices.Contains(o.Args, "--hold") && !slices.Contains(o.Args, "--config") {
		o.Variables = append([]string{patientHold}, o.Variables...)
	}
	g, err := RunGateway(o)
	if err != nil {
		t.Fatalf("starting the gateway: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("--- log of the gateway at %s\n%s", g.Addr, g.LogTail(8*logTailBytes))
		}
		if err := g.Close(); err != nil {
			t.Fatalf("closing the gateway: %v", err)
		}
	})
	return g
}

// BuildGateway builds cmd/evergate, once in a process, and returns the path of the binary.
var BuildGateway = sync.OnceValues(buildGateway)

// buildGateway builds into the checkout's .cache directory. Several test processes do so concurrently: each builds
// under its own name and renames, so that none runs half a file.
func buildGateway() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "evergate").Output() // a test may be in another module
	if err != nil {
		return "", fmt.Errorf("go list -m evergate: %w", err)
	}
	root := strings.TrimSpace(string(out))
	name, args := "evergate", []string{"build"}
	if RaceEnabled {
		name, args = "evergate-race", []string{"build", "-race"}
	}
	if portable {
		name, args = name+"-portable", append(args, "-tags", "portable")
	}
	final := filepath.Join(root, ".cache", name)
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return "", err
	}
	mine := fmt.Sprintf("%s.%d", final, os.Getpid())
	build := exec.Command("go", append(args, "-o", mine, "./cmd/evergate")...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building cmd/evergate: %w\n%s", err, out)
	}
	return final, os.Rename(mine, final)
}
