package policy

import (
	"evergate/gateway/access"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/routing"
)

// Answers has ACL answered by the gateway where users are defined; without them it is about those of the servers.
func Answers(c *sessions.Session, d *routing.Decision, command *routing.Command) {
	if command != nil && command.Family == routing.CmdACL && d.Reason != routing.WrongArity &&
		c.Service.UsersAt(c.Listener).Defined() {
		*d = routing.Decision{Kind: routing.Answer, Shard: -1, Slot: -1}
	}
}

// ACL returns the reply to a subcommand of ACL.
func (p *Policy) ACL(c *sessions.Session, command *routing.Command, args [][]byte) []byte {
	if command.ID != routing.CmdACLLog {
		return c.Service.UsersAt(c.Listener).Answer(&access.Query{
			Command: command, Args: args, Proto: c.Proto, User: c.Rights(), Find: c.Service.Catalog.Row, Random: p.conf.Random,
		})
	}
	count, reset, wrong := access.LogQuery(args)
	switch {
	case wrong != nil:
		return wrong
	case reset:
		p.conf.Forget(c.Service.Of)
		return resp.OK
	}
	return access.AppendLog(nil, c.Proto, p.conf.Denials(c.Service.Of), count, p.conf.WallClock().UnixMilli())
}
