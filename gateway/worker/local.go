package worker

import (
	"strconv"

	"evergate/gateway/admin"
	"evergate/gateway/backend"
	"evergate/gateway/facade"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/wait"
	"evergate/routing"
)

// local answers a command about the gateway itself, or sends on what the servers must say. It returns false when the
// session was parked.
func (w *Worker) local(c *client, command *routing.Command, args [][]byte, frame []byte) bool {
	if c.Replies.Owed() > 0 && (changesSetup(c, command.ID, args) || comesAfter(c, command)) {
		w.park(c, wait.Flight) // what is owed is still said in the old protocol, of the old database
		return false
	}
	if command.ID == routing.CmdSelect {
		return w.selectDB(c, args[1])
	}
	w.stats.Local++
	switch command.Family {
	case routing.CmdPing:
		if w.mayBeInScript(c.svc) && c.Watch == nil && c.face == nil && !c.subscribed() {
			return w.askUrgently(c, 0, frame)
		}
		w.answer(c, w.simple(c, command, args))
	case routing.CmdCommand:
		return w.askLowest(c, command, args)
	case routing.CmdCluster:
		if c.face.Is(facade.Cluster) {
			return w.clusterCommand(c, command, args)
		}
		w.answer(c, noCluster)
	case routing.CmdMonitor:
		w.monitor(c)
	case routing.CmdQuit:
		w.answer(c, resp.OK)
		w.end(c, session.Quit)
	case routing.CmdHello:
		return w.hello(c, args)
	case routing.CmdAuth:
		w.auth(c, args)
	case routing.CmdClient:
		if command.ID == routing.CmdClientReply {
			w.clientReply(c, args[2])
			break
		}
		fallthrough
	default:
		if !admin.Is(command.ID) {
			w.answer(c, w.ownReply(c, command, args))
		} else if r, wrong := w.adminRequest(c, command, args); wrong != nil {
			w.answer(c, wrong)
		} else {
			c.adminOut = r.Changes()
			w.sendAdmin(c, r, c.Replies.Reserve())
		}
	}
	return true
}

// ownReply is the gateway's reply to a command that it answers at once and by itself.
func (w *Worker) ownReply(c *client, command *routing.Command, args [][]byte) []byte {
	switch command.Family {
	case routing.CmdUnsubscribe, routing.CmdPUnsubscribe, routing.CmdSUnsubscribe:
		return w.unsubscribe(c, listening[command.ID].kind, command.Name, args[1:])
	case routing.CmdSSubscribe:
		return denyBlocking
	case routing.CmdWait, routing.CmdWaitAOF:
		return waitInMulti(command, args)
	case routing.CmdClient:
		return w.ofClient(c, command.ID, args)
	case routing.CmdConfig:
		return configHelp
	case routing.CmdCluster:
		return noCluster
	default:
		return w.simple(c, command, args)
	}
}

// changesSetup says that a command would have the session served by other connections: in another protocol, or of
// another database.
func changesSetup(c *client, id routing.ID, args [][]byte) bool {
	switch id {
	case routing.CmdReset:
		return c.setup() != backend.Setup{Proto: 2}
	case routing.CmdHello:
		return len(args) > 1 && string(args[1]) != strconv.Itoa(int(c.Proto))
	case routing.CmdSelect:
		return string(args[1]) != strconv.Itoa(int(c.DB))
	}
	return false
}

// comesAfter says that a command is done when all before it has been: it has other connections ask the servers, or
// changes what becomes of replies.
func comesAfter(c *client, command *routing.Command) bool {
	switch command.Family {
	case routing.CmdInfo, routing.CmdConfig, routing.CmdMonitor:
		return true
	case routing.CmdClient: // so that one admin request at a time is out whose reply is waited for
		return command.ID == routing.CmdClientReply || admin.Is(command.ID)
	case routing.CmdReset:
		return c.mute != loud
	}
	return false
}

var (
	noCluster = []byte("-ERR This instance has cluster support disabled\r\n")
)

