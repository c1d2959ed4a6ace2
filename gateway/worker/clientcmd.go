package worker

import (
	"fmt"
	"strings"

	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/session"
)

// clientList answers CLIENT LIST, of which every worker knows a part.
func (w *Worker) clientList(c *client, args [][]byte) {
	switch {
	case len(args) > 2 && (len(args) != 4 || !strings.EqualFold(string(args[2]), "type")):
		w.answer(c, syntaxErr)
	case len(args) == 4 && !strings.EqualFold(string(args[3]), "normal"):
		w.answer(c, resp.AppendVerbatim(nil, int(c.Proto), nil))
	default:
		w.env.Ask(c.svc.index, c.ref, c.Replies.Reserve(), nil)
	}
}

// clientReply answers the other subcommands of CLIENT, which are about this connection.
func (w *Worker) clientReply(c *client, sub string, args [][]byte) (reply []byte) {
	switch sub {
	case "id":
		reply = resp.AppendInt(nil, c.number)
	case "getname":
		reply = resp.NullBulk
		if c.Proto == 3 {
			reply = resp.Null3
		}
		if c.Told != nil && c.Told.Name != "" {
			reply = resp.AppendBulkString(nil, c.Told.Name)
		}
	case "setname":
		if reply = badName; printable(args[2]) {
			c.Tell().Name = string(args[2])
			reply = resp.OK
		}
	case "setinfo":
		reply = setInfo(c, args[2], args[3])
	case "info":
		reply = resp.AppendVerbatim(nil, int(c.Proto), w.appendLine(nil, c))
	case "getredir":
		reply = resp.AppendInt(nil, -1)
	case "capa":
		reply = resp.OK
	case "trackinginfo":
		reply = trackingOff(int(c.Proto))
	case "help":
		reply = clientHelp
	default:
		reply = resp.AppendError(nil, "ERR 'client "+sub+"' is not allowed through the gateway")
	}
	return reply
}

var clientHelp = func() []byte {
	lines := []string{
		"CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are, about this gateway's own clients:",
		"GETNAME", "ID", "INFO", "LIST [TYPE NORMAL]", "SETINFO LIB-NAME|LIB-VER <value>", "SETNAME <name>", "HELP",
	}
	b := resp.AppendArray(nil, len(lines))
	for _, l := range lines {
		b = append(append(append(b, '+'), l...), '\r', '\n')
	}
	return b
}()

func setInfo(c *client, attribute, value []byte) []byte {
	a := strings.ToLower(string(attribute))
	if a != "lib-name" && a != "lib-ver" {
		return resp.AppendError(nil, "ERR Unrecognized option '"+string(cut(attribute, 128))+"'")
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
	b = resp.AppendArray(resp.AppendBulkString(b, "flags"), 1)
	b = resp.AppendBulkString(b, "off")
	b = resp.AppendInt(resp.AppendBulkString(b, "redirect"), -1)
	return resp.AppendArray(resp.AppendBulkString(b, "prefixes"), 0)
}

// appendLine appends a client's line of CLIENT LIST, in Redis's own form: tools read it.
func (w *Worker) appendLine(b []byte, c *client) []byte {
	name, library, version := "", "", ""
	if c.Told != nil {
		name, library, version = c.Told.Name, c.Told.Library, c.Told.Version
	}
	flags, subs := "N", [3]int{}
	if c.subscribed() {
		flags = "P"
		for k := range subs {
			subs[k] = c.subs.Count(fanout.Kind(k))
		}
	}
	return fmt.Appendf(b, "id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d "+
		"multi=-1 qbuf=%d qbuf-free=%d argv-mem=0 multi-mem=0 obl=%d oll=0 omem=%d tot-mem=%d events=r cmd=NULL "+
		"user=default redir=-1 resp=%d lib-name=%s lib-ver=%s\n",
		c.number, c.remote, c.local, c.ref.ID, name, int((w.now - c.OpenedAt).Seconds()), int((w.now - c.ActiveAt).Seconds()),
		flags, c.DB, subs[fanout.Channel], subs[fanout.Pattern], subs[fanout.Shard],
		len(c.Unread), cap(c.Unread)-len(c.Unread), len(c.out)-c.sent, cap(c.out), cap(c.out)+cap(c.Unread), c.Proto, library,
		version)
}

// AppendClients appends the CLIENT LIST lines of a service's clients.
func (w *Worker) AppendClients(b []byte, service int) []byte {
	for _, c := range w.clients {
		if c != nil && c.svc.index == service {
			b = w.appendLine(b, c)
		}
	}
	return b
}

// Answer gives the text that Env.Ask asked for to the client that waits for it.
func (w *Worker) Answer(ref ClientRef, seq uint32, text []byte) {
	if c := w.client(ref.ID, ref.Generation); c != nil {
		w.deliver(c, seq, resp.AppendVerbatim(nil, int(c.Proto), text))
		if c.Parked == session.Flight {
			w.wake(c)
		}
		w.finished(c)
	}
}
