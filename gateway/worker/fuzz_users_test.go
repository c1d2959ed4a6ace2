package worker_test

import (
	"slices"

	"evergate/gateway/access"
	"evergate/routing"
)

// What the fuzzer knows of rights: whatever clients send, no server is sent what their user may not do.

// fuzzRights are those of the users of fuzzUsers that have any limits: they are the same for all, so that what a server
// is sent need not be traced to its client.
const fuzzRights = "~foo ~{foo}* ~k &c &c* +@all -debug -flushall"

// fuzzUsers are those of a service: with a password or without, and with rights or without.
var fuzzUsers = []*access.Users{access.WithoutPassword(), access.WithPassword("secret"),
	fuzzLines("default on nopass "+fuzzRights, "app on >secret "+fuzzRights),
	fuzzLines("default on >secret "+fuzzRights, "app on >secret "+fuzzRights)}

// fuzzFewer takes the place of those with rights in the middle: the user of some clients is gone, others have lost
// rights to keys, channels and commands.
var fuzzFewer = fuzzLines("default on nopass ~{foo}* &c +@all -debug -flushall -eval -wait")

func fuzzLines(lines ...string) *access.Users {
	for i := range lines {
		lines[i] = "user " + lines[i]
	}
	users, err := access.Parse("fuzz", lines)
	if err != nil {
		panic(err)
	}
	return users
}

func (z *fuzzed) usersOf(service int) *access.Users {
	switch {
	case service == 2:
		return z.ofSentinel
	case z.fewer && z.users.Defined():
		return fuzzFewer
	}
	return z.users
}

// permitted looks that a server is sent nothing that the users may not do: no key, no channel and no command. What was
// sent before some lost rights may be sent again.
func (z *fuzzed) permitted(server *fuzzServer, b []byte) {
	user := z.users.Lookup(access.DefaultUser)
	if user.Unlimited() {
		return
	}
	server.sent.Add(b)
	for args := server.sent.Front(); args != nil; args = server.sent.Front() {
		if command := routing.Lookup(args); command != nil && !ofGateway(command) {
			if permit, _ := user.Check(command, args, nil); command.ArityFits(len(args)) && !permit.Covers(command) {
				z.t.Fatalf("a server is sent %q, which nobody may do", args)
			}
		}
		server.sent.Pop()
	}
}

// ofGateway reports whether the gateway sends a command of its own.
func ofGateway(command *routing.Command) bool {
	return slices.Contains([]string{"select", "client|kill"}, command.Name)
}
