package access

import (
	"encoding/hex"
	"slices"
	"strings"

	"evergate/gateway/resp"
	"evergate/routing"
)

// Query is an ACL command of a session.
type Query struct {
	Command *routing.Command
	Args    [][]byte
	// Proto is 2 or 3; User is the session's user.
	Proto uint8
	User  *User
	// Find returns the row of a request's command for DRYRUN, or nil: of the table, or what was learnt from servers.
	Find func(args [][]byte) *routing.Command
	// Random fills its argument with random bytes, for GENPASS.
	Random func([]byte)
}

var help = resp.AppendLines(nil,
	"ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are, about the users of this gateway:",
	"CAT [<category>]", "DRYRUN <username> <command> [<arg> ...]", "GENPASS [<bits>]", "GETUSER <username>", "LIST",
	"LOG [<count> | RESET]", "USERS", "WHOAMI", "HELP",
)

// Answer returns the reply to an ACL command, except that of LOG: see Log.
func (u *Users) Answer(q *Query) []byte {
	args := q.Args
	switch q.Command.ID {
	case routing.CmdACLWhoAmI:
		return resp.AppendBulkString(nil, q.User.name)
	case routing.CmdACLUsers:
		b := resp.AppendArray(nil, len(u.sorted))
		for _, user := range u.sorted {
			b = resp.AppendBulkString(b, user.name)
		}
		return b
	case routing.CmdACLList:
		b := resp.AppendArray(nil, len(u.sorted))
		for _, user := range u.sorted {
			b = resp.AppendBulkString(b, user.String())
		}
		return b
	case routing.CmdACLGetUser:
		return u.getUser(string(args[2]), q.Proto)
	case routing.CmdACLDryRun:
		return u.dryRun(q)
	case routing.CmdACLHelp:
		return help
	case routing.CmdACLCat:
		if len(args) == 2 {
			return appendNames(nil, routing.Categories)
		}
		if len(args) == 3 {
			return commandsIn(string(args[2]))
		}
	case routing.CmdACLGenPass:
		if len(args) <= 3 {
			return genPass(args[2:], q.Random)
		}
	case routing.CmdACLSetUser, routing.CmdACLDelUser, routing.CmdACLLoad, routing.CmdACLSave:
		return resp.AppendError(nil, "ERR '"+strings.ReplaceAll(q.Command.Name, "|", " ")+"' is not allowed through the "+
			"gateway: its users are defined in "+u.source)
	}
	return wrongArgs(args)
}

// wrongArgs is the reply to a subcommand with too many arguments.
func wrongArgs(args [][]byte) []byte {
	return resp.AppendError(nil, "ERR unknown subcommand or wrong number of arguments for '"+
		string(resp.Cut(args[1], 128))+"'. Try ACL HELP.")
}

func appendNames(b []byte, names []string) []byte {
	b = resp.AppendArray(b, len(names))
	for _, name := range names {
		b = resp.AppendBulkString(b, name)
	}
	return b
}

// commandsIn executes ACL CAT category.
func commandsIn(category string) []byte {
	in := routing.CategoryNamed(category)
	if in == 0 {
		return resp.AppendError(nil, "ERR Unknown category '"+category[:min(len(category), 128)]+"'")
	}
	var names []string
	for _, c := range routing.Rows() {
		if c.Categories&in != 0 && c.Family != routing.CmdSentinel {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return appendNames(nil, names)
}

// genPassBits are the most bits of a password.
const genPassBits = 4096

// genPass executes ACL GENPASS [bits]: a hexadecimal number of so many bits.
func genPass(args [][]byte, random func([]byte)) []byte {
	bits := int64(256)
	if len(args) > 0 {
		n, ok := resp.Integer(args[0])
		if !ok {
			return resp.NotInteger
		}
		bits = n
	}
	if bits <= 0 || bits > genPassBits {
		return resp.AppendError(nil, "ERR ACL GENPASS argument must be the number of bits for the output password, a "+
			"positive number up to 4096")
	}
	digits := (bits + 3) / 4
	raw := make([]byte, (digits+1)/2)
	random(raw)
	return resp.AppendBulkString(nil, hex.EncodeToString(raw)[:digits])
}

// dryRun executes ACL DRYRUN user command [arg ...].
func (u *Users) dryRun(q *Query) []byte {
	name, args := q.Args[2], q.Args[3:]
	user := u.byName[string(name)]
	if user == nil {
		return resp.AppendError(nil, "ERR User '"+string(name)+"' not found")
	}
	c := q.Find(args)
	if c == nil {
		return resp.AppendError(nil, "ERR Command '"+string(args[0])+"' not found")
	}
	if !c.ArityFits(len(args)) {
		return resp.AppendError(nil, "ERR wrong number of arguments for '"+c.Name+"' command")
	}
	if denied := user.permit(c, args, nil); denied.Reason != Allowed {
		return resp.AppendBulkString(nil, denied.explain(user, c))
	}
	return resp.OK
}
