// Package local executes commands without a server: CLIENT, HELLO, AUTH, PING, ECHO, TIME, RESET, and has the error
// replies of rejected commands. It returns a reply and the changes for the client; it knows no session and no
// connection, and a worker applies the Effect.
//
//	AfterAll(command, args, facts)     whether all replies before must have been delivered
//	Answer(command, args, facts)       the reply, and what changes
//	AnswerSentinel(command, args, f)   the same for a listener that emulates a Sentinel
//	Reject(why, command, args, ...)    the error for what the routing rejects
package local

import (
	"strconv"
	"strings"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/acks"
	"evergate/gateway/admin"
	"evergate/gateway/facade"
	"evergate/gateway/hotkeys"
	"evergate/gateway/latency"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/slowlog"
	"evergate/gateway/summary"
	"evergate/routing"
	"evergate/topology"
)

// Facts are the inputs of a reply.
type Facts struct {
	// ID is the client's own, for CLIENT ID.
	ID int64
	// Proto and DB are the client's choice; Identity is its name and library, nil if it set neither.
	Proto    uint8
	DB       int32
	Identity *session.Identity
	// User is its user; nil: it must authenticate. Users are all of its service. ReplyOff: CLIENT REPLY drops some reply.
	User     *access.User
	Users    *access.Users
	ReplyOff bool
	// Verdict is a server's error for the credentials of the command, nil where it accepts them. It is nil itself where
	// the gateway knows the users.
	Verdict func(as session.Credentials) []byte
	// Comes reports whether a user admits the client, as far as where it comes from is concerned. Only AUTH and HELLO need
	// it.
	Comes func(user *access.User) bool
	// Subscribed: it waits for messages.
	Subscribed bool
	// Reading is where and how reads are served of clients that choose nothing, Chosen is what this one has chosen.
	Reading session.Reading
	Chosen  session.Chosen
	// View is that of its service.
	View *topology.View
	// Role is the role that the listener emulates; nil: none.
	Role *facade.Role
	// Successor is the gateway to which clients of an emulated node move while this one drains; no Host: none.
	Successor facade.Address
	// Line is the client's line of CLIENT LIST; only CLIENT INFO needs it.
	Line []byte
	// WallClock returns the time of day.
	WallClock func() time.Time
}

// Action is one thing that changes for a client.
type Action uint32

const (
	// Authenticate: it sent the password of User. WrongPassword: it sent a wrong one; both if it sent one after the
	// other.
	Authenticate Action = 1 << iota
	WrongPassword
	// SetProto, SetName, SetLibrary and SetLibVer set the value of the Effect.
	SetProto
	SetName
	SetLibrary
	SetLibVer
	// NoEvictOn and NoEvictOff are those of CLIENT NO-EVICT.
	NoEvictOn
	NoEvictOff
	// ReplyOn, ReplyOff and ReplySkip are those of CLIENT REPLY.
	ReplyOn
	ReplyOff
	ReplySkip
	// NoticesOn, with or without NoticesUnnamed, and NoticesOff are those of CLIENT MAINT_NOTIFICATIONS.
	NoticesOn
	NoticesUnnamed
	NoticesOff
	// SetAcks is PROXY ACKS with the level of the Effect, ResetAcks that with "default".
	SetAcks
	ResetAcks
	// SetReading sets Chosen.
	SetReading
	// Reset: its state becomes that of a new connection.
	Reset
	// Quit: it is closed after the reply.
	Quit
)

// Effect is what changes for a client before it gets the reply. The zero value changes nothing.
type Effect struct {
	Do     Action
	Proto  uint8
	User   *access.User
	Chosen session.Chosen
	// As are the credentials that a server has accepted.
	As session.Credentials
	// Wrong is the name that came with the wrong password.
	Wrong []byte
	// Acks is that of SetAcks.
	Acks acks.Level
	// Text is valid as long as the command's arguments.
	Text []byte
}

// Has reports whether an effect has an action.
func (e *Effect) Has(a Action) bool { return e.Do&a != 0 }

// AfterAll reports whether a command must wait until all earlier replies have been delivered: it moves the session to
// other connections, queries the servers on connections of its own, or changes the reply mode.
func AfterAll(command *routing.Command, args [][]byte, f *Facts) bool {
	switch command.Family {
	case routing.CmdReset:
		return f.ReplyOff || f.Proto != 2 || f.DB != 0 || f.Verdict != nil
	case routing.CmdAuth:
		return f.Verdict != nil
	case routing.CmdHello:
		return len(args) > 2 && f.Verdict != nil || len(args) > 1 && string(args[1]) != strconv.Itoa(int(f.Proto))
	case routing.CmdSelect:
		return string(args[1]) != strconv.Itoa(int(f.DB))
	case routing.CmdInfo, routing.CmdConfig, routing.CmdMonitor, routing.CmdHotKeys, routing.CmdSlowLog,
		routing.CmdLatency, routing.CmdProxy:
		return true
	case routing.CmdClient: // a session waits for one admin request at a time, and no notification comes before its OK
		return command.ID == routing.CmdClientReply || command.ID == routing.CmdClientMaintNotifications ||
			admin.Is(command.ID, f.Verdict != nil)
	}
	return false
}

