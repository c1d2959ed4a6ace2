package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"evergate/testenv/servers"
)

// The attackers are a process of their own. Elsewhere they have machines of their own, and only here do they share two
// cores with what they attack. So one half of a run has them at the lowest priority: they get what the gateway, the
// server and the well-behaved clients leave over, and slow those down only by what the gateway and the server do for
// them. In the other half they are equals.

// orders are what the attackers are told.
type orders struct {
	// Addr and TLSAddr are the listeners to attack.
	Addr, TLSAddr string
	// CA is the file of the CA that signed the gateway's certificate.
	CA   string
	Only []string
}

const (
	// ordersName is the variable with the orders, as JSON: a process that has it is one of attackers.
	ordersName = "EVERGATE_HOSTILE_ORDERS"
	// lowest is the priority of attackers that are as good as elsewhere.
	lowest = "19"
)

// attackers are a running process of attackers.
type attackers struct {
	*servers.Process
}

// send starts the attackers. apart gives them the lowest priority.
func (o *orders) send(dir string, apart bool) (*attackers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	command := []string{self}
	if apart {
		command = []string{"nice", "-n", lowest, self}
	}
	p, err := servers.StartProcess(dir, filepath.Join(dir, "attackers"), command[0], command[1:],
		ordersName+"="+string(text))
	return &attackers{p}, err
}

// recall ends the attackers, and returns how often each attack was made.
func (a *attackers) recall() (made map[string]int64, err error) {
	if err := a.Stop(); err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(a.LogTail(64<<10)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &made); err != nil {
		return nil, errors.Join(fmt.Errorf("the attackers ended with code %d: %.2000s", a.ExitCode(),
			strings.Join(lines, "\n")), err)
	}
	return made, nil
}

// attackIfOrdered makes this process one of attackers, if it was started as such, and returns whether it was.
func attackIfOrdered() bool {
	text := os.Getenv(ordersName)
	if text == "" {
		return false
	}
	if err := attackUntilRecalled(text); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return true
}

// attackUntilRecalled makes all attacks until SIGTERM, and prints how often it made each.
func attackUntilRecalled(text string) error {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	ca, err := os.ReadFile(o.CA)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	plain := &target{addr: o.Addr, from: attacker}
	secure := &target{addr: o.TLSAddr, from: attacker, config: &tls.Config{RootCAs: roots, ServerName: host}}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var running sync.WaitGroup
	for _, a := range chosen(o.Only) {
		t := plain
		if a.tls {
			t = secure
		}
		running.Go(func() { t.repeat(ctx, a) })
	}
	<-ctx.Done()
	// Some attacks wait for a server or a client that was attacked: they are not waited for.
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		running.Wait()
	}()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
	}
	made := map[string]int64{}
	for _, a := range chosen(o.Only) {
		made[a.name] = a.made.Load()
	}
	line, err := json.Marshal(made)
	fmt.Printf("%s\n", line)
	return err
}
