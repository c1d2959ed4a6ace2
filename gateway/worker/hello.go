package worker

import (
	"strconv"
	"strings"

	"evergate/gateway/backend"
	"evergate/gateway/resp"
	"evergate/topology"
)

var (
	wrongPass = []byte("-WRONGPASS invalid username-password pair or user is disabled.\r\n")
	noneSet   = []byte("-ERR AUTH <password> called without any password configured for the default user. " +
		"Are you sure your configuration is correct?\r\n")
	helloNoAuth = []byte("-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO " +
		"<proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version " +
		"at the same time\r\n")
	badName = []byte("-ERR Client names cannot contain spaces, newlines or special characters.\r\n")
)

// auth answers AUTH [user] password.
func (w *Worker) auth(c *client, args [][]byte) {
	var user []byte
	switch len(args) {
	case 2:
		if !c.svc.AsksPassword {
			w.answer(c, noneSet)
			return
		}
	case 3:
		user = args[1]
	default:
		w.answer(c, syntaxErr)
		return
	}
	if w.login(c, user, args[len(args)-1]) {
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

// hello answers HELLO [proto [AUTH user password] [SETNAME name]]. On an error nothing changes.
func (w *Worker) hello(c *client, args [][]byte) {
	proto := c.Proto
	rest := args[1:]
	if len(rest) > 0 {
		n, err := strconv.ParseInt(string(rest[0]), 10, 64)
		if err != nil {
			w.answer(c, []byte("-ERR Protocol version is not an integer or out of range\r\n"))
			return
		}
		if n < 2 || n > 3 {
			w.answer(c, []byte("-NOPROTO unsupported protocol version\r\n"))
			return
		}
		proto = uint8(n)
		rest = rest[1:]
	}
	var user, password, name []byte
	login := false
	for len(rest) > 0 {
		switch {
		case strings.EqualFold(string(rest[0]), "auth") && len(rest) >= 3:
			user, password, login = rest[1], rest[2], true
			rest = rest[3:]
		case strings.EqualFold(string(rest[0]), "setname") && len(rest) >= 2:
			if name = rest[1]; !printable(name) {
				w.answer(c, badName)
				return
			}
			rest = rest[2:]
		default:
			w.answer(c, resp.AppendError(nil, "ERR Syntax error in HELLO option '"+string(cut(rest[0], 128))+"'"))
			return
		}
	}
	if login && !w.login(c, user, password) {
		w.answer(c, wrongPass)
		return
	}
	if !c.Authenticated {
		w.answer(c, helloNoAuth)
		return
	}
	c.Proto = proto
	if c.svc.view != nil {
		w.routesFor(c.svc, c.setup()) // its lanes are dialled while the client reads this
	}
	if name != nil {
		c.Tell().Name = string(name)
	}
	w.answer(c, w.greeting(c))
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
