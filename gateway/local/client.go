package local

import (
	"strings"

	"evergate/gateway/resp"
	"evergate/routing"
)

var badName = []byte("-ERR Client names cannot contain spaces, newlines or special characters.\r\n")

// noImport is the reply to CLIENT IMPORT-SOURCE ON: at a server it would apply to a connection that clients share.
var noImport = resp.AppendError(nil,
	"ERR CLIENT IMPORT-SOURCE is not supported by this gateway: clients share its connections")

// noTouch is the reply to CLIENT NO-TOUCH ON. Without the error a scan that relies on it would make all keys look used.
var noTouch = []byte("-ERR CLIENT NO-TOUCH is not supported by this gateway: clients share its connections\r\n")

var clientHelp = resp.AppendLines(nil,
	"CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are, about this gateway's own clients:",
	"GETNAME", "GETREDIR", "ID", "INFO", "KILL <address>",
	"KILL [ID <id>] [ADDR <address>] [LADDR <address>] [TYPE <type>] [USER <name>] [SKIPME YES|NO] [MAXAGE <seconds>]",
	"LIST [TYPE <type>|ID <id> ...]", "MAINT_NOTIFICATIONS ON [MOVING-ENDPOINT-TYPE <type>]|OFF", "NO-EVICT ON|OFF",
	"PAUSE <milliseconds> [WRITE|ALL]", "REPLY ON|OFF|SKIP",
	"SETINFO LIB-NAME|LIB-VER <value>", "SETNAME <name>", "TRACKINGINFO", "UNBLOCK <id> [TIMEOUT|ERROR]", "UNPAUSE",
	"HELP",
)

// client executes the subcommands of CLIENT that are about this connection.
func client(id routing.ID, args [][]byte, f *Facts) (reply []byte, do Effect) {
	switch id {
	case routing.CmdClientID:
		reply = resp.AppendInt(nil, f.ID)
	case routing.CmdClientGetName:
		reply = resp.NullBulk
		if f.Proto == 3 {
			reply = resp.Null3
		}
		if f.Identity != nil && f.Identity.Name != "" {
			reply = resp.AppendBulkString(nil, f.Identity.Name)
		}
	case routing.CmdClientSetName:
		if !printable(args[2]) {
			return badName, do
		}
		return resp.OK, Effect{Do: SetName, Text: args[2]}
	case routing.CmdClientSetInfo:
		return setInfo(args[2], args[3])
	case routing.CmdClientInfo:
		reply = resp.AppendVerbatim(nil, int(f.Proto), f.Line)
	case routing.CmdClientNoEvict:
		if reply = onOff(args[2], resp.OK); reply[0] == '+' {
			do.Do = NoEvictOff
			if resp.IsWord(args[2], "on") {
				do.Do = NoEvictOn
			}
		}
	case routing.CmdClientNoTouch:
		reply = onOff(args[2], noTouch)
	case routing.CmdClientImportSource:
		reply = onOff(args[2], noImport)
	case routing.CmdClientReply:
		return replyMode(args[2])
	case routing.CmdClientMaintNotifications:
		return notices(args[2:], f)
	case routing.CmdClientTracking, routing.CmdClientCaching:
		if reply = resp.OK; id == routing.CmdClientCaching || len(args) != 3 || !resp.IsWord(args[2], "off") {
			reply = resp.AppendError(nil, unknown(args)) // clients do without then
		}
	case routing.CmdClientGetRedir:
		reply = resp.AppendInt(nil, -1)
	case routing.CmdClientCapa:
		reply = resp.OK
	case routing.CmdClientTrackingInfo:
		reply = trackingOff(int(f.Proto))
	case routing.CmdClientHelp:
		reply = clientHelp
	}
	return reply, do
}

// replyMode executes CLIENT REPLY: only ON has a reply.
func replyMode(mode []byte) (reply []byte, do Effect) {
	switch {
	case resp.IsWord(mode, "on"):
		return resp.OK, Effect{Do: ReplyOn}
	case resp.IsWord(mode, "off"):
		return nil, Effect{Do: ReplyOff}
	case resp.IsWord(mode, "skip"):
		return nil, Effect{Do: ReplySkip}
	}
	return resp.SyntaxError, do
}

// onOff parses ON or OFF: the reply to ON is on, that to OFF is OK.
func onOff(word, on []byte) []byte {
	switch {
	case resp.IsWord(word, "on"):
		return on
	case resp.IsWord(word, "off"):
		return resp.OK
	}
	return resp.SyntaxError
}

func setInfo(attribute, value []byte) (reply []byte, do Effect) {
	a := strings.ToLower(string(attribute))
	if a != "lib-name" && a != "lib-ver" {
		return resp.AppendError(nil, "ERR Unrecognized option '"+string(resp.Cut(attribute, 128))+"'"), do
	}
	if !printable(value) {
		return resp.AppendError(nil, "ERR "+a+" cannot contain spaces, newlines or special characters."), do
	}
	if a == "lib-name" {
		return resp.OK, Effect{Do: SetLibrary, Text: value}
	}
	return resp.OK, Effect{Do: SetLibVer, Text: value}
}

func trackingOff(proto int) []byte {
	b := resp.AppendMap(nil, proto, 3)
	b = resp.AppendSet(resp.AppendBulkString(b, "flags"), proto, 1)
	b = resp.AppendBulkString(b, "off")
	b = resp.AppendInt(resp.AppendBulkString(b, "redirect"), -1)
	return resp.AppendArray(resp.AppendBulkString(b, "prefixes"), 0)
}

// printable reports whether b has no byte that would break a line of CLIENT LIST.
func printable(b []byte) bool {
	for _, ch := range b {
		if ch < '!' || ch > '~' {
			return false
		}
	}
	return true
}
