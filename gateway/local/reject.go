package local

import (
	"strconv"
	"strings"

	"evergate/gateway/facade"
	"evergate/gateway/resp"
	"evergate/routing"
)

// ReadOnlyReplica is the reply of a listener that emulates a replica to writes.
var ReadOnlyReplica = []byte("-READONLY You can't write against a read only replica.\r\n")

// RejectsWrite reports whether a listener emulates a replica and a command writes. A command that is rejected anyway
// keeps its own reason.
func RejectsWrite(role *facade.Role, command *routing.Command, d *routing.Decision) bool {
	return role.Is(facade.Replica) && command != nil && command.ReplicaRefuses() &&
		d.Reason != routing.WrongArity && d.Reason != routing.Forbidden
}

// Closes reports whether a command closes the client without a reply: it is the first line of a misdirected browser,
// and its headers follow. Redis does the same.
func Closes(command *routing.Command) bool {
	return command != nil && (command.ID == routing.CmdPost || command.ID == routing.CmdHost)
}

// Probes reports whether a rejected command is a client library's probe on each new connection, as that of go-redis for
// maint_notifications, and no sign of a problem.
func Probes(why routing.Reason, args [][]byte) bool {
	if why != routing.UnknownCommand || len(args) < 3 || !resp.IsWord(args[1], "maint_notifications") {
		return false
	}
	container := routing.Container(args[0])
	return container != nil && container.ID == routing.CmdClient
}

// Reject returns the error reply to a command that the routing rejects, for the reason of its decision. learnt is the
// servers' row of an unknown command with subcommands; nil for others.
func Reject(why routing.Reason, command *routing.Command, args [][]byte, learnt *routing.Command,
	role *facade.Role) []byte {
	var text string
	switch why {
	case routing.WrongArity:
		text = wrongArity(command)
	case routing.CrossSlot:
		text = "CROSSSLOT Keys in request don't hash to the same slot"
		if command.Has(routing.Blocking) {
			text += slotsOf(command, args)
		}
	case routing.OneServer:
		text = oneServer(command)
	case routing.Forbidden:
		text = forbidden(command, role)
	case routing.WhichShard:
		text = "ERR '" + strings.ReplaceAll(command.Name, "|", " ") + "' has no key to route it by, and there are " +
			"several primaries; the command was not executed"
	default:
		if text = unknown(args); learnt != nil && learnt.Of(args) == nil {
			text = unknownSubcommand(learnt, args)
		}
	}
	return resp.AppendError(nil, text)
}

func wrongArity(command *routing.Command) string {
	return "ERR wrong number of arguments for '" + command.Name + "' command"
}

// forbidden returns why a command is dangerous, and which setting permits it.
func forbidden(command *routing.Command, role *facade.Role) string {
	name := strings.ReplaceAll(command.Name, "|", " ")
	text := "ERR '" + name + "' is not allowed through the gateway: " + command.Harm()
	if name = command.Allowable(); name != "" && !role.Is(facade.Replica) {
		text += "; --allow '" + name + "' permits it"
	}
	return text
}

// oneServer returns the error for commands about one server, for a service with several.
func oneServer(command *routing.Command) string {
	if command.ID == routing.CmdSwapDB {
		return "ERR SWAPDB is not allowed in cluster mode"
	}
	return "ERR '" + strings.ReplaceAll(command.Name, "|", " ") + "' reports on one server, and this service has several"
}

// slotsOf returns a text with two keys of a command in different slots, and how to put them into one: the first error
// in a cluster for clients that wait for several queues at once.
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

// unknown returns the error for an unknown command or subcommand with the text of Redis 7: client libraries check it.
func unknown(args [][]byte) string {
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
