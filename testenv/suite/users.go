package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"evergate/gateway/resp"
	"evergate/testenv/servers"
)

// userUnits are the units about users. They change users all the time, which the gateway leaves to its file: users
// stand between the suite and the gateway and do it. The units are not meant for an external server: of a copy of them,
// which has the name given here, the first group of tests is run. The other groups start servers with files of their
// own.
var userUnits = map[string]string{
	"unit/acl":    "unit/external-acl",
	"unit/acl-v2": "unit/external-acl-v2",
}

// newer turns texts of redis 7.0 into patterns that those of 7.2 and later, which the gateway has, match as well.
var newer = strings.NewReplacer(
	"*NOPERM*keys*", "*NOPERM*key*", "*NOPERM*channels*", "*NOPERM*channel*",
	`assert_equal "This user has no permissions`, `assert_match "*has no permissions`,
	`assert_equal {This user has no permissions`, `assert_match {*has no permissions`,
	"assert_equal {user hpuser on nopass resetchannels", "assert_match {user hpuser on nopass*resetchannels",
	"external:skip", "")

// external writes a copy of a unit about users that the suite runs against an external server, and returns its name.
func external(source, unit string) (string, error) {
	name := userUnits[unit]
	file := func(unit string) string { return filepath.Join(source, "tests", filepath.FromSlash(unit)+".tcl") }
	text, err := os.ReadFile(file(unit))
	if err != nil {
		return "", err
	}
	group, _, more := bytes.Cut(text, []byte("\nset server_path "))
	if !more || !bytes.Contains(group, []byte("external:skip")) {
		return "", fmt.Errorf("%s is not the file of redis 7.0", file(unit))
	}
	return name, os.WriteFile(file(name), []byte(newer.Replace(string(group))), 0o600)
}

// users answers the commands that change users: it asks a server that nobody else uses, writes that server's users to
// the gateway's file, and waits until the gateway has taken them.
type users struct {
	net.Listener
	gate *servers.Gateway
	file string

	mu     sync.Mutex
	model  *servers.Conn
	listed []byte // the users that the gateway has
}

// userFile makes a file with the user that a new server has.
func userFile(dir string) (path string, err error) {
	path = filepath.Join(dir, "users.acl")
	return path, os.WriteFile(path, []byte("user default on nopass sanitize-payload ~* &* +@all\n"), 0o600)
}

// asker is the user of the model as which it is asked; the gateway does not get it.
const asker = "of-the-suite"

// newUsers listens. The gateway reads its users from file; model is the address of the server to ask.
func newUsers(gate *servers.Gateway, file, model string) (u *users, err error) {
	u = &users{gate: gate, file: file}
	if u.model, err = servers.Dial(model); err != nil {
		return nil, err
	}
	// The suite takes rights from the default user.
	made := "ACL SETUSER " + asker + " on nopass ~* &* +@all"
	for _, words := range []string{made, "AUTH " + asker + " any", "ACL LIST"} {
		if u.listed, err = u.model.Do(strings.Fields(words)...); err != nil {
			return nil, err
		}
	}
	if u.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	go u.accept()
	return u, nil
}

func (u *users) Close() error { return errors.Join(u.Listener.Close(), u.model.Close()) }

func (u *users) accept() {
	for {
		c, err := u.Accept()
		if err != nil {
			return
		}
		go u.serve(servers.NewConn(c))
	}
}

// serve passes on what a client sends, and what it gets. The suite awaits the reply to each command that changes users
// before the next one, and has awaited all others by then.
func (u *users) serve(client *servers.Conn) {
	defer func() { _ = client.Close() }()
	gate, err := u.gate.Dial()
	if err != nil {
		return
	}
	defer func() { _ = gate.Close() }()
	go func() {
		_, _ = gate.Reader().WriteTo(client)
		u.mu.Lock() // a user that deletes itself gets the reply first
		defer u.mu.Unlock()
		_ = client.Close()
	}()
	client.Within(time.Hour)
	limits := resp.DefaultLimits()
	for {
		frame, err := client.Frame()
		if err != nil {
			return
		}
		for args := range resp.Commands([][]byte{frame}, &limits) {
			if changesUsers(args) {
				err = u.change(args, client)
			} else {
				err = gate.SendRaw(frame)
			}
		}
		if err != nil {
			return
		}
	}
}

func changesUsers(args [][]byte) bool {
	if len(args) < 2 || !strings.EqualFold(string(args[0]), "ACL") {
		return false
	}
	switch strings.ToUpper(string(args[1])) {
	case "SETUSER", "DELUSER", "LOAD", "SAVE":
		return true
	}
	return false
}

// change has the model change its users, and the gateway take them. The client gets the model's reply.
func (u *users) change(args [][]byte, client *servers.Conn) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	words := make([]string, len(args))
	for i := range args {
		words[i] = string(args[i])
	}
	reply, err := u.model.Do(words...)
	if err == nil {
		err = u.hand()
	}
	if err != nil {
		reply = resp.AppendError(nil, "ERR suite: "+err.Error())
	}
	return client.SendRaw(reply)
}

// hand gives the gateway the model's users.
func (u *users) hand() error {
	listed, err := u.model.Do("ACL", "LIST")
	if err != nil || bytes.Equal(listed, u.listed) {
		return err
	}
	lines, ok := resp.Elements(listed)
	if !ok {
		return fmt.Errorf("ACL LIST: %.60q", listed)
	}
	const reloaded = "users reloaded"
	before := strings.Count(u.gate.Log(), reloaded)
	var text []byte
	for _, line := range lines {
		value, _ := resp.Bulk(line)
		if bytes.HasPrefix(value, []byte("user "+asker+" ")) {
			continue
		}
		text = append(append(text, value...), '\n')
	}
	if err := os.WriteFile(u.file, text, 0o600); err != nil {
		return err
	}
	u.listed = listed
	ctx, cancel := context.WithTimeout(context.Background(), servers.Patience)
	defer cancel()
	return servers.WaitFor(ctx, "the gateway to take the users", func() error {
		if strings.Count(u.gate.Log(), reloaded) == before {
			return fmt.Errorf("its log says nothing, or refuses them: %s", u.gate.LogTail(300))
		}
		return nil
	})
}