// simple answers the commands that need a line each.
func (w *Worker) simple(c *client, command *routing.Command, args [][]byte) []byte {
	switch command.ID {
	case routing.CmdPing:
		if c.Proto == 2 && c.subscribed() && len(args) <= 2 {
			return pongSubscribed(args)
		}
		switch len(args) {
		case 1:
			return resp.Pong
		case 2:
			return resp.AppendBulk(nil, args[1])
		}
		return wrongArity(command.Name)
	case routing.CmdEcho:
		return resp.AppendBulk(nil, args[1])
	case routing.CmdReset:
		if c.mute == muteAll { // what a SKIP is for is this reply
			c.mute = loud
		}
		c.noEvict = false
		c.Proto, c.DB, c.Authenticated, c.Multi = 2, 0, !c.svc.AsksPassword, nil
		w.unwatch(c)
		w.unlisten(c)
		w.unmonitor(c)
		if c.Told != nil {
			c.Told.Name = ""
		}
		return []byte("+RESET\r\n")
	case routing.CmdTime:
		now := w.env.WallClock()
		b := resp.AppendArray(nil, 2)
		b = resp.AppendBulkString(b, strconv.FormatInt(now.Unix(), 10))
		return resp.AppendBulkString(b, strconv.Itoa(now.Nanosecond()/1000))
	case routing.CmdRole:
		return c.face.AppendRole(nil)
	case routing.CmdReadOnly, routing.CmdReadWrite, routing.CmdAsking:
		if v := c.svc.view; v != nil && !v.Sharded && !c.face.Is(facade.Cluster) {
			return noCluster
		}
		return resp.OK
	}
	return resp.AppendError(nil, "ERR '"+command.Name+"' is not allowed through the gateway")
}

func wrongArity(name string) []byte {
	return resp.AppendError(nil, "ERR wrong number of arguments for '"+name+"' command")
}

// inScript is what the primary of a shard says to everything while it runs a script, or empty.
func (s *service) inScript(shard int) string {
	if p := s.view.Primary(shard); p != nil {
		return p.Busy
	}
	return ""
}

// anyInScript says that a primary runs a script and takes nothing else.
func (s *service) anyInScript() bool {
	for i := range s.view.Shards {
		if s.inScript(i) != "" {
			return true
		}
	}
	return false
}

// saidInScript names what a server answers while it runs a script, besides what ends that.
func saidInScript(c *routing.Command) bool { return c != nil && c.ID == routing.CmdFunctionStats }

// askUrgently sends what changes nothing to a primary that runs a script, on a connection of the session's own.
func (w *Worker) askUrgently(c *client, shard int, frame []byte) bool {
	if len(c.flights) > 0 {
		w.park(c, wait.Flight)
		return false
	}
	l, why := w.privateAt(c, shard, true)
	if l == nil {
		return w.mayNot(c, shard, why)
	}
	w.send(c, l, &request{
		seq: c.Replies.Reserve(), part: -1, slot: -1, shard: shard, read: true, foreign: true, frame: frame,
	})
	return true
}

// askLowest sends COMMAND and its subcommands to the server with the lowest version: it speaks for all.
func (w *Worker) askLowest(c *client, command *routing.Command, args [][]byte) bool {
	v := c.svc.view
	if v == nil {
		return w.mayNot(c, -1, noView)
	}
	d := routing.Decision{Kind: routing.Forward, Shard: 0, Slot: -1, Read: true, Safe: true}
	if len(c.flights) > 0 {
		return w.mayNot(c, 0, inFlight)
	}
	if v.Lowest == nil || v.Demoted(v.Lowest.ID) != nil {
		return w.forward(c, &d, command, args, resp.AppendCommand(nil, args...))
	}
	purpose := purposeOf(v, v.Lowest)
	l, _ := w.usable(w.set(c.svc, v.Lowest, purpose, c.setup()))
	if l == nil || l.Full() {
		return w.forward(c, &d, command, args, resp.AppendCommand(nil, args...))
	}
	w.send(c, l, &request{
		seq: c.Replies.Reserve(), part: -1, slot: -1, shard: 0, read: true, foreign: true,
		frame: resp.AppendCommand(nil, args...),
	})
	return true
}

var configHelp = resp.AppendLines(nil,
	"CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are, about all servers behind this gateway:",
	"GET <pattern> ...", "SET <directive> <value> ...", "RESETSTAT", "REWRITE", "HELP",
)
