package local

import (
	"bytes"

	"evergate/gateway/access"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/routing"
	"evergate/topology"
)

// NoAuth is the reply to commands that are not allowed before authentication.
var NoAuth = []byte("-NOAUTH Authentication required.\r\n")

var (
	// WrongPass is the reply to a wrong password.
	WrongPass = []byte("-WRONGPASS invalid username-password pair or user is disabled.\r\n")

	noneSet = []byte("-ERR AUTH <password> called without any password configured for the default user. " +
		"Are you sure your configuration is correct?\r\n")
	helloNoAuth = []byte("-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO " +
		"<proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version " +
		"at the same time\r\n")
)

// Presented returns the credentials that a command has.
func Presented(command *routing.Command, args [][]byte) (all []session.Credentials) {
	switch {
	case command.ID == routing.CmdAuth && len(args) == 2:
		return []session.Credentials{session.Password(string(args[1]))}
	case command.ID == routing.CmdAuth && len(args) == 3:
		return []session.Credentials{session.UserPassword(string(args[1]), string(args[2]))}
	case command.ID == routing.CmdHello:
		// The options as helloOption takes them: one that is wrong ends them.
		for i := 2; i < len(args); {
			switch {
			case resp.IsWord(args[i], "auth") && i+2 < len(args):
				all = append(all, session.UserPassword(string(args[i+1]), string(args[i+2])))
				i += 3
			case resp.IsWord(args[i], "setname") && i+1 < len(args):
				i += 2
			default:
				return all
			}
		}
	}
	return all
}

// authenticate makes a client the user of a name if the password is right, or returns the error: the same if the user
// does not admit the client, so that a password cannot be tried from elsewhere.
func (e *Effect) authenticate(name, password []byte, named bool, f *Facts) (wrong []byte) {
	if f.Verdict == nil {
		user := f.Users.Authenticate(name, password)
		if user == nil || !f.Comes(user) {
			e.Do, e.Wrong = e.Do|WrongPassword, name
			return WrongPass
		}
		e.Do, e.User = e.Do|Authenticate, user
		return nil
	}
	as := session.UserPassword(string(name), string(password))
	if !named {
		as = session.Password(string(password))
	}
	if wrong := f.Verdict(as); wrong != nil {
		if bytes.HasPrefix(wrong, []byte("-WRONGPASS")) {
			e.Do, e.Wrong = e.Do|WrongPassword, name
		}
		return wrong
	}
	user := f.Users.As(as.User())
	if !f.Comes(user) {
		e.Do, e.Wrong = e.Do|WrongPassword, name
		return WrongPass
	}
	e.Do, e.User, e.As = e.Do|Authenticate, user, as
	return nil
}

// auth executes AUTH [user] password.
func auth(args [][]byte, f *Facts) (reply []byte, do Effect) {
	name, password := []byte(access.DefaultUser), args[len(args)-1]
	switch len(args) {
	case 2:
		if f.Verdict == nil && !f.Users.AsksPassword() {
			return noneSet, do
		}
	case 3:
		name = args[1]
	default:
		return resp.SyntaxError, do
	}
	if wrong := do.authenticate(name, password, len(args) == 3, f); wrong != nil {
		return wrong, do
	}
	return resp.OK, do
}

// hello executes HELLO [proto [AUTH user password] [SETNAME name]]. As in Redis the options are executed one by one:
// those before a wrong one take effect, the protocol does not.
func hello(args [][]byte, f *Facts) (reply []byte, do Effect) {
	proto := f.Proto
	rest := args[1:]
	if len(rest) > 0 {
		n, ok := resp.Integer(rest[0])
		if !ok {
			return []byte("-ERR Protocol version is not an integer or out of range\r\n"), do
		}
		if n < 2 || n > 3 {
			return []byte("-NOPROTO unsupported protocol version\r\n"), do
		}
		proto = uint8(n)
		rest = rest[1:]
	}
	for len(rest) > 0 {
		used, wrong := do.helloOption(rest, f)
		if wrong != nil {
			return wrong, do
		}
		rest = rest[used:]
	}
	if f.User == nil && !do.Has(Authenticate) {
		return helloNoAuth, do
	}
	do.Do, do.Proto = do.Do|SetProto, proto
	return greeting(proto, f), do
}

// helloOption executes the first of the options of HELLO, and returns how many words it has.
func (e *Effect) helloOption(words [][]byte, f *Facts) (used int, wrong []byte) {
	switch {
	case resp.IsWord(words[0], "auth") && len(words) >= 3:
		if wrong := e.authenticate(words[1], words[2], true, f); wrong != nil {
			return 0, wrong
		}
		return 3, nil
	case resp.IsWord(words[0], "setname") && len(words) >= 2:
		if !printable(words[1]) {
			return 0, badName
		}
		e.Do, e.Text = e.Do|SetName, words[1]
		return 2, nil
	}
	return 0, resp.AppendError(nil, "ERR Syntax error in HELLO option '"+string(resp.Cut(words[0], 128))+"'")
}

// greeting returns the reply to HELLO. Its version is the lowest of the servers'.
func greeting(proto uint8, f *Facts) []byte {
	role := f.Role.Role()
	fields := 7
	if role == "" {
		fields--
	}
	b := resp.AppendMap(nil, int(proto), fields)
	b = resp.AppendBulkString(resp.AppendBulkString(b, "server"), "redis")
	b = resp.AppendBulkString(resp.AppendBulkString(b, "version"), lowestVersion(f.View))
	b = resp.AppendInt(resp.AppendBulkString(b, "proto"), int64(proto))
	b = resp.AppendInt(resp.AppendBulkString(b, "id"), f.ID)
	b = resp.AppendBulkString(resp.AppendBulkString(b, "mode"), f.Role.Mode())
	if role != "" {
		b = resp.AppendBulkString(resp.AppendBulkString(b, "role"), role)
	}
	return resp.AppendArray(resp.AppendBulkString(b, "modules"), 0)
}

// lowestVersion returns the version for HELLO; the oldest that is supported while none is known.
func lowestVersion(v *topology.View) string {
	if v == nil || v.Lowest == nil || v.Lowest.Version == "" {
		return "6.2.0"
	}
	return v.Lowest.Version
}
