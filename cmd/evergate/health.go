package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evergate/cmd/evergate/adminclient"
	"evergate/cmd/evergate/settings"
	"evergate/gateway"
	"evergate/gateway/config"
)

// newHealthcheck checks that a running gateway is alive. It accepts all settings of run: listeners and passwords come
// from the same file, variables or flags. Every failure is exit code 1: Docker reserves 2.
func newHealthcheck(w world) *cobra.Command {
	probe := probe{}
	address := ""
	cmd := withSettings(w, &cobra.Command{
		Use:   "healthcheck",
		Short: "Check that a gateway on this machine is alive (exit code 0 or 1)",
		Long: `Send PING to the first listener of each service, or to --address. The exit code is 0 if all reply,
1 otherwise. A gateway that replies -LOADING is alive: to restart it would not bring its servers
back. With --ready a read must succeed, too, and without --address the HTTP server of --admin must
report that the gateway is ready: it does not while the gateway drains.

It accepts the settings of run, and needs no shell: HEALTHCHECK CMD ["/evergate", "healthcheck"].`,
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		conf, err := settings.Unvalidated(cmd.Flags(), args, w.environ)
		if err != nil {
			return runtimeError{err}
		}
		for _, target := range healthTargets(conf, address) {
			if err := probe.run(target); err != nil {
				return runtimeError{fmt.Errorf("%s: %w", settings.Masked(target.address), err)}
			}
		}
		if admin := conf.Admin.Listen; probe.ready && address == "" && admin != "" {
			if err := probe.isReady(cmd.Context(), admin); err != nil {
				return runtimeError{fmt.Errorf("%s: %w", settings.Masked(admin), err)}
			}
		}
		return nil
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return runtimeError{err} })
	flags := cmd.Flags()
	flags.StringVar(&address, "address", "", "`ADDRESS` to check: HOST:PORT or unix:/path (default: the listeners)")
	flags.BoolVar(&probe.ready, "ready", false, "require that a read succeeds")
	flags.StringVar(&probe.user, "user", "", "`NAME` of the user whose password --password-file has, for --ready")
	flags.DurationVar(&probe.timeout, "timeout", 2*time.Second, "fail if a listener has not replied within this time")
	hideSettings(flags)
	return cmd
}

// healthTarget is a listener to check, and its password. service has its TLS; nil without TLS.
type healthTarget struct {
	address  string
	password config.Secret
	service  *config.Service
}

func healthTargets(conf config.Gateway, address string) []healthTarget {
	targets := []healthTarget{}
	for i := range conf.Services {
		service := &conf.Services[i]
		switch {
		case address != "" && slices.Contains(service.Listen, address):
			return []healthTarget{{address, service.Password, nil}}
		case address != "" && slices.Contains(service.TLSListen, address):
			return []healthTarget{{address, service.Password, service}}
		case len(service.Listen) > 0:
			targets = append(targets, healthTarget{service.Listen[0], service.Password, nil})
		case len(service.TLSListen) > 0:
			targets = append(targets, healthTarget{service.TLSListen[0], service.Password, service})
		}
	}
	if address != "" {
		target := healthTarget{address: address}
		if len(conf.Services) == 1 {
			target.password = conf.Services[0].Password
		}
		return []healthTarget{target}
	}
	return targets
}

// probe checks one listener.
type probe struct {
	ready   bool
	user    string
	timeout time.Duration
}

// readyKey is read to see whether a server replies; the key need not exist.
const readyKey = "evergate:ready"

func (p probe) run(target healthTarget) error {
	network, address, err := config.SplitListen(target.address)
	if err != nil {
		return err
	}
	if strings.HasSuffix(address, ":0") && network == "tcp" {
		return errors.New("the port was chosen by the system: set --address")
	}
	deadline := time.Now().Add(p.timeout)
	// An address without a host, 0.0.0.0 or [::] means this machine.
	conn, err := net.DialTimeout(network, address, p.timeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if target.service == nil {
		return p.converse(conn, target.password)
	}
	secure, err := gateway.SelfTLS(target.service, conn)
	if err != nil {
		return err
	}
	err = p.converse(secure, target.password)
	if target.service.RequiresCertificates() && !p.ready && !errors.Is(err, os.ErrDeadlineExceeded) {
		return nil // it did TLS, and rejects at most this client's certificate: it is alive
	}
	return err
}

// isReady asks the HTTP server of a gateway.
func (p probe) isReady(ctx context.Context, admin string) error {
	client, err := adminclient.New(admin, config.Secret{})
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	return client.Ready(ctx)
}

// converse asks over a connection.
func (p probe) converse(conn net.Conn, password config.Secret) error {
	talk := talk{conn, bufio.NewReaderSize(conn, replyLineMax)}
	if !password.IsZero() {
		text, err := password.Read()
		if err != nil {
			return err
		}
		words := []string{"AUTH", text}
		if p.user != "" {
			words = []string{"AUTH", p.user, text}
		}
		reply, err := talk.ask(words...)
		if err != nil || p.ready && reply != "+OK" {
			return fmt.Errorf("AUTH failed: %s", orError(reply, err))
		}
	}
	reply, err := talk.ask("PING")
	if err != nil || !p.ready {
		return err
	}
	if reply != "+PONG" {
		return fmt.Errorf("not ready: reply to PING: %s", reply)
	}
	reply, err = talk.ask("EXISTS", readyKey)
	if err != nil {
		return err
	}
	// The rejection by an ACL is a server's reply too.
	if !strings.HasPrefix(reply, ":") && !strings.HasPrefix(reply, "-NOPERM") {
		return fmt.Errorf("not ready: reply to a read: %s", reply)
	}
	return nil
}

func orError(reply string, err error) string {
	if err != nil {
		return err.Error()
	}
	return reply
}

// talk is a connection with one command at a time, whose reply is one line.
type talk struct {
	conn  net.Conn
	lines *bufio.Reader
}

// replyLineMax is longer than any reply to the three commands, in bytes.
const replyLineMax = 4096

// ask sends a command and returns the line of its reply without CRLF, or an error if that is not RESP.
func (t talk) ask(args ...string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	if _, err := t.conn.Write([]byte(b.String())); err != nil {
		return "", err
	}
	line, err := t.lines.ReadSlice('\n')
	if err != nil {
		return "", fmt.Errorf("no reply to %s: %w", args[0], err)
	}
	reply := strings.TrimRight(string(line), "\r\n")
	if reply == "" || !strings.ContainsRune("+-:", rune(reply[0])) {
		return "", fmt.Errorf("reply to %s is not the Redis protocol", args[0])
	}
	return reply, nil
}
