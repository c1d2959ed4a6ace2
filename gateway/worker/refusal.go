package worker

import (
	"strconv"
	"strings"

	"evergate/gateway/facade"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/routing"
)

// refuse answers with the error that a decision names.
func (w *Worker) refuse(c *client, why routing.Reason, command *routing.Command, args [][]byte) {
	if why == routing.UnknownCommand && len(args) > 2 && resp.IsWord(args[1], "maint_notifications") && isOfClient(args) {
		w.answer(c, resp.AppendError(nil, unknownText(args))) // go-redis tries it on each connection, and does without
		return
	}
	w.stats.Refused++
	var text string
	switch why {
	case routing.WrongArity:
		text = "ERR wrong number of arguments for '" + command.Name + "' command"
	case routing.CrossSlot:
		text = "CROSSSLOT Keys in request don't hash to the same slot"
		if command.Has(routing.Blocking) {
			text += slotsOf(command, args)
		}
	case routing.OneServer:
		text = oneServer(command)
	case routing.Forbidden:
		if command.ID == routing.CmdPost || command.ID == routing.CmdHost {
			// A browser that was led here: what follows are its headers. Redis, too, closes without a word.
			w.close(c, session.ProtocolError)
			return
		}
		text = forbidden(c, command)
	case routing.WhichShard:
		text = "ERR '" + strings.ReplaceAll(command.Name, "|", " ") + "' has no key to route it by, and there are " +
			"several primaries; the command was not executed"
	default:
		text = unknownText(args)
		if l := c.svc.learned[nameAsked(args)]; l != nil && l.row != nil && l.row.Of(args) == nil {
			text = unknownSubcommand(l.row, args)
		}
	}
	w.answer(c, resp.AppendError(nil, text))
}

// isOfClient says that args are those of CLIENT, and be it of a subcommand that nobody knows.
func isOfClient(args [][]byte) bool {
	container := routing.Container(args[0])
	return container != nil && container.ID == routing.CmdClient
}

// forbidden says why a command may harm, and how it can be let through.
func forbidden(c *client, command *routing.Command) string {
	name := strings.ReplaceAll(command.Name, "|", " ")
	text := "ERR '" + name + "' is not allowed through the gateway: " + command.Harm()
	if name = command.Allowable(); name != "" && !c.face.Is(facade.Replica) {
		text += "; --allow '" + name + "' permits it"
	}
	return text
}

// oneServer answers what has no meaning where there are several servers.
func oneServer(command *routing.Command) string {
	if command.ID == routing.CmdSwapDB {
		return "ERR SWAPDB is not allowed in cluster mode"
	}
	return "ERR '" + strings.ReplaceAll(command.Name, "|", " ") + "' reports on one server, and this service has several"
}

// slotsOf says of two keys of a command which slots they lie in, and how to have them lie in one: whoever waits for
// several queues at once meets this first in a cluster.
func slotsOf(command *routing.Command, args [][]byte) string {
	keys, _ := command.Keys(args, nil)
	for _, at := range keys[1:] {
		a, b := args[keys[0]], args[at]
		if routing.Slot(a) != routing.Slot(b) {
			return " ('" + string(resp.Cut(a, 64)) + "' to " + strconv.Itoa(routing.Slot(a)) + ", '" +
				string(resp.Cut(b, 64)) + "' to " + strconv.Itoa(routing.Slot(b)) + "; a common {hash tag} puts both in one)"
		}
	}
	return ""
}

// unknownText words the error for an unknown command or subcommand as Redis 7 does: client libraries look at it.
func unknownText(args [][]byte) string {
	if container := routing.Container(args[0]); container != nil && len(args) > 1 {
		return unknownSubcommand(container, args)
	}
	list := ""
	for _, a := range args[1:] {
		if len(list) >= 128 {
			break
		}
		list += "'" + string(resp.Cut(a, 128-len(list))) + "' "
	}
	return "ERR unknown command '" + string(resp.Cut(args[0], 128)) + "', with args beginning with: " + list
}

func unknownSubcommand(container *routing.Command, args [][]byte) string {
	return "ERR unknown subcommand '" + string(resp.Cut(args[1], 128)) + "'. Try " +
		strings.ToUpper(container.Name) + " HELP."
}