// noCluster is the reply of a server that is no node of a cluster to CLUSTER.
var noCluster = []byte("-ERR This instance has cluster support disabled\r\n")

var configHelp = resp.AppendLines(nil,
	"CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are, about all servers behind this gateway:",
	"GET <pattern> ...", "SET <directive> <value> ...", "RESETSTAT", "REWRITE", "HELP",
)

// Answer returns the reply to a command, nil if it gets none, and the changes for the client.
func Answer(command *routing.Command, args [][]byte, f *Facts) (reply []byte, do Effect) {
	switch command.Family {
	case routing.CmdPing:
		return ping(command, args, f), do
	case routing.CmdEcho:
		return resp.AppendBulk(nil, args[1]), do
	case routing.CmdTime:
		now := f.WallClock()
		b := resp.AppendBulkString(resp.AppendArray(nil, 2), strconv.FormatInt(now.Unix(), 10))
		return resp.AppendBulkString(b, strconv.Itoa(now.Nanosecond()/1000)), do
	case routing.CmdQuit:
		return resp.OK, Effect{Do: Quit}
	case routing.CmdReset:
		return []byte("+RESET\r\n"), Effect{Do: Reset}
	case routing.CmdHello:
		return hello(args, f)
	case routing.CmdAuth:
		return auth(args, f)
	case routing.CmdClient:
		return client(command.ID, args, f)
	case routing.CmdConfig:
		return configHelp, do
	case routing.CmdHotKeys:
		return hotkeys.Help, do
	case routing.CmdSlowLog:
		return slowlog.Help, do
	case routing.CmdLatency:
		return latency.Help, do
	case routing.CmdProxy:
		return proxy(command.ID, args, f)
	case routing.CmdCluster:
		return cluster(command, args, f), do
	case routing.CmdRole:
		return f.Role.AppendRole(nil), do
	case routing.CmdWait, routing.CmdWaitAOF:
		return waitInMulti(command, args, f), do
	case routing.CmdReadOnly, routing.CmdReadWrite, routing.CmdAsking:
		return readsOnReplicas(command.ID, f)
	}
	return resp.AppendError(nil, "ERR '"+command.Name+"' is not allowed through the gateway"), do
}

// noLevel is the error for PROXY ACKS with another word.
var noLevel = resp.AppendError(nil,
	"ERR evergate: PROXY ACKS takes a number of replicas from 0 to 16, majority, all or default")

// proxy answers what PROXY changes for the client itself, and PROXY HELP.
func proxy(id routing.ID, args [][]byte, f *Facts) (reply []byte, do Effect) {
	switch {
	case id == routing.CmdProxyReads, id == routing.CmdProxyConsistency:
		return reading(id, args, f)
	case id != routing.CmdProxyAcks:
		return summary.Help, do
	case strings.EqualFold(string(args[2]), "default"):
		return resp.OK, Effect{Do: ResetAcks}
	}
	level, err := acks.Parse(strings.ToLower(string(args[2])))
	if err != nil {
		return noLevel, do
	}
	return resp.OK, Effect{Do: SetAcks, Acks: level}
}

func ping(command *routing.Command, args [][]byte, f *Facts) []byte {
	switch {
	case len(args) > 2:
		return resp.AppendError(nil, wrongArity(command))
	case f.Proto == 2 && f.Subscribed: // clients expect only messages
		var text []byte
		if len(args) == 2 {
			text = args[1]
		}
		return resp.AppendBulk(resp.AppendBulkString(resp.AppendArray(nil, 2), "pong"), text)
	case len(args) == 2:
		return resp.AppendBulk(nil, args[1])
	}
	return resp.Pong
}

// cluster returns the reply to CLUSTER, that of a node if the listener emulates one.
func cluster(command *routing.Command, args [][]byte, f *Facts) []byte {
	if !f.Role.Is(facade.Cluster) {
		return noCluster
	}
	reply := f.Role.Cluster(int(f.Proto), command.ID, args, f.Successor)
	if reply == nil {
		reply = resp.AppendError(nil, "ERR 'cluster "+command.Word()+"' is not allowed through the gateway")
	}
	return reply
}

// onlyHello is a Sentinel's reply to PUBLISH.
var onlyHello = []byte("-ERR Only HELLO messages are accepted by Sentinel instances.\r\n")

// AnswerSentinel returns a Sentinel's reply to a command. command is its row among those of Sentinels. It returns nil
// for commands that any listener answers alike.
func AnswerSentinel(command *routing.Command, args [][]byte, f *Facts) []byte {
	switch command.ID {
	case routing.CmdSentinel:
		return f.Role.Sentinel(int(f.Proto), args)
	case routing.CmdPublish:
		return onlyHello
	case routing.CmdCommand:
		if len(args) > 1 {
			return resp.AppendError(nil, unknown(args))
		}
		return resp.EmptyArray // clients ask for commands with keys, and a Sentinel has none
	}
	return nil
}
