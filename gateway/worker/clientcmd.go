package worker

import (
	"strings"

	"evergate/gateway/resp"
	"evergate/routing"
)

// ofClient answers the subcommands of CLIENT that are about this connection.
func (w *Worker) ofClient(c *client, id routing.ID, args [][]byte) (reply []byte) {
	switch id {
	case routing.CmdClientID:
		reply = resp.AppendInt(nil, c.number)
	case routing.CmdClientGetName:
		reply = resp.NullBulk
		if c.Proto == 3 {
			reply = resp.Null3
		}
		if c.Told != nil && c.Told.Name != "" {
			reply = resp.AppendBulkString(nil, c.Told.Name)
		}
	case routing.CmdClientSetName:
		if reply = badName; printable(args[2]) {
			c.Tell().Name = string(args[2])
			reply = resp.OK
		}
	case routing.CmdClientSetInfo:
		reply = setInfo(c, args[2], args[3])
	case routing.CmdClientInfo:
		reply = resp.AppendVerbatim(nil, int(c.Proto), w.appendLine(nil, c, len(resp.AppendCommand(nil, args...))))
	case routing.CmdClientNoEvict:
		if reply = onOff(args[2], resp.OK); reply[0] == '+' {
			c.noEvict = resp.IsWord(args[2], "on")
		}
	case routing.CmdClientNoTouch:
		reply = onOff(args[2], noTouch)
	case routing.CmdClientImportSource:
		reply = onOff(args[2], noImport)
	case routing.CmdClientTracking, routing.CmdClientCaching:
		if reply = resp.OK; id == routing.CmdClientCaching || len(args) != 3 || !resp.IsWord(args[2], "off") {
			reply = resp.AppendError(nil, unknownText(args)) // clients do without then
		}
	case routing.CmdClientGetRedir:
		reply = resp.AppendInt(nil, -1)
	case routing.CmdClientCapa:
		reply = resp.OK
	case routing.CmdClientTrackingInfo:
		reply = trackingOff(int(c.Proto))
	case routing.CmdClientHelp:
		reply = clientHelp
	}
	return reply
}

// onOff reads ON or OFF: the answer to ON is given, that to OFF is OK.
func onOff(word, on []byte) []byte {
	switch {
	case resp.IsWord(word, "on"):
		return on
	case resp.IsWord(word, "off"):
		return resp.OK
	}
	return resp.SyntaxError
}

// noImport answers CLIENT IMPORT-SOURCE ON: what a server lets one connection do would be done by others.
var noImport = resp.AppendError(nil,
	"ERR CLIENT IMPORT-SOURCE is not supported by this gateway: clients share its connections")

// noTouch answers CLIENT NO-TOUCH ON. A scan that relied on it would make all keys look used.
var noTouch = []byte("-ERR CLIENT NO-TOUCH is not supported by this gateway: clients share its connections\r\n")

var clientHelp = resp.AppendLines(nil,
	"CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are, about this gateway's own clients:",
	"GETNAME", "GETREDIR", "ID", "INFO", "KILL <address>",
	"KILL [ID <id>] [ADDR <address>] [LADDR <address>] [TYPE <type>] [USER <name>] [SKIPME YES|NO] [MAXAGE <seconds>]",
	"LIST [TYPE <type>|ID <id> ...]", "NO-EVICT ON|OFF", "PAUSE <milliseconds> [WRITE|ALL]", "REPLY ON|OFF|SKIP",
	"SETINFO LIB-NAME|LIB-VER <value>", "SETNAME <name>", "TRACKINGINFO", "UNBLOCK <id> [TIMEOUT|ERROR]", "UNPAUSE",
	"HELP",
)

func setInfo(c *client, attribute, value []byte) []byte {
	a := strings.ToLower(string(attribute))
	if a != "lib-name" && a != "lib-ver" {
		return resp.AppendError(nil, "ERR Unrecognized option '"+string(resp.Cut(attribute, 128))+"'")
	}
	if !printable(value) {
		return resp.AppendError(nil, "ERR "+a+" cannot contain spaces, newlines or special characters.")
	}
	if a == "lib-name" {
		c.Tell().Library = string(value)
	} else {
		c.Tell().Version = string(value)
	}
	return resp.OK
}

func trackingOff(proto int) []byte {
	b := resp.AppendMap(nil, proto, 3)
	b = resp.AppendSet(resp.AppendBulkString(b, "flags"), proto, 1)
	b = resp.AppendBulkString(b, "off")
	b = resp.AppendInt(resp.AppendBulkString(b, "redirect"), -1)
	return resp.AppendArray(resp.AppendBulkString(b, "prefixes"), 0)
}
