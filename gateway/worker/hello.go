package worker

import (
	"evergate/gateway/admin"
	"evergate/gateway/backend"
	"evergate/gateway/resp"
	"evergate/routing"
	"evergate/topology"
)

var (
	wrongPass = []byte("-WRONGPASS invalid username-password pair or user is disabled.\r\n")
	noneSet   = []byte("-ERR AUTH <password> called without any password configured for the default user. " +
		"Are you sure your configuration is correct?\r\n")
	helloNoAuth = []byte("-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO " +
		"<proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version " +
		"at the same time\r\n")
	noAuth     = []byte("-NOAUTH Authentication required.\r\n")
	execNoAuth = []byte(becauseOf + "NOAUTH Authentication required.\r\n")
	badName    = []byte("-ERR Client names cannot contain spaces, newlines or special characters.\r\n")
)

// asksPassword answers what is not allowed before the password.
func (w *Worker) asksPassword(c *client, command *routing.Command) bool {
	if command != nil && command.ID == routing.CmdExec {
		return w.execEnds(c, execNoAuth)
	}
	w.answer(c, noAuth)
	return true
}

// auth answers AUTH [user] password.
func (w *Worker) auth(c *client, args [][]byte) {
	user, password := []byte(admin.DefaultUser), args[len(args)-1]
	switch len(args) {
	case 2:
		if !c.svc.AsksPassword {
			w.answer(c, noneSet)
			return
		}
	case 3:
		user = args[1]
	default:
		w.answer(c, resp.SyntaxError)
		return
	}
	if w.login(c, user, password) {
		w.answer(c, resp.OK)
	} else {
		w.answer(c, wrongPass)
	}
}

// login checks a password. Where none is set the default user may give any, as in Redis ("nopass").
func (w *Worker) login(c *client, user, password []byte) bool {
	ok := w.env.Allowed(c.svc.index, user, password)
	if !ok {
		w.stats.WrongPasswords++
		return false
	}
	c.Authenticated = true
	return true
}

// hello answers HELLO [proto [AUTH user password] [SETNAME name]]. As in Redis the options are done one by one: what
// stands before a wrong one holds, but for the protocol. It returns false when the session was parked.
func (w *Worker) hello(c *client, args [][]byte) bool {
	proto := c.Proto
	rest := args[1:]
	if len(rest) > 0 {
		n, ok := resp.Integer(rest[0])
		if !ok {
			w.answer(c, []byte("-ERR Protocol version is not an integer or out of range\r\n"))
			return true
		}
		if n < 2 || n > 3 {
			w.answer(c, []byte("-NOPROTO unsupported protocol version\r\n"))
			return true
		}
		proto = uint8(n)
		rest = rest[1:]
	}
	for len(rest) > 0 {
		used, wrong := w.helloOption(c, rest)
		if wrong != nil {
			w.answer(c, wrong)
			return true
		}
		rest = rest[used:]
	}
	if !c.Authenticated {
		w.answer(c, helloNoAuth)
		return true
	}
	if !w.setUp(c, backend.Setup{Proto: proto, DB: c.DB}) {
		return false
	}
	w.answer(c, w.greeting(c))
	return true
}

// helloOption does the first of the options of HELLO, and says how many words it has.
func (w *Worker) helloOption(c *client, words [][]byte) (used int, wrong []byte) {
	switch {
	case resp.IsWord(words[0], "auth") && len(words) >= 3:
		if !w.login(c, words[1], words[2]) {
			return 0, wrongPass
		}
		return 3, nil
	case resp.IsWord(words[0], "setname") && len(words) >= 2:
		if !printable(words[1]) {
			return 0, badName
		}
		c.Tell().Name = string(words[1])
		return 2, nil
	}
	return 0, resp.AppendError(nil, "ERR Syntax error in HELLO option '"+string(resp.Cut(words[0], 128))+"'")
}

// greeting is the reply to HELLO. The gateway speaks for the server with the lowest version.
func (w *Worker) greeting(c *client) []byte {
	p := int(c.Proto)
	role := c.face.Role()
	fields := 7
	if role == "" {
		fields--
	}
	b := resp.AppendMap(nil, p, fields)
	b = resp.AppendBulkString(resp.AppendBulkString(b, "server"), "redis")
	b = resp.AppendBulkString(resp.AppendBulkString(b, "version"), lowestVersion(c.svc.view))
	b = resp.AppendInt(resp.AppendBulkString(b, "proto"), int64(p))
	b = resp.AppendInt(resp.AppendBulkString(b, "id"), c.number)
	b = resp.AppendBulkString(resp.AppendBulkString(b, "mode"), c.face.Mode())
	if role != "" {
		b = resp.AppendBulkString(resp.AppendBulkString(b, "role"), role)
	}
	return resp.AppendArray(resp.AppendBulkString(b, "modules"), 0)
}

// lowestVersion is what clients are told while no server has said: the oldest version that is supported.
func lowestVersion(v *topology.View) string {
	if v == nil || v.Lowest == nil || v.Lowest.Version == "" {
		return "6.2.0"
	}
	return v.Lowest.Version
}

// purposeOf says for which purpose a view uses a node.
func purposeOf(v *topology.View, n *topology.Node) backend.Purpose {
	for i := range v.Shards {
		if v.Shards[i].Primary == n {
			return backend.Primary
		}
	}
	return backend.Replica
}

// printable says that b has no byte that would break a line of CLIENT LIST.
func printable(b []byte) bool {
	for _, ch := range b {
		if ch < '!' || ch > '~' {
			return false
		}
	}
	return true
}
